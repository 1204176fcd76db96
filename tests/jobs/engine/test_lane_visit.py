"""Visits: many lanes in one round, the whole visit where more is to do, pauses, the free retry, and
the dispatcher around them."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.accounts import pauses
from jobs.common.errors import Moved
from jobs.common.states import Code, Outcome, State
from jobs.engine import dispatcher, lane_lease, lane_round, lane_visit, task_list, transitions
from jobs.engine.lane_lease import ClaimedLane
from jobs.engine.lane_round import LaneSurvey
from jobs.models import Account, Attempt, Job, Lane, PauseState
from jobs.modelstudio import ModelGone, NoAnswer, RetryLater
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def wish(team: Team, creator: User, account: Account) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio", milliseconds=20_000)
    makers.check(portrait, account)
    return OrderRequest(
        team,
        creator,
        "emo-v1",
        {"image_url": portrait, "audio_url": speech},
        {"ratio": "1:1"},
        account=account,
    )


def fresh(job: Job) -> Job:
    return Job.objects.select_related(
        "lane", "lane__account", "account", "team", "template", "check_used"
    ).get(pk=job.pk)


def due(*jobs: Job) -> None:
    now = timezone.now()
    Job.objects.filter(pk__in=[job.pk for job in jobs], state=State.RUNNING).update(
        next_look_at=now
    )
    Job.objects.filter(pk__in=[job.pk for job in jobs]).exclude(not_before=None).update(
        not_before=now
    )
    Lane.objects.filter(pk__in=[job.lane_id for job in jobs]).update(
        next_visit_at=now, lease_until=None
    )


def visit(job: Job) -> Job:
    due(*Job.objects.filter(lane=job.lane_id))
    (claimed,) = [one for one in lane_lease.claim() if one.lane.pk == job.lane_id]
    lane_visit.visit(claimed)
    return fresh(job)


def running_on_many_lanes(team: Team, owner: User, number: int) -> list[Job]:
    return [
        makers.job(
            team,
            owner,
            state=State.RUNNING,
            account=makers.account(team),
            task_id=f"task-{n}",
            attempt=1,
            provider_status="RUNNING",
            submitted_at=timezone.now(),
            provider_started_at=timezone.now(),
        )
        for n in range(number)
    ]


def round_of(jobs: list[Job]) -> list[LaneSurvey]:
    due(*jobs)
    return lane_round.take_in(
        [lane_round.ask(one, False) for one in lane_round.survey(lane_lease.claim())]
    )


# ── a round ──


def test_a_round_costs_the_same_statements_for_two_lanes_as_for_twenty(
    team: Team, owner: User, service: Service
) -> None:
    jobs = running_on_many_lanes(team, owner, 20)
    service.gets = [task(job.task_id, "RUNNING") for job in jobs] * 3
    counts = []
    for number in (2, 20):
        due(*jobs[:number])
        service.gets = [task("x", "RUNNING")] * number
        Lane.objects.exclude(pk__in=[job.lane_id for job in jobs[:number]]).update(
            next_visit_at=None
        )
        with CaptureQueriesContext(connection) as statements:
            assert (
                lane_round.take_in(
                    [lane_round.ask(one, False) for one in lane_round.survey(lane_lease.claim())]
                )
                == []
            )
        counts.append(
            len(
                [
                    one
                    for one in statements
                    if "SAVEPOINT" not in one["sql"] and "apikey" not in one["sql"]
                ]
            )
        )
    assert counts[1] <= counts[0] <= 9, "the first one reads the learned speeds too"


def test_a_round_writes_looks_and_gives_lanes_back(
    team: Team, owner: User, service: Service
) -> None:
    jobs = running_on_many_lanes(team, owner, 3)
    service.gets = [task("x", "RUNNING")] * 3
    assert round_of(jobs) == []
    for job in map(fresh, jobs):
        assert (job.state, job.looks, job.tries) == ("running", 1, 0)
        assert job.next_look_at > job.looked_at
        assert (job.lane.lease_until, job.lane.lease_token) == (None, "")
        assert job.lane.next_visit_at == job.next_look_at
        assert not job.events.exists(), "nothing that people see has changed"


@pytest.mark.parametrize(
    "answer",
    [task("x", "POST-PROCESSING"), done("x", 4.0), NoAnswer(message="cut"), RetryLater(status=429)],
)
def test_what_is_news_gets_a_whole_visit_with_the_answer_at_hand(
    team: Team, owner: User, service: Service, answer: object
) -> None:
    (job,) = running_on_many_lanes(team, owner, 1)
    service.gets = [answer]
    (rest,) = round_of([job])
    lane_visit.visit(rest.claimed, rest.answers)
    assert service.count("get") == 1, "the answer is used, not asked for again"
    job = fresh(job)
    assert job.state == ("archiving" if getattr(answer, "status", "") == "SUCCEEDED" else "running")
    assert job.lane.lease_until is None


def test_a_wake_up_during_a_round_is_not_lost(team: Team, owner: User, service: Service) -> None:
    (job,) = running_on_many_lanes(team, owner, 1)
    service.gets = [task("x", "RUNNING")]
    due(job)
    seen = [lane_round.ask(one, False) for one in lane_round.survey(lane_lease.claim())]
    transitions.wake_lane(job.lane_id)
    lane_round.take_in(seen)
    assert fresh(job).lane.next_visit_at <= timezone.now()


def test_a_lane_that_was_taken_over_is_left_alone(
    team: Team, owner: User, service: Service
) -> None:
    (job,) = running_on_many_lanes(team, owner, 1)
    service.gets = [task("x", "RUNNING")]
    due(job)
    seen = [lane_round.ask(one, False) for one in lane_round.survey(lane_lease.claim())]
    Lane.objects.update(
        lease_token="elsewhere|1|2", lease_until=timezone.now() + timedelta(minutes=1)
    )
    lane_round.take_in(seen)
    assert fresh(job).lane.lease_token == "elsewhere|1|2"


def test_a_visit_that_came_too_late_leaves_the_submit_of_another_alone(
    wish: OrderRequest, service: Service
) -> None:
    job = create.create(wish)
    due(job)
    (late,) = lane_lease.claim()
    Lane.objects.update(
        lease_token="elsewhere|1|2", lease_until=timezone.now() + timedelta(minutes=1)
    )
    transitions.move(
        fresh(job),
        State.SUBMITTING,
        "Sending",
        outcome=Outcome.SENDING,
        attempt=1,
        submitting_at=timezone.now(),
    )
    lane_visit.visit(late)
    assert fresh(job).state == "submitting", "it is under way elsewhere, not dead"
    assert fresh(job).lane.lease_token == "elsewhere|1|2"


def test_waiting_jobs_with_room_and_doubtful_ones_need_a_whole_visit(
    wish: OrderRequest, service: Service
) -> None:
    job = create.create(wish)
    due(job)
    (seen,) = lane_round.survey(lane_lease.claim())
    assert seen.needs_visit
    service.submits = [NoAnswer(message="cut")]
    lane_visit.visit(seen.claimed)
    due(job)
    (seen,) = lane_round.survey(lane_lease.claim())
    assert seen.needs_visit


def test_only_the_head_of_the_line_is_looked_at(wish: OrderRequest, service: Service) -> None:
    first, second = create.create(wish), create.create(wish)
    visit(first)
    due(first, second)
    (seen,) = lane_round.survey(lane_lease.claim())
    assert [job.pk for job in seen.looks] == [first.pk]
    Lane.objects.update(lease_until=None)
    service.gets = [done(fresh(first).task_id, 20.0)]
    visit(first)
    assert service.count("get") == 1, "the next one has only just moved up"
    assert timezone.now() < fresh(second).next_look_at < timezone.now() + timedelta(seconds=4)


# ── many lanes of one account ──


def test_the_list_replaces_looks_where_they_are_many(
    team: Team, owner: User, account: Account, service: Service
) -> None:
    models = ("emo-v1", "animate-anyone-gen2", "animate-anyone-template-gen2", "wan2.2-s2v")
    jobs = []
    for model in models:
        line = service.made(model)
        service.tasks_made[-1] = dataclasses.replace(line, status="RUNNING")
        template = makers.template(team, account) if model == "animate-anyone-gen2" else None
        job = makers.job(
            team,
            owner,
            model,
            State.RUNNING,
            account,
            task_id=line.task_id,
            attempt=1,
            provider_status="RUNNING",
            template=template,
            submitted_at=timezone.now(),
            provider_started_at=timezone.now(),
        )
        jobs.append(job)
    due(*jobs)
    assert task_list.accounts_with_many_lanes() == {account.pk}
    assert (
        lane_round.take_in(
            [lane_round.ask(one, True) for one in lane_round.survey(lane_lease.claim())]
        )
        == []
    )
    assert (service.count("page"), service.count("get")) == (1, 0)
    service.tasks_made[0] = dataclasses.replace(service.tasks_made[0], status="SUCCEEDED")
    task_list.forget()
    due(*jobs)
    service.gets = [done(jobs[0].task_id)]
    (rest,) = lane_round.take_in(
        [lane_round.ask(one, True) for one in lane_round.survey(lane_lease.claim())]
    )
    assert rest.lane.pk == jobs[0].lane_id
    assert (service.count("page"), service.count("get")) == (2, 1), (
        "what is not running any more is asked for itself"
    )


def test_a_list_that_fails_costs_nothing_but_looks(
    team: Team, owner: User, account: Account, service: Service
) -> None:
    service.pages = [NoAnswer(message="cut")]
    assert task_list.running(account, "task-1") is None
    assert task_list.running(account, "task-1") is None
    assert service.count("page") == 1, "it rests after a failure"


# ── the free retry ──


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
        [(timezone.now(), None, timezone.now(), late.pk, late.attempt)],
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


# ── pauses ──


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


# ── the dispatcher ──


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
