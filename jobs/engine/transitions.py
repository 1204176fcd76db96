"""Move, finish, cancel: the only module that moves a job. `submit_outcomes`, `uncertain` and `poll`
call its `move`; `orders/create` makes jobs.

Every move is a compare-and-swap that names the old state and the attempt, and writes a JobEvent and
the money in the same transaction. Calls out happen between transactions: the intent is committed
first. A step may run twice; the second finds the job moved and stops (Moved).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F

from jobs.accounts import rate_limit
from jobs.accounts.clients import NoKey, client_for
from jobs.billing import ledger
from jobs.common import wakeup
from jobs.common.errors import Moved
from jobs.common.states import MOVES, TERMINAL, Code, Fault, Outcome, Rank, State, group_of
from jobs.engine import fair_share, restored, video_length
from jobs.models import Attempt, Job, JobEvent, Lane
from jobs.modelstudio import WireError
from studio.audit import trail
from studio.audit.events import Event
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, phrase, together
from studio.models import Asset, User

log = logging.getLogger("footlight.transitions")
_NOTHING = phrase("Nothing was produced.")


# ── the one move ──────────────────────────────────────────────────────────────────────────────────


def move(
    job: Job,
    new: State,
    text: Sentence,
    *,
    code: str = "",
    outcome: Outcome | None = None,
    then: Callable[[], Any] | None = None,
    data: dict[str, Any] | None = None,
    begins: Attempt | None = None,
    **columns: Any,
) -> None:
    """Move `job` from the state and attempt that this object shows to `new`, with `columns`, an
    event and `then()`.

    `outcome` is what became of its attempt; `begins` is a new one, with
    what it is sent with. All in one transaction. Raises Moved when the row is no
    longer as this object says (a late answer of an old attempt, somebody else's step), and changes
    nothing then.
    """
    old = State(job.state)
    if new not in MOVES[old] and new != old:
        raise ValueError(f"{old} never becomes {new}")
    if new in TERMINAL:
        columns.setdefault("finished_at", clock.now())
        columns.setdefault("not_before", None)
        outcome = outcome or (Outcome.DONE if new is State.SUCCEEDED else Outcome.ENDED)
    attempt = columns.get("attempt", job.attempt)
    with transaction.atomic():
        # The task too: a late answer may have put the job's own into the place of one that was
        # found, and what was said of that one is nothing to this job.
        mine = Job.objects.filter(pk=job.pk, state=old, attempt=job.attempt, task_id=job.task_id)
        changed = mine.update(state=new, code=code, group=group_of(new, code), **columns)
        if not changed:
            raise Moved(f"{job.public_id} is no longer {old}")
        if outcome is not None:
            _note_attempt(job, attempt, outcome, columns, begins)
        if then is not None:
            then()
        record(job, old if new != old else "", new, text, code, data)
    job.state, job.code, job.group, job.attempt = new, code, group_of(new, code), attempt
    for name, value in columns.items():
        setattr(job, name, value)
    log.info("job %s %s → %s %s", job.public_id, old, new, code)


def _note_attempt(
    job: Job, number: int, outcome: Outcome, columns: dict[str, Any], begins: Attempt | None
) -> None:
    """Keep the attempt's row: made when its intent is committed, ended by its answer, and its task
    known for ever."""
    if outcome is Outcome.SENDING:
        attempt = begins or Attempt()
        attempt.job, attempt.number, attempt.began_at = job, number, columns["submitting_at"]
        attempt.save(force_insert=True)
        transaction.on_commit(partial(restored.remember, attempt.pk))
        return
    answered: dict[str, Any] = {
        name: columns[name] for name in ("task_id", "request_id") if columns.get(name)
    }
    if outcome not in (Outcome.ACCEPTED, Outcome.ADOPTED, Outcome.CHOSEN, Outcome.UNCERTAIN):
        answered["ended_at"] = clock.now()
    elif outcome in (Outcome.ADOPTED, Outcome.CHOSEN):
        answered["found"] = True
    elif outcome is Outcome.ACCEPTED:
        # its answer came late, when it was given up already, or another task found for it
        answered |= {"ended_at": None, "found": False}
    # Its job may end before a late task is settled.
    mine = Attempt.objects.filter(job=job, number=number).exclude(outcome=Outcome.LATE)
    mine.update(outcome=outcome, **answered)


def record(
    job: Job, old: str, new: str, text: Sentence, code: str = "", data: dict[str, Any] | None = None
) -> None:
    event = JobEvent.objects.create(
        team_id=job.team_id, job=job, old=old, new=new, code=code, text=text, data=data or {}
    )
    message = {
        "id": event.pk,
        "job": job.public_id,
        "state": str(new),
        "group": int(group_of(new, code)),
    }
    transaction.on_commit(lambda: wakeup.publish(job.team.slug, message))


def wake_lane(lane_id: int) -> None:
    """Somebody should visit this lane now. Safe at any time: the count tells a visit under way
    to come back."""
    wake_lanes([lane_id])


def wake_lanes(lane_ids: Iterable[int]) -> None:
    """The same for several, always in order of id, so that two who wake the same lanes never wait
    for each other."""
    for lane_id in sorted(set(lane_ids)):
        Lane.objects.filter(pk=lane_id).update(wakeups=F("wakeups") + 1, next_visit_at=clock.now())
    wakeup.wake_dispatcher_after_commit()


# ── the ends ──────────────────────────────────────────────────────────────────────────────────────


def archived(job: Job, video: Asset) -> None:
    """The video is ours: whole, stored and proven. Only now the job has succeeded."""
    text = phrase(
        "Saved, %(seconds)s s, %(size)s MB",
        seconds=f"{video.seconds:.1f}",
        size=f"{video.size / 1e6:.1f}",
    )
    differs = video_length.differs(video.seconds, job.billed_units)
    if differs:
        billed = f"{job.billed_units or 0:.1f}"
        text = together(text, phrase("· %(billed)s s were billed", billed=billed))
    move(
        job,
        State.SUCCEEDED,
        text,
        result=video,
        length_differs=differs,
        lease_until=None,
        result_url="",
    )


def fail(
    job: Job,
    code: str,
    error: WireError,
    *,
    text: Sentence = EMPTY,
    advice: Sentence = EMPTY,
    settle: tuple[Decimal, str, Sentence] | None = None,
    outcome: Outcome | None = None,
    **columns: Any,
) -> None:
    """FAILED, with whose fault it was, a sentence, what to do (`advice`, or the error's own); the
    hold goes back, or is settled when it was billed.

    Dances that waited for this template fail with it, and cost nothing.
    """
    words = error.explain()
    fault = {"service": Fault.SERVICE, "ours": Fault.OURS, "account": Fault.ACCOUNT}.get(
        words.fault, Fault.INPUT
    )

    def then() -> None:
        dances = _waiting_for(job)
        for dance in dances:
            fail_waiting(dance, words.sentence)
        if settle is not None:
            settlement(job, *settle, free=dances)()
            return
        free = [*dances] if job.settled_micros is not None else [job, *dances]
        ledger.release(*free, note=_NOTHING)

    move(
        job,
        State.FAILED,
        text or words.sentence,
        code=code,
        outcome=outcome,
        then=then,
        fault=fault,
        provider_code=error.code[:80],
        provider_message=error.message,
        sentence=words.sentence,
        advice=advice or words.advice,
        **columns,
    )


def _waiting_for(template: Job) -> list[Job]:
    """The dances that wait for this job's template, locked, so that all jobs of the transaction are
    locked before its balances."""
    waiting = template.needed_by.select_for_update(no_key=True).filter(state=State.QUEUED)
    return list(waiting.order_by("pk"))


def fail_waiting(dance: Job, why: Sentence) -> None:
    """FAILED without its template; the caller gives its hold back."""
    move(
        dance,
        State.FAILED,
        phrase("The template could not be made"),
        code=Code.NO_TEMPLATE,
        fault=Fault.INPUT,
        sentence=together(phrase("The dance template could not be made."), why),
        advice=phrase("Choose another video and run it again."),
    )


def canceled(job: Job, text: Sentence) -> None:
    """CANCELED, with everything that waits for it; the holds go back."""

    def give_back() -> None:
        dances = _waiting_for(job)
        for dance in dances:
            _move_to_canceled(dance, phrase("Canceled with its template"))
        ledger.release(job, *dances, note=phrase("Canceled."))

    _move_to_canceled(job, text, give_back)


def _canceled_by(job: Job, by: User, text: Sentence) -> None:
    with transaction.atomic():
        canceled(job, text)
        trail.record(Event.JOB_CANCELED, team=job.team, by=by, person=job.owner, about=job.title)


def _move_to_canceled(job: Job, text: Sentence, then: Callable[[], None] | None = None) -> None:
    move(
        job,
        State.CANCELED,
        text,
        code=Code.CANCELED,
        then=then,
        cancel_asked_at=clock.now(),
    )


_OVER = {
    State.SUCCEEDED: phrase("It is already ready; there is nothing to cancel."),
    State.FAILED: phrase("It is already failed; there is nothing to cancel."),
    State.CANCELED: phrase("It is already canceled; there is nothing to cancel."),
}


def cancel(job: Job, by: User) -> Sentence:
    """Cancel what can be canceled, and say in a sentence what happened: free in our queue, free
    while the service has not begun, impossible afterwards (what is rendering is paid and stays
    ours)."""
    state = State(job.state)
    if state in TERMINAL:
        return _OVER[state]
    try:
        if state is State.QUEUED:
            text = phrase("Canceled by %(person)s before sending", person=by.short_name)
            _canceled_by(job, by, text)
            wake_lane(job.lane_id)
            return phrase("Canceled. It was not sent, so it cost nothing.")
        if state is State.RUNNING:
            return _cancel_remote(job, by)
    except Moved:
        return phrase("It moved on while you clicked. Look at its state, then decide again.")
    if state is State.ARCHIVING:
        return phrase(
            "The video is rendered and paid; it is being brought home, so there is nothing to "
            "cancel."
        )
    if state is State.UNCERTAIN:
        return phrase(
            "It was sent and no answer came, so nobody knows yet what to cancel. The service’s "
            "list will tell, or a person decides."
        )
    return phrase("It is being sent right now. In a moment it can be canceled at the service.")


def _cancel_remote(job: Job, by: User) -> Sentence:
    try:
        client = client_for(job.account)
        rate_limit.take(job.account.root_id, "cancel")
        stopped = client.cancel(job.task_id)
    except NoKey as error:
        return phrase("It was not canceled: %(why)s", why=error.sentence)
    except WireError as error:
        log.warning("cancel of job %s: %s", job.public_id, error)
        return phrase(
            "The service did not answer the wish to cancel. Nothing has changed; try again in a "
            "moment."
        )
    if not stopped:
        wake_lane(job.lane_id)
        return phrase(
            "The service has begun to render, so it cannot be canceled any more. The video will be "
            "saved and paid."
        )
    _canceled_by(job, by, phrase("Canceled at the service by %(person)s", person=by.short_name))
    wake_lane(job.lane_id)
    return phrase("Canceled at the service before it began, so it cost nothing.")


def to_front(job: Job, by: User) -> Sentence:
    """Before everybody in its lane, or back to its turn when it was there already; a sentence of
    what happened."""
    rank = fair_share.usual_rank(job.milliseconds) if job.rank == Rank.FRONT else Rank.FRONT
    text = (
        phrase("%(person)s moved it to the front", person=by.short_name)
        if rank is Rank.FRONT
        else phrase("%(person)s put it back in the queue", person=by.short_name)
    )
    try:
        if State(job.state) is not State.QUEUED:
            raise Moved("only what waits can be moved")
        with transaction.atomic():
            move(job, State.QUEUED, text, code=job.code, rank=rank)
            trail.record(
                Event.JOB_MOVED,
                team=job.team,
                by=by,
                person=job.owner,
                about=job.title,
                after={"first": rank is Rank.FRONT},
            )
    except Moved:
        return phrase("It is no longer waiting, so its place cannot change.")
    wake_lane(job.lane_id)
    return (
        phrase("It goes next, before everybody who waits in this queue.")
        if rank is Rank.FRONT
        else phrase("It waits in the queue again.")
    )


def settlement(
    job: Job, units: Decimal, variant: str, note: Sentence, free: Iterable[Job] = ()
) -> Callable[[], None]:
    """Books what `job` cost, and gives back what is held for `free`, which end with it."""

    def pay() -> None:
        micros = ledger.settle(job, units, variant, note=note, free=free, free_note=_NOTHING)
        Job.objects.filter(pk=job.pk).update(settled_micros=micros)
        job.settled_micros = micros

    return pay


def later(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)
