"""What the service broke is made once more for free."""

from __future__ import annotations

import pytest
from django.utils import timezone

from jobs.common.errors import Moved
from jobs.common.states import Outcome
from jobs.engine import lane_round
from jobs.models import Attempt
from jobs.modelstudio import NoAnswer
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from tests.jobs.engine.lane_visit.rounds import fresh, visit
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db


def test_what_the_service_broke_is_made_once_more_for_free(
    wish: OrderRequest, service: Service
) -> None:
    job = visit(create.create(wish))
    first = job.task_id
    service.gets = [
        task(first, "FAILED", code="InternalError.Algo", message="inference internal error.")
    ]
    job = visit(job)
    assert (job.state, job.code, job.retries, job.task_id) == ("queued", "backing-off", 1, "")
    assert job.quote_micros == job.team.ledger.get().held, "the hold stays"
    assert "It cost nothing" in job.events.last().text
    job = visit(job)
    assert (job.state, job.attempt) == ("running", 2)
    assert job.task_id != first
    service.gets = [
        task(job.task_id, "FAILED", code="InternalError.Algo", message="inference internal error.")
    ]
    job = visit(job)
    assert (job.state, job.fault) == ("failed", "service")
    assert service.count("submit") == 2
    assert [one.outcome for one in job.attempts.all()] == [Outcome.BROKEN, Outcome.ENDED]


def test_a_file_that_the_service_could_not_fetch_is_worth_some_tasks_each_after_a_longer_wait(
    wish: OrderRequest, service: Service
) -> None:
    """This site may have been away for a moment, and a failed task costs nothing (CONTRACT
    §11.2)."""
    job = visit(create.create(wish))
    waits = []
    for attempt in range(1, 6):
        assert (job.state, job.attempt) == ("running", attempt)
        said = "Unable to download the media resource during the data inspection process."
        service.gets = [
            task(job.task_id, "FAILED", code="InvalidParameter.DataInspection", message=said)
        ]
        job = visit(job)
        if job.state == "failed":
            break
        waits.append((job.not_before - timezone.now()).total_seconds())
        job = visit(job)
    assert (job.state, job.attempt, service.count("submit")) == ("failed", 5, 5)
    assert [round(wait, -1) for wait in waits] == [10, 30, 90, 270]


def test_a_file_out_of_reach_does_not_use_up_what_the_service_may_break(
    wish: OrderRequest, service: Service
) -> None:
    job = visit(create.create(wish))
    said = "Unable to download the media resource during the data inspection process."
    for code, message in (
        ("InvalidParameter.DataInspection", said),
        ("InternalError.Algo", "inference internal error."),
    ):
        service.gets = [task(job.task_id, "FAILED", code=code, message=message)]
        job = visit(visit(job))
        assert job.state == "running", code
    service.gets = [
        task(job.task_id, "FAILED", code="InternalError.Algo", message="inference internal error.")
    ]
    assert visit(job).state == "failed"
    assert [one.outcome for one in job.attempts.all()] == [
        Outcome.UNFETCHED,
        Outcome.BROKEN,
        Outcome.ENDED,
    ]


@pytest.mark.parametrize(
    "code",
    [
        "InvalidFile.NoHuman",
        "InvalidURL",
        "DataInspectionFailed",
        "SomethingNew",
        "InvalidParameter",
    ],
)
def test_what_the_input_broke_is_never_made_again(
    wish: OrderRequest, service: Service, code: str
) -> None:
    job = visit(create.create(wish))
    service.gets = [task(job.task_id, "FAILED", code=code, message="no")]
    assert visit(job).state == "failed"
    assert service.count("submit") == 1


def test_a_late_answer_of_an_old_attempt_cannot_touch_the_new_one(
    wish: OrderRequest, service: Service
) -> None:
    from jobs.engine import poll

    job = visit(create.create(wish))
    late = fresh(job)
    service.gets = [task(job.task_id, "FAILED", code="InternalError.Timeout", message="3 h")]
    job = visit(visit(job))
    assert (job.state, job.attempt) == ("running", 2)
    with pytest.raises(Moved):
        poll.take_in(late, done(late.task_id))
    assert (
        poll.nothing_new(late, task(late.task_id, late.provider_status), timezone.now()) is not None
    )
    lane_round._write(
        [(timezone.now(), None, timezone.now(), late.pk, late.attempt, late.task_id)],
        [(0, None, timezone.now(), timezone.now(), 0, "")],
    )
    assert fresh(job).looks == 0


def test_the_task_of_an_old_attempt_is_never_adopted(wish: OrderRequest, service: Service) -> None:
    job = visit(create.create(wish))
    first = job.task_id
    service.gets = [task(first, "FAILED", code="InternalError.Algo", message="")]
    job = visit(job)
    service.submits = [NoAnswer(message="cut")]
    job = visit(job)
    assert job.state == "uncertain"
    job = visit(job)  # the list has only the first task
    assert job.state == "uncertain"
    assert Attempt.objects.get(task_id=first).outcome == Outcome.BROKEN
