"""Look at a task, and go on from what the service says. Looking is free and may be repeated;
trouble never ends a job."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from jobs.accounts import clients, health, rate_limit
from jobs.accounts.clients import KeyedClient, NoKey, client_for
from jobs.billing import prices
from jobs.catalogue import entries
from jobs.common import wakeup
from jobs.common.states import Code, Outcome, State
from jobs.engine import found_task, retry, speed, uncertain
from jobs.engine.bill_check import bill_of, notify_of_bill
from jobs.engine.forgotten_templates import forget_template
from jobs.engine.requeue import send_anew
from jobs.engine.transitions import (
    canceled,
    fail,
    later,
    move,
    settlement,
    wake_lane,
    wake_lanes,
)
from jobs.engine.unseen_end import end_unseen
from jobs.models import Job, Template
from jobs.models.job import video_of
from jobs.modelstudio import (
    AccountTrouble,
    MediaUnreachable,
    NoAnswer,
    RetryLater,
    Task,
    WireError,
    of_task_failure,
)
from studio.common import clock
from studio.common.translatable import Sentence, phrase

log = logging.getLogger("footlight.poll")
TASK_LIFE = timedelta(hours=24)
# After three hours the service ends a task, and a day later it forgets it with its video: what
# could not be asked until then is gone.
OUT_OF_REACH = timedelta(hours=30)
SILENT_AFTER = 3  # looks in a row without an answer after which a task hides no other
LONGEST_TEMPLATE_ID = 200


def look(job: Job) -> None:
    """Ask the service once about a RUNNING job and go on from what it says. NoKey, unless there is
    nothing left to ask for."""
    try:
        answer: Task | WireError = ask(job)
    except NoKey as error:
        if not _out_of_reach(job, clock.now()):
            raise
        answer = NoAnswer(message=str(error))
    take_in(job, answer)


def silent(job: Job) -> bool:
    """The service has nothing to say about this task, again and again or because it does not know
    it."""
    return job.tries >= SILENT_AFTER or job.provider_status == "UNKNOWN"


def _out_of_reach(job: Job, now: datetime) -> bool:
    return now - (job.submitted_at or job.created_at) > OUT_OF_REACH


def ask(job: Job) -> Task | WireError:
    """What the service says about the job's task, or how asking went wrong. Calls out and writes
    nothing. NoKey."""
    client = client_for(job.account)
    if rate_limit.LOOKS_NEED_IT:
        rate_limit.take(job.account.root_id, "query")
    try:
        answer = client.get(job.task_id)
        return _of_another_key(job, client, answer) if answer.unknown else answer
    except WireError as error:
        return error


def _of_another_key(job: Job, asked: KeyedClient, answer: Task) -> Task:
    """The newest key does not know the task: it may be one of another Alibaba account, added since
    the task was made, so the others in use are asked too."""
    for _key, client in clients.every(job.account):
        if client is asked:
            continue
        rate_limit.take(job.account.root_id, "query")
        try:
            found = client.get(job.task_id)
        except AccountTrouble:
            continue  # a key that is refused knows nothing
        if not found.unknown:
            return found
    return answer


def nothing_new(job: Job, answer: Task | WireError, now: datetime) -> dict[str, Any] | None:
    """The columns to write when the answer changes nothing that people see, so that many looks can
    be written at once; None when `take_in` must be called."""
    if (
        job.account.health == "key"
        or isinstance(answer, WireError)
        or answer.finished
        or answer.status[:40] != job.provider_status
    ):
        return None
    return _seen(job, answer, now)


def take_in(job: Job, answer: Task | WireError) -> None:
    """Go on from an answer. A late one, of an attempt that is over, raises Moved and changes
    nothing."""
    now = clock.now()
    if isinstance(answer, WireError):
        if _out_of_reach(job, now):
            end_unseen(
                job,
                answer,
                phrase("The service could not be asked until it had forgotten the task."),
            )
        else:
            _no_answer(job, answer)
        return
    health.key_works(job.account)
    if not answer.finished:
        _still_working(job, answer, now)
    elif answer.unknown:
        if now - (job.submitted_at or job.created_at) < TASK_LIFE:
            _still_working(job, answer, now, seconds=60)
        else:
            end_unseen(
                job,
                NoAnswer(code="UNKNOWN", message="The service no longer knows the task."),
                phrase("The service forgot the task after 24 h, and its end was not seen."),
            )
    elif answer.status == "SUCCEEDED":
        _succeeded(job, answer)
    elif answer.status == "CANCELED":
        canceled(job, phrase("Canceled at the service"))
    else:
        _failed(job, answer)


def _no_answer(job: Job, error: WireError) -> None:
    """Trouble while looking ends no job as long as there is something to bring home."""
    if isinstance(error, AccountTrouble):
        health.trouble(job.account, error, job.model)
        _look_later(job, 30)
        return
    wait = retry.asked_wait(error)
    if not isinstance(error, RetryLater):
        log.warning("look at job %s: %s", job.public_id, error)
    _look_later(job, min(wait, 300.0) if wait else retry.backoff(job.tries + 1))


def _failed(job: Job, task: Task) -> None:
    """CONTRACT §11: what broke inside the service is worth one new task, and a file that it could
    not fetch some, each after a longer wait, since the failed ones were not billed; what it says
    about the input never is."""
    error = of_task_failure(task.code, task.message)
    forget_template(job, error)
    if uncertain.doubt_chosen(job):
        return
    if isinstance(error, (MediaUnreachable, RetryLater)) and not job.adopted:
        outcome = Outcome.UNFETCHED if isinstance(error, MediaUnreachable) else Outcome.BROKEN
        if left := retry.new_tasks_left(job, outcome):
            before = retry.NEW_TASKS[outcome] - left
            send_anew(job, error, outcome, left, retry.before_new_task(before))
            wake_lane(job.lane_id)
            return
    fail(job, Code.TASK_FAILED, error, provider_status=task.status[:40], **_times(task))


def _as_asked(job: Job) -> QuerySet[Job]:
    """The row, as long as it is at the task that was asked about."""
    return Job.objects.filter(
        pk=job.pk, state=State.RUNNING, attempt=job.attempt, task_id=job.task_id
    )


def _look_later(job: Job, seconds: float) -> None:
    _as_asked(job).update(next_look_at=later(seconds), tries=F("tries") + 1, looks=F("looks") + 1)


def _times(task: Task) -> dict[str, Any]:
    found = {"provider_started_at": task.scheduled_time, "provider_ended_at": task.end_time}
    return {name: value for name, value in found.items() if value is not None}


def _seen(job: Job, task: Task, now: datetime, seconds: float | None = None) -> dict[str, Any]:
    started = task.scheduled_time or job.provider_started_at
    if started is None and task.status not in ("PENDING", "UNKNOWN"):
        # It began between the last look and this one, but not long ago: what moves up to the head
        # is looked at soon.
        started = now - min((now - (job.looked_at or now)) / 2, timedelta(seconds=2.5))
    job.provider_started_at, job.provider_status = started, task.status[:40]
    return {
        "provider_status": job.provider_status,
        "looked_at": now,
        "provider_started_at": started,
        "tries": 0,
        "looks": job.looks + 1,
        "next_look_at": now
        + timedelta(seconds=seconds if seconds is not None else retry.next_look(job, now)),
    }


def _still_working(job: Job, task: Task, now: datetime, seconds: float | None = None) -> None:
    """Note the service's word; an event only when it changed."""
    changed = job.provider_status != task.status[:40]
    columns = _seen(job, task, now, seconds)
    if changed:
        move(
            job,
            State.RUNNING,
            phrase("The service says %(status)s", status=task.status[:40]),
            code=job.code,
            **columns,
        )
    else:
        _as_asked(job).update(**columns)


def _succeeded(job: Job, task: Task) -> None:
    spec = job.spec
    result = entries.result_of(spec, task.output)
    bill = bill_of(job, task)
    if _was_found(job) and _doubted(job, task, bill.odd):
        return
    columns: dict[str, Any] = {
        "provider_status": task.status,
        "looked_at": clock.now(),
        "billed_units": prices.rounded(bill.units),
        **_times(task),
    }
    if result is None or (spec.kind is entries.Kind.TEMPLATE and len(result) > LONGEST_TEMPLATE_ID):
        error = NoAnswer(code="NoResult", message="The task succeeded, but no result came with it.")
        fail(job, Code.BAD_RESULT, error, settle=bill.terms, **columns)
        return
    said = columns["provider_ended_at"] if "provider_ended_at" in columns else clock.now()
    columns.setdefault("provider_ended_at", said)
    paid = settlement(job, *bill.terms)
    if bill.odd:
        notify_of_bill(job, bill.odd)
    if spec.kind is entries.Kind.TEMPLATE:
        move(
            job,
            State.SUCCEEDED,
            phrase("The template is ready"),
            # Money last: whoever waits for a balance must hold all the jobs it moves already.
            then=partial(_both, partial(_keep_template, job, result, bill.units), paid),
            **columns,
        )
        speed.learn(job, task, bill.units)
        return
    columns |= {
        "result_url": result,
        "result_expires_at": said + TASK_LIFE,
        "tries": 0,
        "not_before": None,
    }
    move(
        job,
        State.ARCHIVING,
        phrase("Rendered; bringing the video home"),
        then=partial(_both, paid, _enqueue_archive),
        **columns,
    )
    speed.learn(job, task, bill.units)


def _was_found(job: Job) -> bool:
    """Its task was taken from the service's list; nobody's answer and no person named it."""
    return (
        not job.adopted
        and job.attempts.filter(number=job.attempt, outcome=Outcome.ADOPTED).exists()
    )


def _doubted(job: Job, task: Task, odd: Sentence) -> bool:
    """Whether nothing of a found task is booked now: it may be another's, or nobody knows yet."""
    try:
        doubt = odd or found_task.doubt(job, task)
    except found_task.NotYet as why:
        log.warning("job %s: no second look at the list yet: %s", job.public_id, why)
        _look_later(job, 30)
        return True
    if doubt:
        uncertain.doubt_adopted(job, doubt)
    return bool(doubt)


def _enqueue_archive() -> None:
    transaction.on_commit(wakeup.enqueue_archive)


def _keep_template(job: Job, template_id: str, units: Decimal) -> None:
    """File the template and let the dances that wait for it go."""
    video = video_of(job)
    template, _ = Template.everything.update_or_create(
        account=job.account,
        template_id=template_id,
        defaults={
            "team": job.team,
            "model": job.model,
            "asset": video,
            "name": job.title,
            "milliseconds": int(units * 1000),
            "forgotten": False,
            "deleted": False,
            "deletion": None,
        },
    )
    Job.objects.filter(pk=job.pk).update(template=template)
    dances = list(job.needed_by.filter(state=State.QUEUED).order_by("pk"))
    for dance in dances:
        move(
            dance,
            State.QUEUED,
            phrase("The template is ready; waiting in the queue"),
            code=Code.WAITING_TURN,
            template=template,
        )
    wake_lanes(dance.lane_id for dance in dances)


def _both(first: Callable[[], None], second: Callable[[], None]) -> None:
    first()
    second()
