"""What becomes of a video that did not come home: it is tried again with growing pauses, or its job
fails with a sentence that says why."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from jobs.common.states import Code, State
from jobs.engine import retry, transitions
from jobs.engine.archive_lease import Lease
from jobs.engine.expiry import expires_at
from jobs.engine.result_download import OURS, PARTS_STAY, Trouble, ask_for_address
from jobs.models import Job
from jobs.modelstudio import Explanation, WireError
from studio.common import clock
from studio.common.translatable import Sentence, moment, phrase, together

log = logging.getLogger("footlight.archive_retry")
# For so long an address that may not be asked is asked for anew: one odd answer of a name server
# is no end.
ODD_ADDRESS = timedelta(minutes=20)
# Times that whole files came which were no video, and for so long: whoever has it downloaded again
# by hand must not use the tries up in a minute.
HOPELESS = 6
STUBBORN = timedelta(minutes=5)
# seconds between them: a page instead of a video is often gone after a while
NO_VIDEO_PAUSES = (2.0, 5.0, 20.0, 60.0, 300.0)
_ANEW = phrase("Make it again; ask whoever runs this site what was in the way.")


def again(job: Job, lease: Lease, trouble: Trouble) -> None:
    """Try again later; or the job fails: after its address expired, when it may not be asked, when
    whole files keep being no video."""
    now = clock.now()
    log.warning("job %s: %s (try %d)", job.public_id, trouble.why, job.tries + 1)
    before = _History.of(job)
    if _give_up_if_hopeless(job, lease, trouble, before, now):
        return
    pause = (
        NO_VIDEO_PAUSES[min(before.no_videos + 1, len(NO_VIDEO_PAUSES)) - 1]
        if trouble.kind == "content"
        else retry.backoff(job.tries + 1)
    )
    pause = max(pause, min(trouble.wait or 0, 600.0))
    if trouble.kind in ("host", "content", "address"):
        ask_for_address(job)
    with transaction.atomic():
        lease.give_back(
            tries=job.tries + 1, not_before=now + timedelta(seconds=pause), sentence=trouble.why
        )
        if trouble.kind == "content" or before.last != trouble.kind:
            # One line in the timeline per kind of trouble, not per try.
            transitions.move(
                job,
                State.ARCHIVING,
                together(trouble.why, phrase("It is tried again")),
                code=job.code,
                data={"trouble": trouble.kind, "try": job.tries + 1}
                | ({"sha256": trouble.sha256} if trouble.sha256 else {}),
            )


@dataclass(frozen=True, slots=True)
class _History:
    """The troubles that the job's events tell of, oldest first: (kind, when)."""

    troubles: list[tuple[str, datetime]]

    @classmethod
    def of(cls, job: Job) -> _History:
        events = job.events.filter(new=State.ARCHIVING).order_by("id")
        return cls(
            [(event.data["trouble"], event.at) for event in events if "trouble" in event.data]
        )

    def since(self, kind: str, now: datetime) -> timedelta:
        """How long there has been trouble of this kind; none yet: not at all."""
        return now - next((at for one, at in self.troubles if one == kind), now)

    @property
    def no_videos(self) -> int:
        """Times that a whole file came which was no video."""
        return sum(kind == "content" for kind, _ in self.troubles)

    @property
    def last(self) -> str:
        return self.troubles[-1][0] if self.troubles else ""

    @property
    def ours(self) -> set[str]:
        return {kind for kind, _ in self.troubles} & OURS


def _give_up_if_hopeless(
    job: Job, lease: Lease, trouble: Trouble, before: _History, now: datetime
) -> bool:
    """Whether the video will not come, so that the job has failed."""
    until, kind, count = expires_at(job), trouble.kind, before.no_videos + 1
    if kind == "address" and before.since(kind, now) >= ODD_ADDRESS:
        lost = _Lost("ResultForbidden", "service", trouble.why, _advice(until))
        _give_up(job, lease, Code.BAD_RESULT, lost)
        return True
    if kind == "content" and count >= HOPELESS and before.since(kind, now) >= STUBBORN:
        why = together(trouble.why, phrase("It was fetched %(n)s times.", n=count))
        lost = _Lost("ResultNotAVideo", "service", why, _advice(until))
        _give_up(job, lease, Code.BAD_RESULT, lost)
        return True
    # A video that lies proven on this disk is never given up; one that lies on the disk of another
    # worker has days to be stored from there.
    if kind == "disk" or "store" in before.ours:
        until += PARTS_STAY
    if now >= until and kind != "store":
        ours = bool(before.ours) or not before.troubles
        _give_up(job, lease, Code.ARCHIVE_FAILED, _expired(trouble, ours))
        return True
    return False


class _Lost(WireError):
    """The video will not come. Fails the job with sentences of our own."""

    def __init__(self, code: str, fault: str, sentence: Sentence, advice: Sentence) -> None:
        super().__init__(code, sentence)
        self.explanation = Explanation(fault, sentence, advice)

    def explain(self) -> Explanation:
        return self.explanation


def _give_up(job: Job, lease: Lease, code: Code, lost: _Lost) -> None:
    """FAILED. What was billed stays settled, and the address stays in the row, for staff to look at
    while it lives."""
    with transaction.atomic():
        lease.give_back()
        transitions.fail(job, code, lost)


def _expired(trouble: Trouble, ours: bool) -> _Lost:
    """Ours when the video was there and we could not keep it, or never came for it."""
    fault = "ours" if ours or trouble.fault == "ours" else "service"
    return _Lost(
        "ResultExpired",
        fault,
        together(
            phrase("The service’s copy of the video is gone after 24 h, and it never came home."),
            trouble.why,
        ),
        _ANEW,
    )


def _advice(until: datetime) -> Sentence:
    return phrase(
        "Whoever runs this site can look at what is there until %(until)s. Then make it again.",
        until=moment(until, "day time"),
    )
