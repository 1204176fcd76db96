"""When to look, when to try again, how long work takes: the numbers behind the waiting.

Work is learned as seconds of work per second of film, per service, model and variant, from the last
finished tasks.
"""

from __future__ import annotations

import random
import threading
import time
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median, quantiles
from urllib.parse import urlsplit

from django.db import transaction

from jobs.models import Account, Job, WorkTime
from jobs.modelstudio import Task

PRIOR = 8.5  # seconds of work per second of film (the seed's example: 118.45 s for 13.93 s)
PRIOR_P90 = 12.0
KEPT = 50  # tasks that are remembered per model and variant
ENOUGH = 5  # tasks before their scatter says more than a guess

# Uncertain submits. Clocks of two machines differ; a request that was cut reaches the service
# within seconds or never.
CLOCKS = timedelta(seconds=60)
WINDOW = timedelta(seconds=90)
DRIFT = timedelta(
    minutes=10
)  # how far apart the service's clock and ours may be before a task is not recognised at all
HASTE = timedelta(seconds=20)  # from the intent to the POST, at most
LIST_REACHES = timedelta(hours=23)  # the list holds 24 h; what is older can no longer be seen in it
FIRST_LIST = 3.0
NEXT_LIST = 8.0

# Looks. At most two a second and lane, so that an account's 20 queries a second hold by
# construction (pace.py).
CLOSEST = 0.5
# a task that waits at the service changes only when the one before it ends; this is for surprises
BEHIND_THE_HEAD = 60.0


def backoff(tries: int, most: float = 60.0) -> float:
    """Seconds to wait before try number `tries`+1: 1, 2, 4 … `most`, with a quarter of jitter so
    that many do not come at once."""
    base = min(most, 2.0 ** min(30, max(0, tries - 1)))
    return base * random.uniform(0.75, 1.25)  # noqa: S311  (not a secret)


# ── what was learned ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of work per second of film: `recent` sorted, its median and 90th percentile; a prior
    has no `recent`."""

    median: float = PRIOR
    p90: float = PRIOR_P90
    recent: tuple[float, ...] = ()

    @property
    def learned(self) -> bool:
        return bool(self.recent)

    def survival(self, ratio: float) -> float:
        """Share of tasks that still work after `ratio` seconds per second of film, never quite
        0."""
        return (len(self.recent) - bisect_right(self.recent, ratio) + 0.5) / (
            len(self.recent) + 0.5
        )


_FRESH = 3.0
_lock = threading.Lock()
_speeds: dict[tuple[str, str, str], Speed] = {}
_loaded = 0.0


def forget() -> None:
    """Read the table again at the next question."""
    global _loaded
    _loaded = 0.0


def service_of(account: Account) -> str:
    return (urlsplit(account.url).netloc or account.url)[:120]


def speed(account: Account, model: str, variant: str) -> Speed:
    """What was learned for this service, model and variant; the prior when nothing was. The table
    is small and read every few seconds."""
    global _loaded
    if time.monotonic() - _loaded > _FRESH or not _loaded:
        rows = list(WorkTime.objects.all())
        with _lock:
            _speeds.clear()
            _speeds.update(
                {
                    (row.service, row.model, row.variant): Speed(
                        row.median, row.p90, tuple(sorted(row.recent))
                    )
                    for row in rows
                }
            )
            _loaded = time.monotonic()
    return _speeds.get((service_of(account), model, variant), Speed())


def speed_of(job: Job) -> Speed:
    return speed(job.account, job.model, job.variant)


def expected(job: Job) -> float:
    """Seconds of work that `job` will probably take at the service (median)."""
    return speed_of(job).median * max(1.0, job.seconds)


def learn(job: Job, task: Task, units: Decimal) -> None:
    """Remember how long a second of film took. Says nothing when the service's times are missing or
    nonsense."""
    began, ended = task.scheduled_time or job.provider_started_at, task.end_time
    if began is None or ended is None or units <= 0 or ended <= began:
        return
    ratio = (ended - began).total_seconds() / float(units)
    name = {"service": service_of(job.account), "model": job.model, "variant": job.variant}
    with transaction.atomic():
        WorkTime.objects.get_or_create(
            **name, defaults={"recent": [], "median": ratio, "p90": ratio}
        )
        row = WorkTime.objects.select_for_update().get(**name)
        row.recent = [*row.recent, round(ratio, 4)][-KEPT:]
        row.median = median(row.recent)
        row.p90 = (
            quantiles(row.recent, n=10, method="inclusive")[8]
            if len(row.recent) > 1
            else row.median * PRIOR_P90 / PRIOR
        )
        row.save(update_fields=("recent", "median", "p90", "updated_at"))
    forget()


# ── looks ─────────────────────────────────────────────────────────────────────────────────────────


def next_look(job: Job, now: datetime) -> float:
    """Seconds until the next look at the task at the head of its lane: sparse before it can have
    ended, dense while it probably ends, denser the fewer tasks ever took that long, sparse again
    when it is later than all of them.

    Looking costs a query whether or not anything has changed, so the gaps follow the chance that
    something has.
    """
    began = job.provider_started_at or job.submitted_at or now
    elapsed = max(0.0, (now - began).total_seconds())
    if job.provider_started_at is None and job.provider_status in ("", "PENDING"):
        return min(5.0, max(2.0, 0.4 * elapsed))  # the service tells later when it began
    known, length = speed_of(job), max(1.0, job.seconds)
    middle = known.median * length
    if not known.learned:
        # The prior may be far off: look early, and further apart the longer it takes; a twentieth
        # of it is late for nobody.
        return min(15.0, max(CLOSEST, 0.25 * elapsed, 0.05 * known.median * length))
    few = len(known.recent) < ENOUGH
    first = length * (0.75 * known.median if few else 0.97 * known.recent[0])
    last = length * (1.3 * known.median if few else 1.05 * known.recent[-1])
    if elapsed < first:
        gap = first - elapsed
        return max(
            CLOSEST, gap if gap <= 45.0 else 0.5 * gap
        )  # a long task may fail early: one look on the way
    if elapsed <= last:
        base = max(CLOSEST, 0.03 * middle)
        return max(CLOSEST, base * known.survival(elapsed / length) ** 0.5) if not few else base
    return min(15.0, max(1.0, 0.15 * (elapsed - middle)))
