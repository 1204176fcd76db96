"""Pauses, rests, and the runs of the dispatcher."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from jobs.accounts import pauses
from jobs.common.states import Code
from jobs.engine import dispatcher, lane_lease, lane_round, lane_visit, task_list
from jobs.engine.lane_lease import ClaimedLane
from jobs.engine.lane_round import LaneSurvey
from jobs.models import Account, Job, Lane, PauseState
from jobs.modelstudio import ModelGone, RetryLater
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.lane_visit.rounds import fresh, visit
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db


def test_a_paused_lane_sends_nothing_says_why_and_goes_on_when_opened(
    wish: OrderRequest, owner: User, service: Service
) -> None:
    job = create.create(wish)
    pauses.set_pause(job.lane, PauseState.PAUSED, owner)
    job = visit(job)
    assert (job.state, job.code) == ("queued", Code.HELD_BACK)
    assert "Aiko paused" in job.sentence
    assert service.count("submit") == 0
    assert job.lane.next_visit_at is None, "it rests until somebody opens it"
    pauses.set_pause(job.lane, PauseState.OPEN, owner)
    assert visit(job).state == "running"


def test_a_paused_account_holds_its_own_jobs_only(
    wish: OrderRequest, team: Team, owner: User, service: Service
) -> None:
    other = makers.account(team)
    Account.objects.filter(pk=other.pk).update(same_as=wish.account)
    other.refresh_from_db()
    held = create.create(wish)
    free = create.create(dataclasses.replace(wish, account=other))
    assert held.lane_id == free.lane_id, "one Alibaba account, one lane"
    pauses.set_pause(wish.account, PauseState.PAUSED, owner)
    assert visit(held).code == Code.HELD_BACK
    assert fresh(free).state == "running"


def test_draining_refuses_what_is_new_and_sends_what_waits(
    wish: OrderRequest, owner: User, service: Service
) -> None:
    from jobs.common.errors import Refused

    job = create.create(wish)
    pauses.set_pause(job.lane, PauseState.DRAINING, owner)
    with pytest.raises(Refused, match="takes no new jobs"):
        create.create(wish)
    assert visit(job).state == "running"


def test_too_many_calls_rest_the_lane_and_not_only_the_job(
    wish: OrderRequest, service: Service
) -> None:
    first, second = create.create(wish), create.create(wish)
    service.submits = [RetryLater("Throttling.RateQuota", "", status=429, retry_after=30.0)]
    first = visit(first)
    assert service.count("submit") == 1, "the second one does not run into the same wall"
    assert (first.code, fresh(second).state) == ("backing-off", "queued")
    assert first.lane.paused()


def test_after_a_rest_one_job_goes_ahead_and_the_others_follow(
    wish: OrderRequest, service: Service
) -> None:
    jobs = [create.create(wish) for _ in range(3)]
    service.submits = [ModelGone("ModelNotFound", "", status=404)] * 2
    visit(jobs[0])
    Lane.objects.update(paused_until=timezone.now())
    visit(jobs[0])
    assert service.count("submit") == 2, "one try after the rest"
    assert {fresh(job).code for job in jobs} == {"model-gone"}
    Lane.objects.update(paused_until=timezone.now())
    visit(jobs[0])
    assert [fresh(job).state for job in jobs] == ["running", "running", "queued"]
    assert fresh(jobs[2]).code == "waiting-turn"


@pytest.mark.django_db(transaction=True)
def test_a_shift_takes_jobs_from_the_click_to_the_archive(
    wish: OrderRequest, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.common.wakeup.enqueue_archive", lambda: None)
    monkeypatch.setattr("jobs.engine.retry.next_look", lambda job, now: 0.1)
    get = service.get
    seen: dict[str, int] = {}

    def answer(task_id: str) -> object:
        get(task_id)
        seen[task_id] = seen.get(task_id, 0) + 1
        return task(task_id, "RUNNING") if seen[task_id] < 3 else done(task_id, 20.0)

    monkeypatch.setattr(service, "get", answer)
    jobs = [create.create(wish) for _ in range(3)]
    over = threading.Event()
    end = timezone.now() + timedelta(seconds=40)

    def stop() -> bool:
        # The tests' database lives in memory, where a reader may find a table locked; the
        # dispatcher itself has to live with that too.
        with contextlib.suppress(OperationalError):
            if not Job.objects.exclude(state="archiving").exists():
                over.set()
        return over.is_set() or timezone.now() > end

    assert dispatcher.work(60, stop=stop) > 3
    assert {fresh(job).state for job in jobs} == {"archiving"}
    assert service.count("submit") == 3
    assert Lane.objects.get().lease_token == ""


def test_a_run_whose_time_is_over_ends_with_its_last_visit(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    claimed = [[ClaimedLane(Lane())]]
    monkeypatch.setattr(lane_lease, "claim", lambda room: claimed.pop() if claimed else [])
    monkeypatch.setattr(lane_lease, "until_due", lambda: 0.01)
    monkeypatch.setattr(task_list, "accounts_with_many_lanes", set)
    monkeypatch.setattr(
        lane_round, "survey", lambda found: [LaneSurvey(one, needs_visit=True) for one in found]
    )
    monkeypatch.setattr(lane_visit, "visit", lambda lane, answers: time.sleep(0.3))
    end = time.monotonic() + 10
    assert dispatcher.work(0.05, stop=lambda: time.monotonic() > end) == 1
    assert time.monotonic() < end, "it waits for a visit that is over"


def test_a_long_visit_at_the_end_of_a_run_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Files that are handed over may take minutes; the next run begins only when this one has
    ended."""
    long, other = ClaimedLane(Lane(model="long")), ClaimedLane(Lane(model="other"))
    visited = []

    def visit(claimed: ClaimedLane, answers: object) -> None:
        if claimed is long:
            time.sleep(1)
        visited.append(claimed.lane.model)

    coming = iter([[long]])
    late = time.monotonic() + 0.5
    monkeypatch.setattr(dispatcher, "LONG", 0.1)
    monkeypatch.setattr(
        lane_lease,
        "claim",
        lambda room: next(coming, [other] if time.monotonic() > late and not visited else []),
    )
    monkeypatch.setattr(lane_lease, "until_due", lambda: 0.01)
    monkeypatch.setattr(task_list, "accounts_with_many_lanes", set)
    monkeypatch.setattr(
        lane_round, "survey", lambda found: [LaneSurvey(one, needs_visit=True) for one in found]
    )
    monkeypatch.setattr(lane_visit, "visit", visit)
    dispatcher.work(0.2, stop=lambda: time.monotonic() > late + 10)
    assert visited[0] == "other"
    assert visited[-1] == "long"
