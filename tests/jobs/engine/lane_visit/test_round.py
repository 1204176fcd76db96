"""A round looks at many lanes at the price of one."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.common.states import Outcome, State
from jobs.engine import lane_lease, lane_round, lane_visit, task_list, transitions
from jobs.engine.lane_round import LaneSurvey
from jobs.models import Account, Job, Lane
from jobs.modelstudio import NoAnswer, RetryLater
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.lane_visit.rounds import due, fresh, visit
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db


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
