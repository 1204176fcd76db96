"""Where the video will be: how long the job has been at the service against the usual, when it is
ready, and what to do about a job that waits for something."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.engine import eta
from jobs.models import Job
from jobs.pages import labels
from jobs.pages.service_time import ServiceTime, service_time_of
from studio.common.translatable import translated


@dataclass(frozen=True, slots=True)
class ProgressPanel:
    """`service_time` is None until the service has begun; `ready` is “ready 14:40 – 14:45”, and
    "" once the job takes longer than nine of ten."""

    service_time: ServiceTime | None
    ready: str
    advice: str

    @classmethod
    def of(cls, job: Job, place: eta.Place | None) -> ProgressPanel | None:
        """None for a job that is over."""
        if job.terminal:
            return None
        service_time = service_time_of(job)
        in_time = service_time is not None and not service_time.late
        return cls(
            service_time,
            labels.ready_words(place) if in_time else "",
            translated(job.advice) if job.advice else "",
        )
