"""What goes on for long or at the wrong moment: no network for a weekend, clocks that disagree,
accounts that share a lane, a worker that leaves."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.common.states import Code, State
from jobs.engine import (
    dispatcher,
    expiry,
    lane_lease,
    lane_visit,
    listed_tasks,
    poll,
    retry,
    uncertain,
)
from jobs.engine.lane_lease import ClaimedLane
from jobs.engine.lane_round import LaneSurvey
from jobs.models import Account, Attempt, Check, Job, JobEvent, Lane, PauseState
from jobs.modelstudio import AccountTrouble, MediaUnreachable, NotSent
from studio.models import Team, User
from tests import makers
from tests.service import Service, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def check(team: Team, account: Account) -> Check:
    return makers.check(makers.asset(team), account)


def come_again() -> None:
    """One visit of every lane, whatever rests."""
    Job.objects.filter(state=State.QUEUED).update(not_before=None)
    Lane.objects.update(next_visit_at=timezone.now(), lease_until=None, paused_until=None)
    for claimed in lane_lease.claim():
        lane_visit.visit(claimed)


def fresh(job: Job) -> Job:
    return Job.objects.select_related("lane", "account", "team").get(pk=job.pk)


# ── nothing can be reached ──


def test_a_visit_ends_although_nothing_can_be_sent(
    team: Team,
    owner: User,
    account: Account,
    check: Check,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(15):
        makers.job(team, owner, account=account, check_used=check)
    real, passed, posts = timezone.now, [0.0], []
    monkeypatch.setattr("django.utils.timezone.now", lambda: real() + timedelta(seconds=passed[0]))

    def submit(*args: object) -> None:
        passed[0] += 5.0  # the time-out of a connection
        posts.append(args)
        assert len(posts) < 50, "the visit goes on for ever"
        raise NotSent("ConnectionFailed", "no connection to the service")

    monkeypatch.setattr(service, "submit", submit)
    (claimed,) = lane_lease.claim()
    lane_visit.visit(claimed)
    lane = claimed.lane
    assert len(posts) == 1, "one job tries for all"
    assert Attempt.objects.count() == 1
    lane.refresh_from_db()
    assert lane.paused()
    assert lane.next_visit_at is not None
    assert lane.next_visit_at >= lane.paused_until


def test_a_weekend_without_a_network_fails_nobody(
    team: Team, owner: User, account: Account, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where files go through the service's own storage, the outage shows before the order is
    sent."""
    job = makers.job(team, owner, account=account, check_used=None)

    def away(job: Job) -> None:
        raise NotSent("ConnectionFailed", "no connection to the service")

    monkeypatch.setattr("jobs.engine.media_urls.inputs_for", away)
    monkeypatch.setattr(retry, "SEND_TRIES", 8)
    for _ in range(2 * retry.SEND_TRIES):
        come_again()
    assert (fresh(job).state, fresh(job).code) == ("queued", "backing-off")
    assert fresh(job).attempt == 0


def test_an_outage_does_not_use_up_the_patience_with_a_file(
    team: Team,
    owner: User,
    account: Account,
    check: Check,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "SEND_TRIES", 8)
    job = makers.job(team, owner, account=account, check_used=check)
    service.submits = [
        *([NotSent("ConnectionFailed", "x")] * (retry.SEND_TRIES + 1)),
        MediaUnreachable("InvalidURL.Timeout", "x"),
    ]
    for _ in range(retry.SEND_TRIES + 2):
        come_again()
    assert service.submits == []
    assert fresh(job).state == "queued"


def test_an_account_without_a_key_says_so_once(
    team: Team, owner: User, account: Account, check: Check
) -> None:
    job = makers.job(team, owner, account=account, check_used=check)
    account.keys.update(active=False)
    for _ in range(5):
        come_again()
    assert fresh(job).code == "account-paused"
    assert JobEvent.objects.filter(job=job).count() <= 2


def test_refusals_of_one_visit_are_few(
    team: Team,
    owner: User,
    account: Account,
    check: Check,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The account turns out to be shared while its own lane is visited: the lane that rests is
    another one."""
    root = makers.account(team, key="sk-test-0003")
    makers.job(team, owner, account=account, check_used=check)
    posts = []

    def refuse(*args: object) -> None:
        posts.append(args)
        assert len(posts) < 25, "refused again and again"
        raise AccountTrouble("AllocationQuota.FreeTierOnly", "x", reason="quota")

    monkeypatch.setattr(service, "submit", refuse)
    (claimed,) = (one for one in lane_lease.claim() if one.lane.account_id == account.pk)
    Account.objects.filter(pk=account.pk).update(same_as=root)
    lane_visit.visit(claimed)
    assert len(posts) == 1


def test_a_model_that_this_version_does_not_know_stops_no_other_lane(
    team: Team, owner: User, account: Account, service: Service
) -> None:
    job = makers.job(team, owner, account=account)
    Lane.objects.create(
        account=account, model="emo-v9", next_visit_at=timezone.now() - timedelta(hours=1)
    )
    assert [one.lane.pk for one in lane_lease.claim()] == [job.lane_id]
    Lane.objects.filter(pk=job.lane_id).update(next_visit_at=None)
    assert lane_lease.until_due() == 1.0, "it is not waited for either"


# ── clocks and doubts ──


@pytest.mark.parametrize("skew", [-70, 100, 500])
def test_a_clock_that_is_wrong_pays_nothing_twice(
    team: Team, owner: User, account: Account, service: Service, skew: int
) -> None:
    begun = timezone.now() - timedelta(seconds=200)
    job = makers.job(
        team,
        owner,
        account=account,
        state=State.UNCERTAIN,
        code=Code.NO_ANSWER,
        attempt=1,
        submitting_at=begun,
        tries=1,
    )
    line = service.made(at=begun + timedelta(seconds=skew))
    uncertain.settle_uncertain(job)
    assert (job.state, job.code) == ("uncertain", "several-tasks")
    assert listed_tasks.candidates(job) == [line.task_id]


def test_an_order_that_was_held_up_is_not_sent(
    team: Team,
    owner: User,
    account: Account,
    check: Check,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = makers.job(team, owner, account=account, check_used=check)
    monkeypatch.setattr(retry, "SEND_WITHIN", timedelta(seconds=-1))
    come_again()
    assert (fresh(job).state, service.count("submit")) == ("queued", 0)


def test_an_alarm_does_not_hide_what_can_be_chosen(
    team: Team, owner: User, account: Account, service: Service
) -> None:
    lately = timezone.now() - timedelta(minutes=3)
    job = makers.job(
        team,
        owner,
        account=account,
        state=State.UNCERTAIN,
        code=Code.NO_ANSWER,
        attempt=1,
        submitting_at=lately,
    )
    lines = [service.made(at=lately), service.made(at=lately)]
    uncertain.settle_uncertain(job)
    Job.objects.filter(pk=job.pk).update(submitting_at=timezone.now() - timedelta(hours=13))
    assert expiry.alarm() == 1
    assert sorted(listed_tasks.candidates(job)) == sorted(line.task_id for line in lines)


def test_a_job_that_was_decided_late_is_watched_anew(
    team: Team, owner: User, account: Account, service: Service
) -> None:
    long_ago = timezone.now() - timedelta(hours=21)
    job = makers.job(
        team,
        owner,
        account=account,
        state=State.UNCERTAIN,
        code=Code.SEVERAL_TASKS,
        attempt=1,
        submitting_at=long_ago,
    )
    assert expiry.alarm() == 1
    uncertain.decide_uncertain(fresh(job), service.made().task_id, owner)
    Job.objects.filter(pk=job.pk).update(
        state=State.ARCHIVING, provider_ended_at=timezone.now() - timedelta(hours=20, minutes=30)
    )
    assert expiry.alarm() == 1


@pytest.mark.parametrize("seen_at_work", [True, False])
def test_a_forgotten_task_was_probably_paid_wherever_it_was_last_seen(
    team: Team, owner: User, account: Account, service: Service, seen_at_work: bool
) -> None:
    old = timezone.now() - timedelta(hours=25)
    started = old if seen_at_work else None
    columns: dict[str, Any] = {
        "state": State.RUNNING,
        "attempt": 1,
        "task_id": "t-1",
        "submitted_at": old,
        "provider_started_at": started,
    }
    job = fresh(makers.job(team, owner, account=account, milliseconds=4000, **columns))
    poll.take_in(job, task("t-1", "UNKNOWN"))
    assert (job.state, job.code) == ("failed", "task-lost")
    assert sum(entry.settled for entry in job.ledger.all()) == 45_876


# ── lanes that accounts share ──


def test_a_shared_lane_is_not_visited_in_vain_all_the_time(
    team: Team, owner: User, account: Account, service: Service
) -> None:
    second = makers.account(team, key="sk-test-0002")
    Account.objects.filter(pk=second.pk).update(same_as=account, pause_state=PauseState.PAUSED)
    job = makers.job(team, owner, account=account)
    Job.objects.filter(pk=job.pk).update(account=second)
    for claimed in lane_lease.claim():
        lane_visit.visit(claimed)
    lane = Lane.objects.get(pk=job.lane_id)
    assert lane.next_visit_at is not None
    assert lane.next_visit_at > timezone.now() + timedelta(seconds=2)


def test_a_shared_lane_that_rests_is_not_forgotten(
    team: Team, owner: User, account: Account, service: Service
) -> None:
    second = makers.account(team, key="sk-test-0002")
    Account.objects.filter(pk=second.pk).update(same_as=account)
    Account.objects.filter(pk=account.pk).update(pause_state=PauseState.PAUSED)
    job = makers.job(team, owner, account=account)
    Job.objects.filter(pk=job.pk).update(account=second)
    Lane.objects.filter(pk=job.lane_id).update(
        paused_until=timezone.now() + timedelta(seconds=5), health="throttled", troubles=1
    )
    for claimed in lane_lease.claim():
        lane_visit.visit(claimed)
    assert Lane.objects.get(pk=job.lane_id).next_visit_at is not None


def test_a_refused_key_keeps_only_its_own_jobs_waiting(
    team: Team, owner: User, account: Account, check: Check, service: Service
) -> None:
    shared = makers.account(team, key="sk-test-0002")
    refused = {"health": Account.Health.KEY, "paused_until": timezone.now() - timedelta(seconds=1)}
    Account.objects.filter(pk=shared.pk).update(same_as=account, **refused)
    first, second = (makers.job(team, owner, account=account, check_used=check) for _ in range(2))
    Job.objects.filter(pk=first.pk).update(account=shared)
    service.probes = [AccountTrouble("InvalidApiKey", "refused", reason=Account.Health.KEY)]
    for claimed in lane_lease.claim():
        lane_visit.visit(claimed)
    assert (fresh(first).state, fresh(second).state) == ("queued", "running")


# ── the dispatcher ──


def _stubbed(monkeypatch: pytest.MonkeyPatch, claims: list[list[LaneSurvey]]) -> None:
    monkeypatch.setattr("jobs.engine.lane_lease.claim", lambda room: [object()] if claims else [])
    monkeypatch.setattr("jobs.engine.lane_lease.until_due", lambda: 0.01)
    monkeypatch.setattr("jobs.engine.task_list.accounts_with_many_lanes", set)
    monkeypatch.setattr("jobs.engine.lane_round.survey", lambda found: claims.pop(0))


def test_a_worker_that_leaves_begins_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    leave, late, left = threading.Event(), [], []

    def visit(claimed: ClaimedLane, answers: object) -> None:
        if leave.is_set():
            late.append(claimed)
        time.sleep(0.3)

    monkeypatch.setattr("jobs.engine.lane_visit.visit", visit)
    monkeypatch.setattr(
        "jobs.engine.lane_visit.leave", lambda lane, wakeups, later: left.append(lane)
    )
    _stubbed(
        monkeypatch,
        [
            [
                LaneSurvey(ClaimedLane(Lane(model=f"m{n}")), needs_visit=True)
                for n in range(3 * dispatcher.VISITORS)
            ]
        ],
    )
    threading.Timer(0.4, leave.set).start()
    dispatcher.work(5, stop=leave.is_set)
    assert left, "what waited for a thread is given back"
    assert len(late) < dispatcher.VISITORS


def test_long_visits_keep_no_look_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    over, looked, back = threading.Event(), [], []
    monkeypatch.setattr("jobs.engine.lane_visit.visit", lambda lane, answers: over.wait(10))
    monkeypatch.setattr(
        "jobs.engine.lane_visit.leave", lambda lane, wakeups, later: back.append(lane)
    )
    monkeypatch.setattr("jobs.engine.lane_round.take_in", lambda seen: [])

    def ask(one: LaneSurvey, listed: bool) -> None:
        looked.append(one)
        over.set()

    monkeypatch.setattr("jobs.engine.lane_round.ask", ask)
    many = [
        LaneSurvey(ClaimedLane(Lane(model=f"m{n}")), needs_visit=True)
        for n in range(4 * dispatcher.VISITORS + 5)
    ]
    _stubbed(monkeypatch, [many, [LaneSurvey(ClaimedLane(Lane(model="look")), looks=[Job()])]])
    dispatcher.work(1, stop=over.is_set)
    assert len(looked) == 1
    assert len(back) >= 5
