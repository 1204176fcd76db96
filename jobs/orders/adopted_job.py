"""The rows of a job whose task was made elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from jobs.accounts import choice
from jobs.billing import ledger, prices
from jobs.catalogue import entries
from jobs.common.open_team import require_open
from jobs.common.states import Outcome, State, group_of
from jobs.engine.transitions import record, wake_lane
from jobs.models import Account, Attempt, Job, Lane
from jobs.modelstudio import Task
from jobs.orders.insert_job import lane_for
from studio.common import clock
from studio.common.translatable import phrase
from studio.models import User


def insert_adopted(
    account: Account, by: User, spec: entries.Model, quote: prices.Quote, task: Task, task_id: str
) -> Job:
    """The job of a task that was made elsewhere: RUNNING from the start, looked at at once. It
    holds nothing, since it is spent already, and is settled by what the service bills."""
    now = clock.now()
    with transaction.atomic():
        # Before the lane, which may be made here: a click makes it with this lock, too.
        require_open(ledger.lock(account.team))
        choice.require_present(account)
        lane = lane_for(account, spec.name)
        job = _job_row(lane, account, by, quote, task, task_id, now)
        Attempt.objects.create(
            job=job,
            number=1,
            began_at=task.submit_time or now,
            task_id=task_id,
            request_id=job.request_id,
            outcome=Outcome.ADOPTED,
            found=True,
        )
        ledger.hold(job, replace(quote, micros=0), account.team, by)
        record(
            job,
            "",
            State.RUNNING,
            phrase(
                "%(person)s imported task %(task_id)s; it is followed, saved and charged like "
                "our own",
                person=by.short_name,
                task_id=task_id,
            ),
            "",
        )
        wake_lane(lane.pk)
    return job


def _job_row(
    lane: Lane,
    account: Account,
    by: User,
    quote: prices.Quote,
    task: Task,
    task_id: str,
    now: datetime,
) -> Job:
    return Job.objects.create(
        team=account.team,
        owner=by,
        account=account,
        lane=lane,
        model=lane.model,
        title=_("Imported task %(id)s") % {"id": task_id[:8]},
        adopted=True,
        state=State.RUNNING,
        group=group_of(State.RUNNING),
        attempt=1,
        task_id=task_id,
        request_id=task.request_id[:80],
        provider_status=task.status[:40],
        submitted_at=task.submit_time or now,
        submitting_at=task.submit_time or now,
        provider_started_at=task.scheduled_time,
        next_look_at=now,
        variant=quote.price.variant,
        milliseconds=int(quote.units * 1000),
        price=quote.price,
        currency=quote.currency,
        quote_micros=quote.micros,
    )
