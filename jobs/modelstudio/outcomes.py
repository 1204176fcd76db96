"""What came of a call, as one word for counts."""

from __future__ import annotations

from collections.abc import Callable

from jobs.modelstudio.errors import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    NotSent,
    OurFault,
    Rejected,
    RetryLater,
    WireError,
)

#: Called after every request with the kind of call, how long it took (s), and what came of it; on
#: the thread of the call, so it must be quick and never raise.
Watch = Callable[[str, float, str], None]
CALLS = ("detect", "submit", "cancel", "query", "list", "policy", "upload")
_OUTCOMES: dict[type[WireError], str] = {
    RetryLater: "throttled",
    Rejected: "rejected",
    MediaUnreachable: "media",
    AccountTrouble: "account",
    ModelGone: "gone",
    NotSent: "not_sent",
    OurFault: "our_fault",
}
OUTCOMES = (
    "ok",
    "no_answer",
    "failed",
    *_OUTCOMES.values(),
)  # failed: a 5xx, or an answer that cannot be read


def outcome_of(error: WireError) -> str:
    """The class of `error` as a word of OUTCOMES."""
    if isinstance(error, NoAnswer):
        return "no_answer" if error.status is None else "failed"
    return _OUTCOMES.get(type(error), "failed")
