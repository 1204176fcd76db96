"""Before and around the one POST: what stops it, what is committed first, and until when it may
leave."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.accounts import rate_limit
from jobs.common.states import Code, Group, Outcome, State
from jobs.engine import clock_check, restored, retry, submit
from jobs.engine.submit_outcomes import TooLate
from jobs.models import Account, Job
from jobs.modelstudio import Submitted
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.common.translatable import EMPTY, phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.tasks.visits import fresh
from tests.jobs.rows import changed, columns
from tests.service import Service

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(team: Team, creator: User, account: Account) -> Job:
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    files = {"image_url": portrait, "audio_url": speech}
    Account.objects.filter(pk=account.pk).update(model_names={"emo-v1": "emo-v1-ours"})
    order = OrderRequest(team, creator, "emo-v1", files, {"ratio": "1:1"})
    made = create.create(order)
    Job.objects.filter(pk=made.pk).update(sentence=phrase("Wait."), advice=phrase("Do wait."))
    return fresh(made)


def test_after_a_restore_nothing_is_sent_nor_prepared(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restored, "noticed", lambda: True)
    before = columns(job)
    submit.submit(job)
    assert (changed(before, job), service.asked, service.paces) == ({}, [], [])


def test_each_submit_takes_its_place_in_the_pace_of_its_model(
    job: Job, service: Service, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def full(*args: Any, **more: Any) -> bool:
        asked.append((args, more))
        return False

    monkeypatch.setattr(rate_limit, "take", full)
    before = columns(job)
    submit.submit(job)
    assert asked == [((job.account.root_id, "submit"), {"model": "emo-v1", "rate": job.spec.rate})]
    assert changed(before, job) == {
        "code": Code.BACKING_OFF,
        "not_before": noon + timedelta(seconds=1),
    }
    assert str(job.events.last().text) == "Waits for the connection’s pace"
    assert (service.count("submit"), job.attempts.count()) == (0, 0)


def test_clocks_are_compared_before_anything_is_written(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def apart(client: Any) -> None:
        given.append(client)
        raise clock_check.ClocksApart(phrase("Set the clock."))

    monkeypatch.setattr(clock_check, "require_together", apart)
    submit.submit(job)
    assert given == [service]
    assert (job.state, str(job.sentence)) == (State.QUEUED, "Set the clock.")
    assert service.asked == []


def test_the_intent_is_there_before_the_order_leaves(
    job: Job, service: Service, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it is sent with, as another process would find it."""
    before, seen = columns(job), []
    key = job.account.keys.get()
    service.key_id, service.workspace = key.pk, "ws"

    def post(model: Any, body: dict[str, Any], still_timely: Any) -> Submitted:
        still_timely()
        seen.append((changed(before, job), columns(job.attempts.get()), model, body))
        return Submitted("task-1", "PENDING", "r-1")

    monkeypatch.setattr(service, "submit", post)
    submit.submit(job)
    ((row, attempt, model, body),) = seen
    assert row == {
        "state": State.SUBMITTING,
        "code": "",
        "group": Group.WORKING,
        "attempt": 1,
        "submitting_at": noon,
        "sentence": EMPTY,
        "advice": EMPTY,
    }
    del attempt["id"]
    assert attempt == {
        "job_id": job.pk,
        "number": 1,
        "began_at": noon,
        "key_id": key.pk,
        "base_url": service.base_url,
        "workspace": "ws",
        "model_name": "emo-v1-ours",
        "task_id": "",
        "request_id": "",
        "outcome": Outcome.SENDING,
        "found": False,
        "ended_at": None,
    }
    assert model == job.spec
    assert (body["model"], body["parameters"]["style_level"]) == ("emo-v1-ours", "normal")
    assert body["input"]["image_url"].startswith("https://files.example.com/")
    assert (job.state, job.task_id) == (State.RUNNING, "task-1")
    texts = [str(event.text) for event in job.events.order_by("pk")][1:]
    assert texts == ["Sending", "Accepted by the service"]
    assert job.attempts.get().outcome == Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("wall", "monotonic", "leaves"),
    [
        (timedelta(0), 0.0, True),
        (retry.SEND_WITHIN, 0.0, True),
        (retry.SEND_WITHIN + timedelta(microseconds=1), 0.0, False),
        (timedelta(microseconds=-1), 0.0, False),
        (timedelta(0), retry.SEND_WITHIN.total_seconds(), True),
        (timedelta(0), retry.SEND_WITHIN.total_seconds() + 0.001, False),
    ],
)
def test_an_order_leaves_in_time_or_not_at_all(
    job: Job,
    service: Service,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
    wall: timedelta,
    monotonic: float,
    leaves: bool,
) -> None:
    """By both clocks: one of them stops when the machine sleeps, the other may be set."""
    counter = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: counter)
    heard: list[str] = []

    def post(model: Any, body: dict[str, Any], still_timely: Any) -> Submitted:
        monkeypatch.setattr("studio.common.clock.now", lambda: noon + wall)
        monkeypatch.setattr(time, "monotonic", lambda: counter + monotonic)
        try:
            still_timely()
        except TooLate as late:
            heard.append(late.code)
            raise
        return Submitted("task-1", "PENDING", "")

    monkeypatch.setattr(service, "submit", post)
    submit.submit(job)
    assert job.state == (State.RUNNING if leaves else State.QUEUED)
    assert heard == ([] if leaves else ["TooLate"])


def test_a_slow_commit_of_the_intent_sends_nothing(
    job: Job, service: Service, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A locked database: the order is held back before the wire is touched."""
    real = submit.move

    def slow(*args: Any, **more: Any) -> None:
        real(*args, **more)
        late = noon + 2 * retry.SEND_WITHIN
        monkeypatch.setattr("studio.common.clock.now", lambda: late)

    monkeypatch.setattr(submit, "move", slow)
    submit.submit(job)
    assert (job.state, service.count("submit")) == (State.QUEUED, 0)
    assert job.attempts.get().outcome == Outcome.REFUSED
