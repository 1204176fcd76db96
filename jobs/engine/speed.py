"""How long work takes: seconds of work per second of result, learned per service, model and
variant from the last finished tasks.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from statistics import median, quantiles
from urllib.parse import urlsplit

from django.db import transaction

from jobs.models import Account, Job, WorkTime
from jobs.modelstudio import Task

PRIOR = 8.5  # seconds of work per second of video (118.45 s for 13.93 s: CONTRACT §0.2)
PRIOR_P90 = 12.0
REMEMBERED = 50  # tasks that are remembered per model and variant
ENOUGH = 5  # tasks before their scatter says more than a guess


# ── what was learned ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of work per second of video: `recent` sorted, its median and 90th percentile; a prior
    has no `recent`."""

    median: float = PRIOR
    p90: float = PRIOR_P90
    recent: tuple[float, ...] = ()

    @property
    def learned(self) -> bool:
        return bool(self.recent)

    def survival(self, ratio: float) -> float:
        """Share of tasks that still work after `ratio` seconds per second of video, never quite
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
    """Remember how long a second of video took. Says nothing when the service's times are missing
    or nonsense."""
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
        row.recent = [*row.recent, round(ratio, 4)][-REMEMBERED:]
        row.median = median(row.recent)
        row.p90 = (
            quantiles(row.recent, n=10, method="inclusive")[8]
            if len(row.recent) > 1
            else row.median * PRIOR_P90 / PRIOR
        )
        row.save(update_fields=("recent", "median", "p90", "updated_at"))
    forget()


# ── looks ─────────────────────────────────────────────────────────────────────────────────────────
