"""A video at a host that may cut, lie, refuse or forget, and what becomes of its job."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from jobs.engine import archive, result_download
from jobs.models import Job, JobEvent

PAGE = b"<!doctype html><html><title>404</title></html>"


def step(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(not_before=None)
    archive.step(job.pk)
    return Job.objects.get(pk=job.pk)


def parts() -> list[str]:
    return sorted(path.name for path in result_download.folder().iterdir())


def lines(job: Job) -> list[str]:
    return list(JobEvent.objects.filter(job=job).values_list("text", flat=True))


def aged(job: Job, hours: float) -> None:
    ended = timezone.now() - timedelta(hours=hours)
    Job.objects.filter(pk=job.pk).update(
        provider_ended_at=ended, result_expires_at=ended + timedelta(hours=24)
    )
