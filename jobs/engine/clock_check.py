"""Nothing is sent while the clocks that a submit rests on are apart: this machine's, the database's
and the service's. The list of tasks could not tell then which one was made by which attempt."""

from __future__ import annotations

from datetime import timedelta

from jobs.accounts.clients import KeyedClient
from jobs.common import wakeup
from studio.common import clock
from studio.common.sentence_error import SentenceError
from studio.common.translatable import EMPTY, Sentence, phrase

AGAIN = 60.0  # seconds until clocks that are apart are compared again


class ClocksApart(SentenceError):
    """The clocks differ by more than a submit can stand. Its sentence says which and how far."""


def require_together(client: KeyedClient) -> None:
    """Raises ClocksApart, and lets `/readyz` and the admin say so; and a WireError when the service
    has not said lately what time it is there, or a wrong one, and does not answer now."""
    sentence = _ours() or _services(client)
    if sentence:
        wakeup.note_clock_problem(str(sentence))
        raise ClocksApart(sentence)


def _ours() -> Sentence:
    offset = clock.offset()
    if abs(offset) <= clock.TOLERATED:
        return EMPTY
    return phrase(
        "The clock of a worker’s machine is %(seconds)s s off the database’s, so nothing is sent "
        "from there. Whoever runs this site sets it (NTP).",
        seconds=_seconds(offset),
    )


def _services(client: KeyedClient) -> Sentence:
    ahead = clock.ahead(client.host)
    if ahead is None or abs(ahead) > clock.TOLERATED:
        # Free; its answer tells the time. What was heard before may be of a clock that is set now.
        client.probe()
        ahead = clock.ahead(client.host)
    if ahead is None or abs(ahead) <= clock.TOLERATED:
        return EMPTY
    return phrase(
        "The clocks of this site and of %(host)s are %(seconds)s s apart, so nothing is sent. "
        "Whoever runs this site sets its clock (NTP).",
        host=client.host,
        seconds=_seconds(ahead),
    )


def _seconds(off: timedelta) -> str:
    return f"{abs(off.total_seconds()):.0f}"
