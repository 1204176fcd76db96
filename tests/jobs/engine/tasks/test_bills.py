"""A bill that is not the quote: of a task that was only found a person decides, any other is
booked, noted and mailed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from jobs.billing import budget
from jobs.common.states import Outcome
from jobs.engine import bill_check, invariants, listed_tasks, poll, uncertain
from jobs.models import Attempt, Job
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import User
from tests.jobs.engine.tasks.visits import fresh, sent_without_answer, visit
from tests.service import Service, done

pytestmark = pytest.mark.django_db


def adopted(job: Job, service: Service) -> Job:
    job = sent_without_answer(job, service)
    service.made()
    return visit(job)


def test_an_adopted_task_with_another_bill_waits_for_a_person(
    job: Job, service: Service, owner: User
) -> None:
    job = adopted(job, service)
    task_id = job.task_id
    service.gets = [done(task_id, 58.0)]
    poll.look(job)
    job = fresh(job)
    assert (job.state, job.code, job.task_id) == ("uncertain", "several-tasks", "")
    assert listed_tasks.candidates(job) == [task_id]
    assert "58.00 s" in job.events.last().text
    assert budget.status(job.team).settled == 0
    assert budget.status(job.team).held == 45_876
    assert (job.request_id, job.provider_status, job.tries) == ("", "", 0)
    assert {job.provider_started_at, job.provider_ended_at, job.submitted_at} == {None}
    assert {job.next_look_at, job.not_before} == {None}
    attempt = job.attempts.get()
    assert (attempt.task_id, attempt.request_id, attempt.outcome) == ("", "", "uncertain")
    uncertain.decide_uncertain(job, task_id, owner)
    assert job.attempts.get().outcome == Outcome.CHOSEN
    service.gets = [done(task_id, 58.0)]
    poll.look(job)
    assert fresh(job).state == "archiving", "a person said that it is"


def test_a_doubt_about_one_found_task_leaves_other_attempts_alone(
    job: Job, wish: OrderRequest, service: Service
) -> None:
    other = visit(fresh(create.create(wish)))
    Job.objects.filter(pk=job.pk).update(task_id="")
    first = fresh(job)
    theirs, earlier = other.task_id, first.attempts.get()
    Attempt.objects.filter(pk=earlier.pk).update(task_id="task-earlier")
    Attempt.objects.create(job=first, number=2, began_at=timezone.now(), task_id="task-found")
    Job.objects.filter(pk=first.pk).update(attempt=2, task_id="task-found")
    uncertain.doubt_adopted(fresh(first), uncertain.phrase("It is odd."))
    known = dict(Attempt.objects.values_list("task_id", "job_id"))
    assert known == {theirs: other.pk, "task-earlier": first.pk, "": first.pk}


def test_a_bill_that_is_not_the_quote_is_booked_noted_and_mailed(
    job: Job, service: Service, letters: list[str]
) -> None:
    job = visit(job)
    service.gets = [done(job.task_id, 9.0)]
    poll.look(job)
    assert fresh(job).state == "archiving"
    note = job.ledger.get(kind="settle").note
    assert "The service billed 9.00 s, and 4.00 s were quoted." in note
    assert letters == [f"The bill of “{job.title}” is not its quote"]
    (noted,) = invariants.report().notes
    assert f"of job {job.public_id} settles 9.000 s; 4 s were quoted." in noted


@pytest.mark.parametrize(
    ("billed", "quoted", "odd"),
    [
        ("3.93", "4", False),
        ("5", "4", False),
        ("5.01", "4", True),
        ("58", "4", True),
        ("62.9", "60", False),
        ("63.1", "60", True),
        ("2.99", "4", True),
    ],
)
def test_what_a_model_rounds_is_no_other_bill(billed: str, quoted: str, odd: bool) -> None:
    assert bill_check.unlike(Decimal(billed), Decimal(quoted)) is odd


def test_another_variant_is_another_bill(job: Job, service: Service) -> None:
    assert bill_check.unlike_quote(job, Decimal(4), job.variant) == ""
    assert "3:4" in bill_check.unlike_quote(job, Decimal(4), "3:4")
    assert bill_check.unlike_quote(job, Decimal(4), "") == ""
