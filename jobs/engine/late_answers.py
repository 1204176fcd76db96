"""The answer to a submit whose job went on without it, because its process had slept: a task exists
that was to be forgotten.

It is kept on its attempt. Where the job has not been sent again it is simply the job's task, also
in the place of one that was only found.
Otherwise it is one too many: canceled while the service has not begun with it, and followed as a
video of its own when it has (`orders.late_videos`), since it will be billed.
"""

from __future__ import annotations

import logging

from django.db import IntegrityError, transaction

from jobs.accounts import clients, rate_limit
from jobs.accounts.clients import NoKey
from jobs.common.errors import Moved
from jobs.common.states import Outcome, State
from jobs.engine.submit_outcomes import accepted
from jobs.engine.transitions import record
from jobs.models import Attempt, Job
from jobs.modelstudio import Submitted, WireError
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, phrase

log = logging.getLogger("footlight.late_answers")


def take(job: Job, answer: Submitted) -> None:
    """`answer` came to the attempt that `job`, as this process knew it, was at; its row has moved
    meanwhile. Never raises because of the service."""
    number = job.attempt
    row = Job.objects.select_related("account", "lane", "team").get(pk=job.pk)
    if Attempt.objects.filter(task_id=answer.task_id).exists():
        return  # found in the list meanwhile
    text = _why_its_own(row) if row.attempt == number else EMPTY
    if text:
        try:
            accepted(row, answer, text, Outcome.ACCEPTED)
            return
        except Moved:
            row.refresh_from_db()
    attempt = _keep(row, number, answer)
    if attempt is not None:
        cancel(attempt)


def _why_its_own(job: Job) -> Sentence:
    """What to say when the late answer to the attempt that `job` is at names its task; "" when it
    is over already."""
    if job.state in (State.UNCERTAIN, State.QUEUED):
        return phrase("The answer came late; it is this job’s")
    if job.state == State.RUNNING and job.attempts.filter(number=job.attempt, found=True).exists():
        return phrase(
            "The answer came late; it is this job’s, so task %(task_id)s, which was found for it, "
            "is another’s",
            task_id=job.task_id,
        )
    return EMPTY


def _keep(job: Job, number: int, answer: Submitted) -> Attempt | None:
    """Write the task down, before anything else; None when it is somebody's already."""
    attempt = Attempt.objects.get(job=job, number=number)
    try:
        with transaction.atomic():
            Attempt.objects.filter(pk=attempt.pk).update(
                task_id=answer.task_id,
                request_id=answer.request_id[:80],
                outcome=Outcome.LATE,
                ended_at=None,
            )
            text = phrase(
                "The answer to attempt %(n)s came when the job had gone on without it: there is a "
                "second task. It is canceled if the service has not begun with it",
                n=number,
            )
            record(job, "", job.state, text, job.code, {"task_id": answer.task_id})
    except IntegrityError:
        log.warning("task %s of job %s belongs to another", answer.task_id, job.public_id)
        return None
    attempt.refresh_from_db()
    return attempt


def cancel(attempt: Attempt) -> bool | None:
    """Ask the service to cancel a late task: True when it did, so that it costs nothing; False when
    it had begun, so that it will be billed; None when nobody knows yet."""
    job = attempt.job
    try:
        client = clients.sent_with(attempt)
        rate_limit.take(job.account.root_id, "cancel")
        stopped = client.cancel(attempt.task_id)
    except (WireError, NoKey) as error:
        log.warning("late task %s of job %s: %s", attempt.task_id, job.public_id, error)
        return None
    if stopped:
        ended(attempt, phrase("The second task was canceled before it began; it cost nothing"))
    return stopped


def ended(attempt: Attempt, text: Sentence) -> None:
    """Nothing more is to be done about a late task."""
    job = attempt.job
    with transaction.atomic():
        mine = Attempt.objects.filter(pk=attempt.pk, outcome=Outcome.LATE)
        if mine.update(outcome=Outcome.ENDED, ended_at=clock.now()):
            record(job, "", job.state, text, job.code, {"task_id": attempt.task_id})
