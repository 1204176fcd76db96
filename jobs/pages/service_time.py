"""How long a job has been at the service, against what such jobs usually take there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.common.states import State
from jobs.engine import eta, speed
from jobs.models import Job
from studio.common.formats import seconds as length

USUAL = 1.4  # how much longer than the prior is nothing special


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """Seconds: `elapsed` since the task began, `low` and `high` of the usual range."""

    since: datetime
    elapsed: float
    low: float
    high: float
    label: str

    @property
    def late(self) -> bool:
        """It takes longer than nine of ten such jobs."""
        return self.elapsed > self.high


def usual_range(job: Job) -> tuple[float, float]:
    """Seconds that such a job takes at the service: half of them take longer than the first, one of
    ten longer than the second."""
    return eta.usual(job) or (speed.expected(job), speed.expected(job) * USUAL)


def began(job: Job) -> datetime:
    return job.provider_started_at or job.submitted_at or job.submitting_at or job.created_at


def service_time_of(job: Job) -> ServiceTime | None:
    """Time at the service against the usual; None while it has not begun there, and for a length
    that nobody knows."""
    if job.state != State.RUNNING or job.provider_status == "PENDING" or not job.milliseconds:
        return None
    low, high = usual_range(job)
    since = began(job)
    elapsed = max(0.0, (timezone.now() - since).total_seconds())
    words = (
        _("%(elapsed)s of usually %(low)s – %(high)s")
        if eta.usual(job)
        else _("%(elapsed)s, expected %(low)s – %(high)s")
    )
    said = words % {
        "elapsed": length(int(elapsed)),
        "low": length(int(low)),
        "high": length(int(high)),
    }
    return ServiceTime(since, elapsed, low, high, said)
