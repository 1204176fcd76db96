"""What happens by itself, but now: a person has the service asked about a task, or its video
downloaded. Both are free."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from jobs.common import wakeup
from jobs.common.states import State
from jobs.engine import transitions
from jobs.models import Job
from studio.common import clock
from studio.common.translatable import Sentence, phrase

PAUSE = timedelta(
    seconds=3
)  # between two that people ask for: each is a call, and an account has only so many
_JUST_NOW = phrase("That was done a moment ago. Wait a few seconds, then ask again.")


def looks(job: Job) -> bool:
    """Whether there is a task to ask the service about."""
    return job.state == State.RUNNING


def downloads(job: Job) -> bool:
    """Whether the video could not be brought home and waits for the next try."""
    return job.state == State.ARCHIVING and bool(job.tries) and job.lease_until is None


def again(job: Job) -> Sentence:
    """Look or download now; a sentence of what happens. Safe at any time: what is under way already
    is left alone."""
    now = clock.now()
    mine = Job.objects.filter(pk=job.pk, state=job.state, attempt=job.attempt)
    if downloads(job):
        if not wakeup.once(f"ask-now:{job.pk}", int(PAUSE.total_seconds())):
            return _JUST_NOW
        mine.filter(lease_until=None).update(not_before=None)
        transaction.on_commit(wakeup.enqueue_archive)
        return phrase("The video is downloaded again. That is free.")
    if not looks(job):
        return phrase("It moved on while you clicked. Look at its state, then decide again.")
    if not mine.filter(Q(looked_at=None) | Q(looked_at__lt=now - PAUSE)).update(next_look_at=now):
        return _JUST_NOW
    transitions.wake_lane(job.lane_id)
    return phrase("The service is asked again. That is free.")
