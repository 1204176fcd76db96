"""What a visit's steps hold on to and let go: the lease while files are handed over, the number of
tries, and the times of a job that goes aside or back into the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.common.states import Code, State
from jobs.engine import fair_share, lane_jobs, lane_visit, submit
from jobs.engine.lane_lease import window
from jobs.models import Account, Job, Lane
from jobs.modelstudio import NoAnswer, Rejected, WireError
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.tasks.visits import fresh, visit
from tests.service import Service, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def wish(team: Team, creator: User, account: Account) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    files = {"image_url": portrait, "audio_url": speech}
    return OrderRequest(team, creator, "emo-v1", files, {"ratio": "1:1"}, account=account)


@pytest.fixture
def job(wish: OrderRequest) -> Job:
    return fresh(create.create(wish))


def test_a_new_task_has_not_begun_when_the_broken_one_had(job: Job, service: Service) -> None:
    """Its time of work would count from the beginning of the task that broke."""
    job = visit(job)
    service.gets = [task(job.task_id, "RUNNING", scheduled_time=timezone.now())]
    job = visit(job)
    assert job.provider_started_at is not None
    broken = task(job.task_id, "FAILED", code="InternalError.Algo", message="x")
    service.gets = [broken]
    job = visit(job)
    assert (job.state, job.provider_started_at, job.provider_ended_at) == ("queued", None, None)
    job = visit(job)
    assert (job.state, job.attempt, job.provider_started_at) == ("running", 2, None)


def test_a_visit_ends_whatever_the_service_answers(wish: OrderRequest, service: Service) -> None:
    """Each refusal makes room for the next job; the other lanes wait for the end of the visit."""
    jobs = [create.create(wish) for _ in range(6)]
    service.submits = [Rejected("InvalidParameter", "no", status=400)] * 6
    visit(jobs[0])
    tries = window(jobs[0].lane)
    assert service.count("submit") == tries
    assert Job.objects.filter(state=State.QUEUED).count() == 6 - tries


def test_nothing_is_sent_by_whose_lease_was_taken(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fair_share.next_job

    def slow(*args: Any) -> int | None:
        Lane.objects.update(lease_token="elsewhere|1|2")
        return real(*args)

    monkeypatch.setattr(fair_share, "next_job", slow)
    assert visit(job).state == "queued"
    assert service.count("submit") == 0
    assert Lane.objects.get().lease_token == "elsewhere|1|2"


def test_the_lease_lasts_as_long_as_files_are_handed_over(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[timedelta] = []

    @contextmanager
    def renewing(renew: Callable[[], object]) -> Iterator[None]:
        Lane.objects.update(lease_until=timezone.now())
        renew()
        left.append(Lane.objects.get().lease_until - timezone.now())
        yield

    monkeypatch.setattr(lane_visit, "renewing", renewing)
    visit(job)
    assert len(left) == 1
    assert left[0] > timedelta(seconds=30)


@pytest.mark.parametrize("answer", [None, NoAnswer(message="cut")])
def test_the_connection_is_tested_between_the_post_and_what_is_written_of_it(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch, answer: Exception | None
) -> None:
    """It rested while the service took its time; the answer is worth money."""
    steps: list[str] = []
    for name in ("accepted", "after_error"):
        real = getattr(submit, name)

        def noted(*args: Any, real: Callable[..., None] = real) -> None:
            steps.append("written")
            real(*args)

        monkeypatch.setattr(submit, name, noted)
    monkeypatch.setattr(submit, "check_connection", lambda: steps.append("tested"))
    service.submits = [answer] if answer else []
    visit(job)
    assert steps == ["tested", "written"]


@pytest.mark.parametrize(
    ("state", "column", "tries"),
    [
        (State.QUEUED, "not_before", 3),
        (State.UNCERTAIN, "not_before", 2),
        (State.RUNNING, "next_look_at", 3),
    ],
)
@pytest.mark.parametrize("error", [WireError("X", "x"), RuntimeError("a bug")])
def test_what_went_wrong_puts_its_job_aside(
    team: Team, creator: User, state: State, column: str, tries: int, error: Exception
) -> None:
    """Due again in a while, or the lane would be visited for it without a pause. The tries of an
    uncertain job are lists that were read."""
    code = Code.NO_ANSWER if state is State.UNCERTAIN else ""
    job = makers.job(team, creator, state=state, code=code, tries=2)

    def step() -> None:
        raise error

    lane_jobs.isolated(job.lane, job, step)
    job.refresh_from_db()
    wait = getattr(job, column) - timezone.now()
    assert timedelta(seconds=2) < wait < timedelta(seconds=80)
    assert (job.state, job.tries) == (state, tries)


def test_a_list_that_fails_is_asked_again_after_a_pause(job: Job, service: Service) -> None:
    service.submits = [NoAnswer(message="cut")]
    job = visit(job)
    service.lists = [NoAnswer(message="cut")]
    job = visit(job)
    assert job.state == "uncertain"
    assert job.not_before is not None
    assert job.not_before > timezone.now()
    assert Lane.objects.get().next_visit_at == job.not_before
