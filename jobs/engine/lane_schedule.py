"""When a lane is visited again, and which of its tasks can change now."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone

from jobs.accounts import health
from jobs.common.states import OUT, Code, State
from jobs.engine import fair_share, poll
from jobs.engine.lane_lease import ClaimedLane, at_work, window
from jobs.models import Job, Lane


def next_visit(claimed: ClaimedLane) -> datetime | None:
    """When there is something to do here again; None when only a wake-up can bring something."""
    lane = claimed.lane
    jobs = Job.objects.filter(lane=lane)
    out = list(
        jobs.filter(state__in=OUT)
        .order_by("submitted_at", "id")
        .only("state", "code", "next_look_at", "not_before", "lane_id")
    )
    waiting = (
        fair_share.waiting(lane)
        .order_by()
        .aggregate(
            n=Count("pk"), first=Min("not_before"), ready=Count("pk", filter=Q(not_before=None))
        )
    )
    return due_again(
        claimed, out, waiting["n"], None if waiting["ready"] else waiting["first"], timezone.now()
    )


def due_again(
    claimed: ClaimedLane, out: list[Job], waiting: int, first: datetime | None, now: datetime
) -> datetime | None:
    """When to come back to a lane with the jobs `out` (oldest first) and `waiting` ones, of which
    the next is due `first` (None: now)."""
    lane = claimed.lane
    running = [job for job in out if State(job.state) is State.RUNNING]
    times = [job.next_look_at or now for job in heads(lane, running)]
    unsettled = [
        job
        for job in out
        if State(job.state) is not State.RUNNING and job.code != Code.SEVERAL_TASKS
    ]
    times += [job.not_before or now for job in unsettled]
    doubtful = any(State(job.state) is State.UNCERTAIN for job in unsettled)
    if waiting and not doubtful and len(running) + len(unsettled) < window(lane):
        # Whoever ends a pause wakes the lane. Jobs that use another row's key are rare, so their
        # rests are only looked at now and then.
        if lane.sends and lane.account.sends:
            rests = health.until(lane.account, lane)
            # Of a shared lane nobody knows here whose jobs wait, and theirs may be the account that
            # is paused.
            times.append(
                rests or max(now + timedelta(seconds=5.0 if claimed.shared else 0.2), first or now)
            )
        if lane.sends and claimed.shared:
            times.append(max(now + timedelta(seconds=15), lane.paused_until or now))
    return min(times) if times else None


def heads(lane: Lane, running: list[Job]) -> list[Job]:
    """Of the tasks in order of their sending those that can change now: what the service works on.
    One that the service has nothing to say about does not hide the next."""
    found, room = [], at_work(lane)
    for job in running:
        if room <= 0:
            break
        found.append(job)
        room -= not poll.silent(job)
    return found


def is_due(job: Job, now: datetime) -> bool:
    return job.next_look_at is None or job.next_look_at <= now
