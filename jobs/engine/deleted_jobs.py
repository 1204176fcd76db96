"""Ended jobs leave the lists and come back to them: beside `transitions`, the only module that
writes `Job.group`, and it touches no other column of the machine."""

from __future__ import annotations

from jobs.common.errors import Moved
from jobs.common.states import TERMINAL, Group, group_of
from jobs.engine.transitions import record
from jobs.models import Job
from studio.common.translatable import Sentence
from studio.models import Deletion


def set_aside(job: Job, deletion: Deletion, text: Sentence) -> None:
    """An ended job goes into the trash with `deletion`: no list has it any more. The caller holds
    the team's lock and has seen that it has ended."""
    mine = Job.objects.filter(pk=job.pk, state__in=TERMINAL).exclude(group=Group.DELETED)
    if not mine.update(group=Group.DELETED, deletion=deletion):
        raise Moved(f"{job.public_id} has not ended, or is deleted already")
    record(job, "", job.state, text, job.code, {"deleted": True})


def put_back(job: Job, text: Sentence) -> None:
    """Out of the trash, into the list of its state."""
    group = group_of(job.state, job.code)
    if Job.objects.filter(pk=job.pk, group=Group.DELETED, erased_at=None).update(
        group=group, deletion=None
    ):
        record(job, "", job.state, text, job.code)
