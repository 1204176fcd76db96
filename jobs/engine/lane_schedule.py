"""When a lane is visited again, and when its tasks are looked at."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from jobs.accounts import health
from jobs.common.states import OUT, Code, State
from jobs.engine import fair_share, poll, retry
from jobs.engine.lane_lease import ClaimedLane, at_work, window
from jobs.models import Job, Lane
from studio.common import clock

_SCHEDULED = (
    "state",
    "code",
    "lane_id",
    "not_before",
    "next_look_at",
    "looked_at",
    "submitted_at",
    "created_at",
    "provider_status",
    "tries",
)


def next_visit(claimed: ClaimedLane) -> datetime | None:
    """When there is something to do here again; None when only a wake-up can bring something."""
    lane = claimed.lane
    jobs = Job.objects.filter(lane=lane)
    out = list(jobs.filter(state__in=OUT).order_by("submitted_at", "id").only(*_SCHEDULED))
    waiting = (
        fair_share.waiting(lane)
        .order_by()
        .aggregate(
            n=Count("pk"), first=Min("not_before"), ready=Count("pk", filter=Q(not_before=None))
        )
    )
    return due_again(
        claimed, out, waiting["n"], None if waiting["ready"] else waiting["first"], clock.now()
    )


def due_again(
    claimed: ClaimedLane, out: list[Job], waiting: int, first: datetime | None, now: datetime
) -> datetime | None:
    """When to come back to a lane with the jobs `out` (oldest first) and `waiting` ones, of which
    the next is due `first` (None: now)."""
    lane = claimed.lane
    running = [job for job in out if State(job.state) is State.RUNNING]
    times = [at for _job, at in look_times(lane, running, now)]
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


def look_times(lane: Lane, running: list[Job], now: datetime) -> list[tuple[Job, datetime]]:
    """When each of the tasks, in order of their sending, is looked at next. Those that the service
    works on come first; one that it has nothing to say about does not count as one of them."""
    times, room = [], at_work(lane)
    for job in running:
        times.append((job, look_time(job, now, head=room > 0)))
        room -= not poll.silent(job)
    return times


def look_time(job: Job, now: datetime, *, head: bool) -> datetime:
    """When a task is looked at next: at the `head` as often as it may have ended. What waits behind
    changes when a head ends, and is looked at now and then nevertheless: a head may never end, or
    we may be wrong about the order, and a video that nobody looks for expires unseen."""
    due = job.next_look_at or now
    if head:
        return due
    seen = job.looked_at or job.submitted_at or job.created_at
    return max(due, seen + timedelta(seconds=retry.BEHIND_THE_HEAD))
