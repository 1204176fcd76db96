"""A task whose end nobody saw: what it costs, however it came to that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.billing import budget
from jobs.billing.limit_use import BudgetStatus
from jobs.common.states import State
from jobs.engine import invariants
from jobs.models import Job
from jobs.modelstudio import NoAnswer
from jobs.orders.order_request import OrderRequest
from jobs.pages import labels
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.tasks.visits import visit
from tests.service import Service, task

pytestmark = pytest.mark.django_db


def sent(job: Job, hours: float) -> None:
    Job.objects.filter(pk=job.pk).update(submitted_at=timezone.now() - timedelta(hours=hours))


@pytest.mark.parametrize("last_word", ["PENDING", "RUNNING"])
@pytest.mark.parametrize("how", ["forgotten", "never asked"])
def test_the_quote_counts_whatever_was_seen_of_it(
    job: Job, service: Service, how: str, last_word: str
) -> None:
    job = visit(job)
    service.gets = [task(job.task_id, last_word)]
    job = visit(job)
    assert job.provider_status == last_word
    sent(job, 31)
    service.gets = [task(job.task_id, "UNKNOWN") if how == "forgotten" else NoAnswer(message="cut")]
    job = visit(job)
    assert (job.state, job.code) == ("failed", "task-lost")
    assert (job.settled_micros, job.billed_units) == (job.quote_micros, None)
    assert budget.status(job.team) == BudgetStatus("USD", None, 0, job.quote_micros)
    note = job.ledger.get(kind="settle").note
    assert "may have been billed" in note
    assert job.task_id in note, "whoever corrects it has to find the line of the bill"
    assert "adjustment" in note
    assert str(job.advice) == (
        "Make it again. Look at the bill in Alibaba’s console: when the task is not on it, ask "
        "whoever runs this site to give the amount back."
    )
    assert "may have been billed" in labels.cost_sentence(job)
    assert "The service billed it" not in labels.cost_sentence(job)
    assert invariants.broken() == []


def test_a_task_made_elsewhere_has_no_quote_and_the_ledger_says_so(
    team: Team, creator: User, service: Service, wish: OrderRequest
) -> None:
    job = makers.job(
        team,
        creator,
        state=State.RUNNING,
        account=wish.account,
        milliseconds=0,
        adopted=True,
        task_id="task-elsewhere",
        attempt=1,
        submitted_at=timezone.now() - timedelta(hours=25),
    )
    service.gets = [task("task-elsewhere", "UNKNOWN")]
    job = visit(job)
    assert (job.state, job.settled_micros) == ("failed", 0)
    assert "task-elsewhere" in job.ledger.get(kind="settle").note


def test_a_task_that_the_service_says_it_canceled_costs_nothing(job: Job, service: Service) -> None:
    job = visit(job)
    service.gets = [task(job.task_id, "CANCELED")]
    job = visit(job)
    assert (job.state, job.settled_micros) == ("canceled", None)
    assert budget.status(job.team).used == 0
