"""A second look at a task that was found in the service's list, before its video is booked as a
job's. When it was found nothing spoke against it; by its end the list shows whether somebody else
makes tasks with the same key, and then it may be theirs."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Q

from jobs.accounts.clients import NoKey
from jobs.common.states import State
from jobs.engine import retry, uncertain
from jobs.models import Job
from jobs.modelstudio import Task, TaskLine, WireError
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, phrase

log = logging.getLogger("footlight.found_task")
# A list that cannot be read holds a video up no longer than this after its task ended.
PATIENCE = timedelta(hours=1)


class NotYet(Exception):
    """The list could not be read; ask again soon."""


def doubt(job: Job, task: Task) -> Sentence:
    """Why the ended `task`, which was found for the present attempt of a RUNNING `job`, may be
    another's; "" when nothing speaks for that. Calls out. NotYet."""
    attempt = job.attempts.select_related("key").get(number=job.attempt)
    try:
        lines = uncertain.in_no_row(job, attempt)
    except (WireError, NoKey, uncertain.NobodyKnows) as error:
        if clock.now() - (task.end_time or job.submitted_at or job.created_at) < PATIENCE:
            raise NotYet(str(error)) from error
        log.warning("job %s is booked without a second look: %s", job.public_id, error)
        return EMPTY
    sent = _in_doubt_beside(job)
    if all(_may_be_ours(line, sent) for line in lines):
        return EMPTY
    return phrase(
        "Its task was found in the service’s list, and somebody else makes tasks with the same "
        "key, so it may be theirs; a person decides"
    )


def _in_doubt_beside(job: Job) -> list[datetime]:
    """When other jobs were sent with the same keys whose tasks are not known yet."""
    prints = list(job.account.keys.values_list("fingerprint", flat=True))
    beside = Q(account__keys__fingerprint__in=prints) | Q(lane__account_id=job.account.root_id)
    rows = Job.objects.filter(beside, state__in=(State.SUBMITTING, State.UNCERTAIN))
    return [begun or made for begun, made in rows.values_list("submitting_at", "created_at")]


def _may_be_ours(line: TaskLine, sent: list[datetime]) -> bool:
    return any(
        begun - retry.CLOCK_SKEW <= line.created_at <= begun + retry.WINDOW for begun in sent
    )
