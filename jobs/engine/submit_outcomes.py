"""What becomes of a job after its submit: `accepted`, or what `TABLE` says of the error.

Before: the job is QUEUED (PREPARE, nothing was sent) or SUBMITTING (SEND, its intent is
committed). After: exactly one move, by compare-and-swap with the attempt, or Moved. No row sends
anything: a job that goes back into the queue is sent by a later visit, and only after an answer
that proves that no task was made. Whatever may have made a task ends in UNCERTAIN.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import IntegrityError

from jobs.accounts import health
from jobs.accounts.clients import NoKey
from jobs.common.errors import Moved
from jobs.common.states import Code, Outcome, State
from jobs.engine import eta, retry, speed
from jobs.engine.clock_check import AGAIN, ClocksApart
from jobs.engine.forgotten_templates import forget_template
from jobs.engine.transitions import fail, later, move
from jobs.models import Job
from jobs.modelstudio import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    NotSent,
    OurFault,
    Rejected,
    RetryLater,
    Submitted,
    WireError,
)
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, phrase

log = logging.getLogger("footlight.submit_outcomes")
GIVEN_UP = phrase(
    "It was tried for about four hours. Run it again when the site’s files can be fetched; what "
    "failed costs nothing."
)
FILES = phrase("The files could not be handed over")


class Phase(StrEnum):
    PREPARE = "prepare"  # files → addresses: harmless to repeat
    SEND = "send"  # the one POST


class TooLate(NotSent):
    """More than `retry.SEND_WITHIN` passed between the intent and the POST, so it was not made."""


@dataclass(frozen=True, slots=True)
class Row:
    """In `phase`, an error of one of `errors` (for which `when(error, model)` holds, if given)
    leads to `then`."""

    phase: Phase
    errors: tuple[type[Exception], ...]
    then: Callable[[Job, Exception, Row], None]
    what: Sentence = EMPTY  # what the job's history says went wrong
    seconds: Callable[[Job, WireError], float] | None = None  # how long it waits in the queue
    when: Callable[[WireError, str], bool] | None = None

    def matches(self, phase: Phase, error: Exception, model: str) -> bool:
        if phase is not self.phase or not isinstance(error, self.errors):
            return False
        return self.when is None or (isinstance(error, WireError) and self.when(error, model))


def row_for(phase: Phase, error: Exception, model: str) -> Row | None:
    """The first row of `TABLE` that matches; None: the error is not known to say anything about
    the submit, and the job stays as it is."""
    return next((row for row in TABLE if row.matches(phase, error, model)), None)


def after_error(job: Job, phase: Phase, error: Exception) -> None:
    """Do what `TABLE` says of `error`; raise it again when no row does."""
    row = row_for(phase, error, job.model)
    if row is None:
        raise error
    if not isinstance(error, WireError | NoKey | ClocksApart):
        log.error("job %s could not be handed over", job.public_id, exc_info=error)
    row.then(job, error, row)


# ── accepted ──────────────────────────────────────────────────────────────────────────────────────


def accepted(job: Job, answer: Submitted, text: Sentence, outcome: Outcome) -> None:
    """The task is this job's. Moved when it became another job's meanwhile: no task belongs to
    two."""
    now = clock.now()
    try:
        move(
            job,
            State.RUNNING,
            text,
            outcome=outcome,
            data={"task_id": answer.task_id, "request_id": answer.request_id},
            task_id=answer.task_id,
            request_id=answer.request_id[:80],
            provider_status=answer.status[:40],
            provider_started_at=None,
            provider_ended_at=None,
            submitted_at=job.submitting_at,
            forecast_at_submit=_ready_at(job, now),
            next_look_at=now + timedelta(seconds=1),
            looks=0,
            tries=0,
            alarmed=0,
            not_before=None,
        )
    except IntegrityError:
        raise Moved(f"task {answer.task_id} belongs to another job") from None
    health.works(job.account, job.model)


def _ready_at(job: Job, now: datetime) -> datetime:
    """When it should be ready, now that the service has it: after what is before it there."""
    ahead = (
        Job.objects.filter(lane_id=job.lane_id, state=State.RUNNING)
        .exclude(pk=job.pk)
        .select_related("account", "lane")
    )
    wait = sum(eta.left(one, now) + eta.HANDOVER for one in ahead)
    return now + timedelta(seconds=wait + eta.HANDOVER + speed.expected(job))


# ── what an error leads to ────────────────────────────────────────────────────────────────────────


def in_doubt(job: Job, error: Exception, row: Row | None = None) -> None:
    """A task may exist: the job is UNCERTAIN until the service's list, or a person, tells."""
    move(
        job,
        State.UNCERTAIN,
        phrase(
            "Sent, no answer. Not sent again, so nothing is paid twice; the service’s list will "
            "tell"
        ),
        code=Code.NO_ANSWER,
        outcome=Outcome.UNCERTAIN,
        data={"error": str(error)[:200]},
        not_before=later(retry.FIRST_LIST),
        tries=0,
    )


def wait(job: Job, error: Exception, row: Row) -> None:
    """No task was made, for a reason that passes and is nobody's: the job waits in the queue, and
    its tries stay as they are."""
    _wait(job, _on_the_wire(error), row, job.tries)


def wait_with_patience(job: Job, error: Exception, row: Row) -> None:
    """No task was made, and it may be this job's file: the job waits in the queue, longer each
    time, and after `retry.SEND_TRIES` times it is given up."""
    wire, tries = _on_the_wire(error), job.tries + 1
    if retry.is_sent_again(tries):
        _wait(job, wire, row, tries)
        return
    code = Code.OUR_FAULT if isinstance(wire, OurFault) else Code.REJECTED
    fail(job, code, wire, outcome=_refused(job), advice=GIVEN_UP)


def _wait(job: Job, error: WireError, row: Row, tries: int) -> None:
    asked = retry.backoff(tries) if row.seconds is None else row.seconds(job, error)
    seconds, words = min(asked, health.LONGEST_WAIT), error.explain()
    move(
        job,
        State.QUEUED,
        phrase("%(what)s: tries again in %(n)s s", what=row.what, n=f"{seconds:.0f}"),
        code=Code.BACKING_OFF,
        outcome=_refused(job),
        data={"error": str(error)[:200]},
        sentence=words.sentence,
        advice=words.advice,
        not_before=later(seconds),
        tries=tries,
    )


def wait_for_key(job: Job, error: Exception, row: Row) -> None:
    """The account has no key: the job says so, once, and waits for one."""
    if not isinstance(error, NoKey):
        raise error
    if (job.code, job.sentence) == (Code.ACCOUNT_PAUSED, error.sentence):
        # Said already; it would be said every minute.
        Job.objects.filter(pk=job.pk, state=State.QUEUED).update(not_before=later(retry.KEY_WAIT))
        return
    move(
        job,
        State.QUEUED,
        error.sentence,
        code=Code.ACCOUNT_PAUSED,
        sentence=error.sentence,
        not_before=later(retry.KEY_WAIT),
    )


def wait_for_clock(job: Job, error: Exception, row: Row) -> None:
    """Nothing is sent while clocks are apart: the job says so, once, and waits."""
    if not isinstance(error, ClocksApart):
        raise error
    again = later(AGAIN)
    if (job.code, job.sentence) == (Code.BACKING_OFF, error.sentence):
        Job.objects.filter(pk=job.pk, state=State.QUEUED).update(not_before=again)
        return
    move(
        job,
        State.QUEUED,
        error.sentence,
        code=Code.BACKING_OFF,
        sentence=error.sentence,
        not_before=again,
    )


def pause(job: Job, error: Exception, row: Row) -> None:
    """The account, or this model on it, cannot be used now: it rests, and the job waits until it
    can, and costs nothing meanwhile."""
    trouble = _on_the_wire(error)
    if isinstance(trouble, AccountTrouble):
        sentence, code = health.trouble(job.account, trouble, job.model), Code.ACCOUNT_PAUSED
    else:
        sentence, code = health.gone(job.account, trouble, job.model), Code.MODEL_GONE
    job.lane.refresh_from_db(fields=("paused_until",))
    again = health.until(job.account, job.lane)
    if again is None and job.lane.account_id != job.account.root_id:
        # Recognised during this visit as a row of an Alibaba account that we have already: the lane
        # that rests is the other row's.
        again = later(60)
    move(
        job,
        State.QUEUED,
        sentence,
        code=code if again else Code.WAITING_TURN,
        outcome=_refused(job),
        sentence=sentence if again else EMPTY,
        provider_code=trouble.code[:80],
        provider_message=trouble.message,
        not_before=again,
    )


def reject(job: Job, error: Exception, row: Row) -> None:
    """The service refuses this order for good: FAILED, and the hold goes back."""
    wire = _on_the_wire(error)
    if row.phase is Phase.SEND:
        forget_template(job, wire)
    fail(job, Code.REJECTED, wire, outcome=_refused(job))


def _refused(job: Job) -> Outcome | None:
    """What became of the attempt when the answer proves that no task was made; None when no attempt
    was begun."""
    return Outcome.REFUSED if State(job.state) is State.SUBMITTING else None


def _on_the_wire(error: Exception) -> WireError:
    """A full disk, a bucket that is away or a secret that cannot be read is a fault of ours."""
    if isinstance(error, WireError):
        return error
    return OurFault("StorageAway", "Our own storage could not be read.")


# ── the table ─────────────────────────────────────────────────────────────────────────────────────


def _lane_unreachable(job: Job, error: WireError) -> float:
    return health.unreachable(job.account, job.model)


def _lane_throttled(job: Job, error: WireError) -> float:
    return health.throttled(job.account, job.model, retry.asked_wait(error))


def _at_once(job: Job, error: WireError) -> float:
    return retry.backoff(1)


# The first row that matches holds, so what is narrower stands before what it is a part of: TooLate
# before NotSent, the OurFault of a retired model's address before every other one, WireError and
# Exception last in their phase. No row for Exception in SEND: what is not the wire's says nothing
# about the POST, so the job stays SUBMITTING and the next visit takes it for one in doubt.
TABLE: tuple[Row, ...] = (
    Row(Phase.PREPARE, (NoKey,), wait_for_key),
    Row(Phase.PREPARE, (ClocksApart,), wait_for_clock),
    Row(Phase.PREPARE, (AccountTrouble, ModelGone), pause),
    Row(Phase.PREPARE, (Rejected,), reject),
    # No network, for instance: that is nobody's file, and may last a weekend.
    Row(
        Phase.PREPARE,
        (NotSent, NoAnswer, RetryLater),
        wait,
        what=FILES,
        seconds=_lane_unreachable,
    ),
    # A gateway's page in the place of an answer, too: it says nothing about this job.
    Row(Phase.PREPARE, (MediaUnreachable, OurFault, WireError), wait_with_patience, what=FILES),
    # A full disk, a bucket that is away: nobody behind this job may wait for it.
    Row(
        Phase.PREPARE,
        (Exception,),
        wait_with_patience,
        what=phrase("Our own storage could not be read"),
    ),
    Row(Phase.SEND, (NoAnswer,), in_doubt),
    # Too many calls at this account and model: the whole lane waits, and the job keeps its place.
    Row(
        Phase.SEND,
        (RetryLater,),
        wait,
        what=phrase("The service asked to come later"),
        seconds=_lane_throttled,
    ),
    Row(Phase.SEND, (TooLate,), wait, what=phrase("Not sent in time"), seconds=_at_once),
    Row(Phase.SEND, (NotSent,), wait, what=phrase("Not sent"), seconds=_lane_unreachable),
    Row(
        Phase.SEND,
        (MediaUnreachable,),
        wait_with_patience,
        what=phrase("The service could not fetch our file"),
    ),
    Row(Phase.SEND, (AccountTrouble, ModelGone), pause),
    Row(Phase.SEND, (OurFault,), pause, when=health.is_gone),
    Row(Phase.SEND, (Rejected, OurFault, WireError), reject),
)
