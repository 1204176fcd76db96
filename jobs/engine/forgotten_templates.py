"""A template that the service no longer knows, as its answer to a dance says: it is marked and not
offered again (`Template.forgotten`). `orders.create` has it made again from its video."""

from __future__ import annotations

from jobs.models import Job, Template
from jobs.modelstudio import WireError


def forget_template(job: Job, error: WireError) -> None:
    """Mark the template of `job` when `error` says that the service does not know it."""
    if job.template_id and error.code.startswith("InvalidFile.Template"):
        Template.objects.filter(pk=job.template_id).update(forgotten=True)
