"""Look at a task, and go on from what the service says. Looking is free and may be repeated; trouble never ends a job."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from jobs import catalogue, health, pace, schedule
from jobs.clients import client_for
from jobs.models import Job, Template
from jobs.modelstudio import AccountTrouble, NoAnswer, RetryLater, Task, WireError, of_task_failure
from jobs.runner import canceled, fail, later, move, payer, ring_lane, video_of
from jobs.sending import forget_template
from jobs.states import Code, State

log = logging.getLogger("footlight.looking")
TASK_LIFE = timedelta(hours=24)


def look(job: Job) -> None:
    """Ask the service once about a RUNNING job and go on from what it says."""
    client = client_for(job.account)
    pace.take(job.account_id, "query")
    now = timezone.now()
    try:
        task = client.get(job.task_id)
    except RetryLater as error:
        _look_later(job, error.retry_after or schedule.backoff(job.tries + 1))
        return
    except AccountTrouble as trouble:
        health.trouble(job.account, trouble, job.model)
        _look_later(job, 30)
        return
    except WireError as error:
        log.warning("look at job %s: %s", job.public_id, error)
        _look_later(job, schedule.backoff(job.tries + 1))
        return
    if not task.finished:
        _still_working(job, task, now)
    elif task.unknown:
        if now - (job.submitted_at or job.created_at) < TASK_LIFE:
            _still_working(job, task, now, seconds=60)
        else:
            fail(
                job,
                Code.TASK_LOST,
                NoAnswer(code="UNKNOWN", message="The service no longer knows the task."),
                text="The service forgot the task after 24 h",
            )
    elif task.status == "SUCCEEDED":
        _succeeded(job, task)
    elif task.status == "CANCELED":
        canceled(job, "Canceled at the service")
    else:
        forget_template(job, of_task_failure(task.code, task.message))
        fail(job, Code.TASK_FAILED, of_task_failure(task.code, task.message), provider_status=task.status[:40], **_times(task))


def _look_later(job: Job, seconds: float) -> None:
    Job.objects.filter(pk=job.pk, state=State.RUNNING).update(next_look_at=later(seconds), tries=F("tries") + 1, looks=F("looks") + 1)


def _times(task: Task) -> dict[str, Any]:
    found = {"provider_started_at": task.scheduled_time, "provider_ended_at": task.end_time}
    return {name: value for name, value in found.items() if value is not None}


def _still_working(job: Job, task: Task, now: datetime, seconds: float | None = None) -> None:
    """Note the service's word; an event only when it changed."""
    started = task.scheduled_time or job.provider_started_at
    if started is None and task.status not in ("PENDING", "UNKNOWN"):
        started = now
    columns: dict[str, Any] = {
        "provider_status": task.status[:40],
        "looked_at": now,
        "provider_started_at": started,
        "tries": 0,
        "looks": job.looks + 1,
    }
    changed = job.provider_status != columns["provider_status"]
    job.provider_started_at = started
    columns["next_look_at"] = later(seconds if seconds is not None else schedule.next_look(job, now))
    if changed:
        move(job, State.RUNNING, f"The service says {task.status}", code=job.code, **columns)
    else:
        Job.objects.filter(pk=job.pk, state=State.RUNNING).update(**columns)


def _succeeded(job: Job, task: Task) -> None:
    spec = job.spec
    result = catalogue.result_of(spec, task.output)
    billed = catalogue.billed_units(spec, task.usage)
    variant = spec.variant.billed(task.usage) if spec.variant else ""
    units = billed if billed is not None else Decimal(job.milliseconds) / 1000
    note = "" if billed is not None else "The service did not say what it billed; the quoted length counts."
    columns: dict[str, Any] = {
        "provider_status": task.status,
        "looked_at": timezone.now(),
        "billed_units": units.quantize(Decimal("0.001")),
        **_times(task),
    }
    if result is None:
        error = NoAnswer(code="NoResult", message="The task succeeded, but no result came with it.")
        fail(job, Code.BAD_RESULT, error, settle=(units, variant or job.variant, note), **columns)
        return
    said = columns["provider_ended_at"] if "provider_ended_at" in columns else timezone.now()
    columns.setdefault("provider_ended_at", said)
    schedule.learn(job, task, units)
    paid = payer(job, units, variant or job.variant, note)
    if spec.kind is catalogue.Kind.TEMPLATE:
        move(job, State.SUCCEEDED, "The template is ready", then=partial(_both, paid, partial(_keep_template, job, result, units)), **columns)
        return
    columns |= {"result_url": result, "result_expires_at": said + TASK_LIFE, "tries": 0, "not_before": None}
    move(job, State.ARCHIVING, "Rendered; bringing the film home", then=partial(_both, paid, partial(_ring_archive, job)), **columns)


def _ring_archive(job: Job) -> None:
    from jobs import tasks

    transaction.on_commit(lambda: tasks.ring_archive(job.pk))


def _keep_template(job: Job, template_id: str, units: Decimal) -> None:
    """File the template and let the dances that wait for it go."""
    video = video_of(job)
    template, _ = Template.objects.update_or_create(
        account=job.account,
        template_id=template_id,
        defaults={
            "team": job.team,
            "model": job.model,
            "asset": video,
            "name": job.title,
            "milliseconds": int(units * 1000),
            "forgotten": False,
        },
    )
    Job.objects.filter(pk=job.pk).update(template=template)
    for dance in job.needed_by.filter(state=State.QUEUED):
        move(dance, State.QUEUED, "The template is ready; waiting for its turn", code=Code.WAITING_TURN, template=template)
        ring_lane(dance.lane_id)


def _both(first: Callable[[], None], second: Callable[[], None]) -> None:
    first()
    second()
