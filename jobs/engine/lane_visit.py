"""A visit: one short stay at a claimed lane. Settle what is uncertain, look at tasks that are due,
send what has its turn, and write when to come back. May run twice: every move is a
compare-and-swap.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from jobs.accounts import health
from jobs.common.states import OUT, Code, State
from jobs.engine import fair_share, poll, submit, uncertain, waiting_reasons
from jobs.engine.lane_jobs import isolated, jobs_of, out_of
from jobs.engine.lane_lease import ClaimedLane, at_work, renew, window
from jobs.engine.lane_schedule import look_time, next_visit
from jobs.models import Job, Lane
from jobs.modelstudio import Task, WireError
from studio.common import clock
from studio.common.leases import renewing
from studio.config.logs import about

log = logging.getLogger("footlight.lane_visit")


def visit(claimed: ClaimedLane, answers: dict[int, Task | WireError] | None = None) -> None:
    """The whole visit of a claimed lane. `answers` are looks that were made already, by job id.

    It may have waited for its thread longer than its lease: then somebody else is there, whose
    submit under way must not be taken for a dead one's.
    """
    lane = claimed.lane
    if not renew(lane):
        log.info("%s is visited by another", lane)
        return
    wakeups = lane.wakeups
    try:
        with about(lane=f"{lane.account.public_id}/{lane.model}", account=lane.account):
            out = _settle(lane, out_of(lane))
            _look(lane, out, answers or {})
            _send(claimed)
    finally:
        # However the visit went, the lane must not be forgotten.
        leave(lane, wakeups, next_visit(claimed))


def leave(lane: Lane, wakeups: int, later: datetime | None) -> None:
    """Give the lane back, due `later`, or at once when it was woken meanwhile."""
    mine = Lane.objects.filter(pk=lane.pk, lease_token=lane.lease_token)
    left = {"lease_until": None, "lease_token": "", "last_visit_at": clock.now()}
    if not mine.filter(wakeups=wakeups).update(next_visit_at=later, **left):
        mine.update(next_visit_at=clock.now(), **left)


def _settle(lane: Lane, out: list[Job]) -> list[Job]:
    """`out` are the jobs with a task, or with one that may exist, oldest first; returns them as
    they are afterwards."""
    settled = False
    for job in out:
        if State(job.state) is State.SUBMITTING:
            settled = True
            isolated(lane, job, partial(uncertain.orphan, job))
    for job in out_of(lane) if settled else out:
        if (
            State(job.state) is not State.UNCERTAIN
            or job.code != Code.NO_ANSWER
            or (job.not_before or clock.now()) > clock.now()
        ):
            continue
        if not renew(lane):
            return []
        settled = True
        isolated(lane, job, partial(uncertain.settle_uncertain, job))
    return out_of(lane) if settled else out


def _look(lane: Lane, out: list[Job], answers: dict[int, Task | WireError]) -> None:
    """The service works in order, so the oldest tasks change first; when one ends, the next one
    moves up. Those behind are looked at on a slow beat."""
    heads, ended = at_work(lane), False
    for job in out:
        if State(job.state) is not State.RUNNING:
            continue
        now = clock.now()
        mute = poll.silent(job)
        if job.pk in answers:
            isolated(lane, job, partial(poll.take_in, job, answers[job.pk]))
        elif look_time(job, now, head=heads > 0) <= now and not (
            ended and job.provider_started_at is None
        ):
            if not renew(lane):
                return
            isolated(lane, job, partial(poll.look, job))
        if State(job.state) is State.RUNNING:
            heads -= not mute
        elif heads > 0:
            ended = True
    if ended:
        _moves_up(lane)


def _moves_up(lane: Lane) -> None:
    """The service begins the next task within seconds of the end of the one before: that is when to
    look at it."""
    soon = clock.now() + timedelta(seconds=2.5)
    ahead = (
        jobs_of(lane)
        .filter(state=State.RUNNING)
        .order_by("submitted_at", "id")
        .values_list("pk", flat=True)[: at_work(lane)]
    )
    Job.objects.filter(pk__in=list(ahead), state=State.RUNNING, provider_started_at=None).update(
        next_look_at=soon
    )


def _send(claimed: ClaimedLane) -> None:
    """Fill the window: what the service works on and one more that waits there."""
    lane, tried = claimed.lane, 0
    # No more tries than tasks fit: a visit ends, whatever the service answers, and the others have
    # their turn.
    while waiting_reasons.may_send(lane, clock.now()) and tried < window(lane):
        recovering = health.first_only(lane)
        if not recovering:
            waiting_reasons.resume(lane)
        # The states stand outside the OR and without an order, so that the index (lane, state) is
        # used and history costs nothing.
        rows = Job.objects.order_by().filter(lane=lane, state__in=OUT).values_list("state", "code")
        out = [
            state for state, code in rows if (state, code) != (State.UNCERTAIN, Code.SEVERAL_TASKS)
        ]
        # While one is in doubt nothing more is sent: two tasks in one window could not be told
        # apart.
        if (tried and recovering) or State.UNCERTAIN in out or len(out) >= window(lane):
            break
        turn = fair_share.next_job(lane, clock.now())
        job = jobs_of(lane).filter(pk=turn).first() if turn is not None else None
        if job is None or not renew(lane):
            break
        tried += 1
        if health.due_probe(job.account) and not health.probe(job.account):
            _read_pauses(lane)
            continue  # that account rests; another one that shares the lane may be well
        before = job.attempt
        with renewing(
            partial(renew, lane)
        ):  # files that are handed over before a submit may take minutes
            isolated(lane, job, partial(submit.submit, job))
        if job.attempt != before and State(job.state) in OUT:
            fair_share.served(lane, job)
        _read_pauses(lane)
    waiting_reasons.explain(claimed, clock.now())


def _read_pauses(lane: Lane) -> None:
    """What a call or a person may have changed on lane and account meanwhile."""
    mine = (
        "paused_until",
        "paused_text",
        "pause_state",
        "pause_set_by_id",
        "pause_set_at",
        "health",
        "troubles",
    )
    its = (
        "paused_until",
        "health",
        "health_text",
        "pause_state",
        "pause_set_by_id",
        "pause_set_at",
        "troubles",
        "reconcile_from",
    )
    row = (
        Lane.objects.filter(pk=lane.pk)
        .values_list(*mine, *(f"account__{name}" for name in its))
        .get()
    )
    for row_read, names, values in ((lane, mine, row), (lane.account, its, row[len(mine) :])):
        for name, value in zip(names, values, strict=False):
            setattr(row_read, name, value)
