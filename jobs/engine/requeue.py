"""A job that was sent goes back into the queue: no task of its attempt was made, or the service
broke it and bills nothing."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from jobs.billing import ledger
from jobs.common.states import Code, Outcome, State
from jobs.engine.transitions import fail_waiting, later, move
from jobs.models import Job
from jobs.modelstudio import WireError
from studio.common.translatable import EMPTY, Sentence, phrase


def send_anew(job: Job, error: WireError, outcome: Outcome, left: int, seconds: float) -> None:
    """The service made the task and broke it (`outcome` says how): that cost nothing, so the job
    goes back into the queue for another one in `seconds`; `left` counts it and those of its kind
    that may follow."""
    words = error.explain()
    reason = error.code or phrase("no code")
    if left == 1:
        text = phrase(
            "The task failed at the service (%(reason)s). It cost nothing, so a new one is made; "
            "once, not again",
            reason=reason,
        )
    else:
        text = phrase(
            "The task failed at the service (%(reason)s). It cost nothing, so a new one is made; "
            "up to %(n)s times",
            reason=reason,
            n=left,
        )
    send_again(
        job,
        text,
        Code.BACKING_OFF,
        outcome,
        data={"task_id": job.task_id, "error": str(error)[:200]},
        retries=job.retries + 1,
        task_id="",
        request_id="",
        provider_status="",
        provider_started_at=None,
        provider_ended_at=None,
        submitted_at=None,
        next_look_at=None,
        sentence=words.sentence,
        advice=EMPTY,
        not_before=later(seconds),
    )


def send_again(
    job: Job,
    text: Sentence,
    code: Code,
    outcome: Outcome,
    *,
    data: dict[str, str] | None = None,
    **columns: Any,
) -> None:
    """No task of this attempt is made or billed: back into the queue, with the template that it may
    lack; FAILED when that could not be made meanwhile. What was sent has its template, so only a
    job of before a restore lacks one."""
    with transaction.atomic():
        maker = _maker_of(job)
        if maker is not None and maker.template_id is None and maker.terminal:
            fail_waiting(job, maker.sentence)
            ledger.release(job, note=phrase("Nothing was produced."))
            return
        waits = maker is not None and maker.template_id is None
        move(
            job,
            State.QUEUED,
            text,
            code=Code.NEEDS_TEMPLATE if waits else code,
            outcome=outcome,
            data=data,
            template_id=job.template_id or (maker.template_id if maker is not None else None),
            tries=0,
            **columns,
        )


def _maker_of(job: Job) -> Job | None:
    """The job that makes the template which `job` lacks, locked, so that it does not end before
    `job` waits for it again; None when nothing is lacking."""
    if job.needs_id is None or job.template_id is not None:
        return None
    return Job.objects.select_for_update(no_key=True).get(pk=job.needs_id)
