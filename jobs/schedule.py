"""When to look, when to try again, when it will be ready: the numbers behind the waiting."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

from jobs.models import Job, Lane
from jobs.modelstudio import Task

PRIOR = 8.5  # seconds of work per second of film (the seed's example: 118.45 s for 13.93 s)

# Uncertain submits. Clocks of two machines differ; a request that was cut reaches the service within seconds or never.
CLOCKS = timedelta(seconds=60)
WINDOW = timedelta(seconds=90)
LIST_REACHES = timedelta(hours=23)  # the list holds 24 h; what is older can no longer be seen in it
FIRST_LIST = 3.0
NEXT_LIST = 8.0


def backoff(tries: int) -> float:
    """Seconds to wait before try number `tries`+1: 1, 2, 4 … 60, with a quarter of jitter so that many do not come at once."""
    base = min(60.0, 2.0 ** max(0, tries - 1))
    return base * random.uniform(0.75, 1.25)  # noqa: S311  (not a secret)


def expected(job: Job, lane: Lane | None = None) -> float:
    """Seconds of work that `job` will take at the service, learned from its lane or by the prior."""
    return (lane or job.lane).learned_or(PRIOR) * max(1.0, job.seconds)


def next_look(job: Job, now: datetime) -> float:
    """Seconds until the next look at a task: sparse at first, dense near the expected end, sparse again when it is late.

    Before anything was learned on the lane the prior may be far off, so looks begin early and spread out.
    """
    began = job.provider_started_at or job.submitted_at or now
    elapsed = max(0.0, (now - began).total_seconds())
    length = expected(job)
    if job.provider_status == "PENDING" and job.provider_started_at is None:
        return min(5.0, max(1.0, elapsed * 0.3))
    if job.lane.learned and elapsed < 0.7 * length:
        return max(0.5, min(15.0, 0.8 * length - elapsed))
    if 0.8 * length <= elapsed <= 1.3 * length:
        return min(5.0, max(0.5, 0.04 * length))
    if elapsed > 1.3 * length:
        return min(15.0, max(1.0, 0.15 * (elapsed - length)))
    return min(15.0, max(0.5, 0.35 * elapsed), max(0.5, 0.85 * length - elapsed))


def learn(job: Job, task: Task, units: Decimal) -> None:
    """Remember how long a second of film took on this lane (a slow moving average, so one odd task changes little)."""
    began, ended = task.scheduled_time or job.provider_started_at, task.end_time
    if began is None or ended is None or units <= 0 or ended <= began:
        return
    ratio = (ended - began).total_seconds() / float(units)
    lane = job.lane
    Lane.objects.filter(pk=lane.pk).update(learned=ratio if not lane.learned else 0.7 * lane.learned + 0.3 * ratio)
