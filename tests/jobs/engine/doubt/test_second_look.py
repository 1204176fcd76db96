"""A task that was found in the list is looked at again before its video counts: by its end it shows
whether the key is somebody else's as well."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.billing import budget
from jobs.common.states import Code, Outcome, State
from jobs.engine import found_task, listed_tasks, poll, uncertain
from jobs.models import Account, Job
from jobs.modelstudio import NoAnswer
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import User
from tests import makers
from tests.jobs.engine.tasks.visits import fresh, sent_without_answer, visit
from tests.service import Service, done

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(order: OrderRequest) -> Job:
    return create.create(order)


@pytest.fixture
def order(team: object, creator: User, account: Account, service: Service) -> OrderRequest:
    portrait = makers.asset(account.team)
    speech = makers.asset(account.team, "audio")
    makers.check(portrait, account)
    files = {"image_url": portrait, "audio_url": speech}
    return OrderRequest(account.team, creator, "emo-v1", files, {"ratio": "1:1"}, account=account)


def found(job: Job, service: Service) -> Job:
    """The first task that this key ever made: nothing in the list speaks against it."""
    job = sent_without_answer(job, service)
    line = service.made()
    job = visit(job)
    assert (job.state, job.task_id) == (State.RUNNING, line.task_id)
    return job


def ends(job: Job, service: Service) -> Job:
    service.gets = [done(job.task_id, 4.0)]
    poll.look(fresh(job))
    return fresh(job)


def test_a_task_of_a_key_that_others_use_too_waits_for_a_person(
    job: Job, service: Service, owner: User
) -> None:
    """Two sites share a key from its first hour: the order of this one never arrived, and the first
    task of the other one lies in the list alone."""
    job = found(job, service)
    task_id = job.task_id
    service.made(at=timezone.now() + timedelta(minutes=5))
    job = ends(job, service)
    assert (job.state, job.code, job.task_id) == (State.UNCERTAIN, Code.SEVERAL_TASKS, "")
    assert listed_tasks.candidates(job) == [task_id]
    assert "somebody else makes tasks with the same key" in job.events.last().text
    assert budget.status(job.team).settled == 0
    uncertain.decide_uncertain(job, task_id, owner)
    assert job.attempts.get().outcome == Outcome.CHOSEN
    assert ends(job, service).state == State.ARCHIVING, "a person said that it is"


def test_a_task_of_a_key_that_is_ours_alone_is_booked(job: Job, service: Service) -> None:
    job = ends(found(job, service), service)
    assert job.state == State.ARCHIVING
    assert job.settled_micros == job.quote_micros


def test_our_own_orders_in_doubt_are_nobody_elses(
    job: Job, order: OrderRequest, service: Service
) -> None:
    """Their tasks are in no row yet either."""
    job = found(job, service)
    service.made(at=timezone.now())
    makers.job(
        job.team,
        order.owner,
        "animate-anyone-gen2",
        account=job.account,
        state=State.SUBMITTING,
        submitting_at=timezone.now(),
    )
    assert ends(job, service).state == State.ARCHIVING


def test_another_task_than_that_of_the_order_in_doubt_is_somebody_elses(
    job: Job, order: OrderRequest, service: Service
) -> None:
    job = found(job, service)
    service.made(at=timezone.now() - timedelta(hours=2))
    makers.job(
        job.team,
        order.owner,
        "animate-anyone-gen2",
        account=job.account,
        state=State.SUBMITTING,
        submitting_at=timezone.now(),
    )
    assert ends(job, service).state == State.UNCERTAIN


def test_a_list_that_cannot_be_read_is_asked_again_and_books_nothing(
    job: Job, service: Service
) -> None:
    job = found(job, service)
    service.made()
    service.lists = [NoAnswer(message="cut")]
    job = ends(job, service)
    assert (job.state, job.settled_micros, job.tries) == (State.RUNNING, None, 1)
    assert ends(job, service).state == State.UNCERTAIN


def test_it_does_not_hold_a_video_up_for_ever(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = found(job, service)
    later = timezone.now() + found_task.PATIENCE + timedelta(minutes=1)
    service.gets = [done(job.task_id, 4.0)]
    service.lists = [NoAnswer(message="cut")]
    monkeypatch.setattr("studio.common.clock.now", lambda: later)
    poll.look(fresh(job))
    assert fresh(job).state == State.ARCHIVING


def test_an_answered_task_needs_no_second_look(job: Job, service: Service) -> None:
    job = visit(job)
    service.made(at=timezone.now())
    assert ends(job, service).state == State.ARCHIVING
    assert service.count("list") == 0
