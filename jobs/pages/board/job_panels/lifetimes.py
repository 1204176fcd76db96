"""How long the service still keeps what belongs to a job: its task, and its copy of the video."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.common.states import State
from jobs.engine import expiry
from jobs.models import Job
from studio.common.formats import seconds as length

TASK_LIFE = timedelta(hours=24)  # CONTRACT §8: task, result and address live that long


@dataclass(frozen=True, slots=True)
class Lifetime:
    left: timedelta
    title: str
    note: str


def lifetimes_of(job: Job) -> list[Lifetime]:
    """The lifetimes that still run; none once the video is here."""
    found = []
    if job.state in (State.RUNNING, State.ARCHIVING) and job.submitted_at is not None:
        left = max(timedelta(0), job.submitted_at + TASK_LIFE - timezone.now())
        title = _("Task, %(left)s") % {"left": length(left)}
        found.append(Lifetime(left, title, _("then the service forgets it")))
    copy_left = expiry.left(job)
    if copy_left is not None:
        title = _("Video, %(left)s") % {"left": length(copy_left)}
        found.append(Lifetime(copy_left, title, _("then its copy there is gone")))
    return found
