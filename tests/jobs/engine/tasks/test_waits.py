"""What a job that could not be sent waits for, and for how long: its own row alone is put off."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from jobs.accounts.clients import NoKey
from jobs.common.states import Code, State
from jobs.engine import retry
from jobs.engine.submit_outcomes import Phase, after_error
from jobs.models import Job
from jobs.modelstudio import AccountTrouble, Rejected
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.common.translatable import phrase
from tests.jobs.engine.tasks.visits import fresh
from tests.service import Service

pytestmark = pytest.mark.django_db


def in_seconds(at: datetime | None) -> float:
    assert at is not None
    return (at - timezone.now()).total_seconds()


def test_a_job_without_a_key_is_asked_about_every_minute(job: Job, wish: OrderRequest) -> None:
    other = create.create(wish)
    error = NoKey(phrase("There is no key."))
    after_error(job, Phase.PREPARE, error)
    job = fresh(job)
    assert (job.state, job.code, job.sentence) == ("queued", "account-paused", error.sentence)
    assert 50 < in_seconds(job.not_before) <= retry.KEY_WAIT
    said = job.events.count()
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(hours=1))
    after_error(fresh(job), Phase.PREPARE, error)
    job = fresh(job)
    assert job.events.count() == said, "it is said once"
    assert 50 < in_seconds(job.not_before) <= retry.KEY_WAIT
    assert fresh(other).not_before is None


def test_what_has_moved_on_is_not_put_off_for_a_key(job: Job) -> None:
    error = NoKey(phrase("There is no key."))
    after_error(job, Phase.PREPARE, error)
    stale = fresh(job)
    Job.objects.filter(pk=job.pk).update(state=State.CANCELED, not_before=None)
    after_error(stale, Phase.PREPARE, error)
    assert fresh(job).not_before is None


def test_a_paused_account_says_until_when_and_what_the_service_said(
    job: Job, service: Service
) -> None:
    trouble = AccountTrouble("Arrearage", "Overdue payment.", status=400, reason="arrears")
    after_error(job, Phase.PREPARE, trouble)
    job = fresh(job)
    assert (job.state, job.code) == ("queued", Code.ACCOUNT_PAUSED)
    assert (job.provider_code, job.provider_message) == ("Arrearage", "Overdue payment.")
    assert job.sentence
    assert job.not_before == job.account.paused_until
    assert in_seconds(job.not_before) > 60


def test_a_refused_order_ends_its_attempt_only_when_there_is_one(
    job: Job, service: Service
) -> None:
    after_error(job, Phase.PREPARE, Rejected("InvalidParameter", "No.", status=400))
    assert fresh(job).state == "failed"
    assert not job.attempts.exists()
