"""Two keys of one Alibaba account are found out and share its lanes; two accounts are told apart,
once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.accounts import shared_accounts
from jobs.accounts.account_setup import add_account, move_account
from jobs.accounts.endpoints import KeyRefused
from jobs.accounts.keys import add_key, overlap_ends
from jobs.common.states import State
from jobs.models import Account, ApiKey, Job, Lane
from studio.models import Team, User
from tests import makers
from tests.jobs.tinystudio import GOOD, OTHER, Service, dead_url

THIRD = "sk-good-000000000ijkl"
ClientOf = Callable[[User], Client]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.modelstudio.http_get.PAUSES", ())
    monkeypatch.setattr("jobs.accounts.rate_limit.take", lambda *args, **kwargs: True)
    monkeypatch.setattr("jobs.accounts.shared_accounts._PATIENCE", 0.2)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    made.good.add(THIRD)
    yield made
    made.close()


@pytest.fixture
def north(team: Team, service: Service) -> Account:
    return makers.account(team, url=service.url, label="North", key=GOOD)


@pytest.fixture
def south(team: Team, service: Service) -> Account:
    return makers.account(team, url=service.url, label="South", key=OTHER)


def made(
    account: Account, owner: User, service: Service, *keys: str, hours: float = 1.0, **fields: Any
) -> Job:
    """A task that `account` made `hours` ago, seen by `keys` at the service."""
    at = timezone.now() - timedelta(hours=hours)
    number = Job.objects.count()
    fields = {
        "state": State.RUNNING,
        "task_id": f"task-{number}",
        "submitted_at": at,
        "looked_at": at,
        "provider_status": "RUNNING",
        **fields,
    }
    job = makers.job(account.team, owner, account=account, **fields)
    service.seen[job.task_id] = set(keys)
    return job


def same(account: Account) -> int | None:
    return Account.objects.get(pk=account.pk).same_as_id


# ── finding out ───────────────────────────────────────────────────────────────────────────────────


def test_a_key_that_sees_the_others_task_is_of_the_same_account(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    made(north, owner, service, GOOD, OTHER)
    assert shared_accounts.recognise(south) == north
    assert (same(south), same(north)) == (north.pk, None)
    assert Account.objects.get(pk=south.pk).root_id == north.pk
    asked = len(service.asked)
    assert asked == 4, "both are asked for the task, and for one that nobody made"
    assert shared_accounts.recognise(south) == north
    assert len(service.asked) == asked, "it is asked once"


def test_a_key_that_does_not_see_it_is_of_another_account(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    made(north, owner, service, GOOD)
    assert shared_accounts.recognise(south) is None
    assert same(south) is None
    assert [Account.objects.get(pk=one.pk).different_from for one in (north, south)] == [
        [south.pk],
        [north.pk],
    ]
    asked = len(service.asked)
    assert shared_accounts.recognise(south) is None
    assert shared_accounts.recognise(north) is None
    assert len(service.asked) == asked, "what is proven is not asked again"


def test_a_task_that_nobody_sees_proves_nothing(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    made(north, owner, service)
    assert shared_accounts.recognise(south) is None
    assert Account.objects.get(pk=south.pk).different_from == []


@pytest.mark.parametrize(
    "fields",
    [{"hours": 23.5}, {"looked_at": None}, {"provider_status": "UNKNOWN"}, {"task_id": ""}],
)
def test_only_tasks_that_are_surely_known_are_asked_for(
    north: Account, south: Account, owner: User, service: Service, fields: dict[str, Any]
) -> None:
    made(north, owner, service, GOOD, OTHER, **fields)
    assert shared_accounts.recent_task(north) == ""
    assert shared_accounts.recognise(south) is None
    assert service.asked == []


def test_the_older_row_is_the_root_whoever_asks(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    made(south, owner, service, GOOD, OTHER)
    assert shared_accounts.recognise(north) is None
    assert (same(north), same(south)) == (None, north.pk)


def test_the_other_one_is_asked_when_only_we_have_a_task(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    made(south, owner, service, GOOD, OTHER)
    assert shared_accounts.recognise(south) == north
    assert service.asked[0][1] == GOOD


def test_same_as_never_makes_a_chain(
    team: Team, north: Account, south: Account, owner: User, service: Service
) -> None:
    east = makers.account(team, url=service.url, label="East", key=THIRD)
    made(south, owner, service, GOOD, OTHER, THIRD)
    assert shared_accounts.recognise(east) == south
    made(north, owner, service, GOOD, OTHER, THIRD)
    assert shared_accounts.recognise(south) == north
    assert (same(north), same(south), same(east)) == (None, north.pk, north.pk)


def test_the_same_key_in_two_teams_needs_no_question(
    north: Account, stranger: User, service: Service
) -> None:
    theirs = makers.account(stranger.teams.get(), url=service.url, key=GOOD)
    assert shared_accounts.recognise(theirs) == north
    assert service.asked == []


def test_only_accounts_at_the_same_place_are_compared(
    north: Account, team: Team, owner: User, service: Service
) -> None:
    elsewhere = Service()
    try:
        away = makers.account(team, url=elsewhere.url, key=GOOD)
        made(north, owner, service, GOOD, OTHER)
        assert shared_accounts.recognise(away) is None
        assert service.asked == elsewhere.asked == []
    finally:
        elsewhere.close()


UNLIKE = [
    "https://dashscope.aliyuncs.com.evil.example/api/v1",
    "https://evil.example/dashscope.aliyuncs.com/api/v1",
    "https://dashscope.aliyuncs.com:8443/api/v1",
    "http://dashscope.aliyuncs.com/api/v1",
    "https://xdashscope.aliyuncs.com/api/v1",
    "https://ws-1.cn-beijing.maas.aliyuncs.com.evil.example/api/v1",
    "https://a.ws-1.cn-beijing.maas.aliyuncs.com/api/v1",
    "https://bucket.oss-cn-beijing.aliyuncs.com/api/v1",
    "https://dashscope-intl.aliyuncs.com/api/v1",
    "https://[broken/aliyuncs.com",
]


@pytest.mark.parametrize("url", UNLIKE)
def test_a_host_that_looks_like_the_service_is_another_place(
    team: Team, settings: Any, url: str
) -> None:
    settings.MODELSTUDIO_URL = "https://dashscope.aliyuncs.com/api/v1"
    ours, theirs = makers.account(team, key=GOOD), makers.account(team, url=url, key=GOOD)
    for one in (ours, theirs):
        assert shared_accounts.perhaps_same(one) == []
        assert shared_accounts.recognise(one) is None, "not even the same key makes them one"


@pytest.mark.parametrize(
    "url",
    [
        "https://DashScope.aliyuncs.com:443/api/v1",
        "https://dashscope.aliyuncs.com./api/v1",
        "https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1",
    ],
)
def test_another_way_to_write_the_same_host_is_the_same_place(
    team: Team, settings: Any, url: str
) -> None:
    settings.MODELSTUDIO_URL = "https://dashscope.aliyuncs.com/api/v1"
    ours, theirs = makers.account(team, key=GOOD), makers.account(team, url=url, key=OTHER)
    assert shared_accounts.perhaps_same(ours) == [theirs]
    assert shared_accounts.perhaps_same(theirs) == [ours]


def test_who_says_yes_to_everything_proves_nothing(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    """A gateway that knows every task, whatever is asked."""
    made(north, owner, service, GOOD, OTHER)
    made(south, owner, service, GOOD, OTHER)
    service.seen = defaultdict(lambda: {GOOD, OTHER})
    assert shared_accounts.recognise(south) is None
    assert (same(north), same(south)) == (None, None)
    assert Account.objects.get(pk=south.pk).different_from == []


def test_a_row_that_holds_a_task_of_another_is_no_twin(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    """It was at a place that gave it the id as its own; then it moved here. The other key knows
    the task, its own does not."""
    made(south, owner, service, GOOD)
    assert shared_accounts.recognise(south) is None
    assert shared_accounts.recognise(north) is None
    assert (same(north), same(south)) == (None, None)


def test_each_side_knows_what_the_other_made(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    made(north, owner, service, GOOD, OTHER)
    made(south, owner, service, OTHER)
    assert shared_accounts.recognise(south) is None
    assert same(south) is None


def test_twins_at_unlike_hosts_are_parted(
    team: Team, owner: User, north: Account, south: Account, settings: Any
) -> None:
    """As a version before this one could make them."""
    stranger = makers.account(team, url="https://dashscope.aliyuncs.com.evil.example", key=THIRD)
    Account.objects.filter(pk__in=(stranger.pk, south.pk)).update(same_as=north)
    lane = Lane.objects.create(account=north, model="emo-v1")
    job = makers.job(team, owner, account=stranger)
    Job.objects.filter(pk=job.pk).update(lane=lane)
    shared_accounts.recognise_new()
    assert (same(stranger), same(south)) == (None, north.pk)
    job.refresh_from_db()
    assert job.lane is not None
    assert job.lane.account_id == stranger.pk


def test_an_empty_address_and_the_regions_own_are_one_place(team: Team, settings: Any) -> None:
    settings.MODELSTUDIO_URL = "https://dashscope.aliyuncs.com/api/v1"
    one = makers.account(team, key=GOOD)
    two = makers.account(team, url="https://dashscope.aliyuncs.com/api/v1", key=OTHER)
    three = makers.account(team, url="https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1", key=THIRD)
    four = makers.account(team, url="https://dashscope-intl.aliyuncs.com/api/v1", key=THIRD)
    Account.objects.filter(pk=four.pk).update(region="ap-southeast-1")
    four.refresh_from_db()
    assert set(shared_accounts.perhaps_same(one)) == {two, three}
    assert set(shared_accounts.perhaps_same(three)) == {one, two}
    assert shared_accounts.perhaps_same(four) == []


def test_a_recognition_asks_a_bounded_number_of_times(
    team: Team, north: Account, owner: User, service: Service
) -> None:
    for number in range(8):
        other = makers.account(team, url=service.url, key=f"sk-good-{number:012d}")
        service.good.add(other.key.secret)  # type: ignore[union-attr]
        made(other, owner, service, other.key.secret)  # type: ignore[union-attr]
    assert shared_accounts.recognise(north, calls=6) is None
    assert len(service.asked) <= 6
    assert len(Account.objects.get(pk=north.pk).different_from) == 3
    for _ in range(4):
        shared_accounts.recognise(north, calls=6)
    assert len(Account.objects.get(pk=north.pk).different_from) == 8, (
        "the next run goes on where the last one ended"
    )


def test_a_silent_service_holds_nobody_up(team: Team, owner: User) -> None:
    url = dead_url()
    north, south = makers.account(team, url=url, key=GOOD), makers.account(team, url=url, key=OTHER)
    at = timezone.now()
    makers.job(
        team,
        owner,
        account=north,
        task_id="task-1",
        submitted_at=at,
        looked_at=at,
        state=State.RUNNING,
    )
    began = time.monotonic()
    assert shared_accounts.recognise(south) is None
    assert time.monotonic() - began < 2
    assert (same(south), Account.objects.get(pk=south.pk).different_from) == (None, [])


def test_a_refused_key_ends_the_asking(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    made(north, owner, service, GOOD, OTHER)
    service.good.discard(OTHER)
    assert shared_accounts.recognise(south) is None
    assert Account.objects.get(pk=south.pk).different_from == []


def test_every_minute_one_account_has_its_turn(
    north: Account, south: Account, owner: User, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: set[str] = set()
    monkeypatch.setattr(
        "jobs.common.wakeup.once", lambda name, seconds: name not in taken and not taken.add(name)
    )  # type: ignore[func-returns-value]
    assert shared_accounts.recognise_new() == 0
    job = made(south, owner, service, GOOD, OTHER)
    Lane.objects.filter(pk=job.lane_id).update(last_visit_at=timezone.now())
    shared_accounts.recognise_new()
    assert same(south) == north.pk
    assert taken == {f"shared_accounts:{south.pk}"}


# ── lanes ─────────────────────────────────────────────────────────────────────────────────────────


def test_open_jobs_move_to_the_shared_lane_and_it_is_rung(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    made(north, owner, service, GOOD, OTHER)
    kept = {
        state: makers.job(south.team, owner, account=south, state=state)
        for state in (State.QUEUED, State.RUNNING, State.SUCCEEDED)
    }
    own, shared = Lane.objects.get(account=south), Lane.objects.get(account=north)
    shared_accounts.recognise(south)
    lanes = {state: Job.objects.get(pk=job.pk).lane_id for state, job in kept.items()}
    assert lanes == {State.QUEUED: shared.pk, State.RUNNING: shared.pk, State.SUCCEEDED: own.pk}
    assert {Job.objects.get(pk=job.pk).account_id for job in kept.values()} == {south.pk}, (
        "the bill stays with its row"
    )
    assert Lane.objects.get(pk=shared.pk).wakeups > shared.wakeups
    assert Lane.objects.get(pk=own.pk).lease_until is None


def test_a_lane_that_is_being_visited_is_left_for_later(
    north: Account, south: Account, owner: User
) -> None:
    job = makers.job(south.team, owner, account=south)
    Account.objects.filter(pk=south.pk).update(same_as=north)
    Lane.objects.filter(account=south).update(
        lease_until=timezone.now() + timedelta(minutes=1), lease_token="host|1|abc"
    )
    assert shared_accounts.share_lanes(south) == 0
    assert Job.objects.get(pk=job.pk).lane.account_id == south.pk
    assert Lane.objects.get(account=south).lease_token == "host|1|abc"
    Lane.objects.filter(account=south).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert shared_accounts.move_to_shared_lanes() == 1
    assert Job.objects.get(pk=job.pk).lane.account_id == north.pk
    assert shared_accounts.move_to_shared_lanes() == 0


def test_a_job_whose_sender_died_is_left_to_its_own_lane(
    north: Account, south: Account, owner: User
) -> None:
    job = makers.job(south.team, owner, account=south, state=State.SUBMITTING)
    Account.objects.filter(pk=south.pk).update(same_as=north)
    shared_accounts.share_lanes(south)
    assert Job.objects.get(pk=job.pk).lane.account_id == south.pk


def test_a_lane_that_people_paused_stays_paused(
    north: Account, south: Account, owner: User
) -> None:
    job = makers.job(south.team, owner, account=south)
    Account.objects.filter(pk=south.pk).update(same_as=north)
    Lane.objects.filter(account=south).update(pause_state="paused")
    assert shared_accounts.move_to_shared_lanes() == 0
    assert Job.objects.get(pk=job.pk).lane.account_id == south.pk


def test_staff_undo_it_and_it_stays_undone(
    north: Account, south: Account, owner: User, service: Service, client_of: ClientOf, db: object
) -> None:
    made(north, owner, service, GOOD, OTHER)
    job = makers.job(south.team, owner, account=south)
    shared_accounts.recognise(south)
    root = User.objects.create_superuser("root@example.com", "correct horse", first_name="Root")
    there = reverse("admin:jobs_account_changelist")
    page = (
        client_of(root)
        .post(there, {"action": "part", "_selected_action": [south.pk, north.pk]}, follow=True)
        .content.decode()
    )
    assert "South has lanes of its own again; 1 job moved." in page
    assert "North shares no lanes of another." in page
    assert (same(south), Job.objects.get(pk=job.pk).lane.account_id) == (None, south.pk)
    assert shared_accounts.recognise(Account.objects.get(pk=south.pk)) is None
    assert shared_accounts.recognise(Account.objects.get(pk=north.pk)) is None
    assert same(south) is None


def test_another_place_forgets_what_was_proven(
    team: Team, north: Account, south: Account, owner: User, service: Service
) -> None:
    east = makers.account(team, url=service.url, label="East", key=THIRD)
    west = makers.account(team, url=service.url, label="West", key="sk-west-000000000000")
    Account.objects.filter(pk__in=(south.pk, east.pk)).update(same_as=north)
    Account.objects.filter(pk=west.pk).update(different_from=[north.pk, 4711])
    waiting = makers.job(team, owner, account=east)
    Job.objects.filter(pk=waiting.pk).update(
        lane=Lane.objects.create(account=north, model="emo-v1")
    )
    elsewhere = Service()
    try:
        move_account(Account.objects.get(pk=north.pk), "cn-beijing", elsewhere.url, "", GOOD, owner)
    finally:
        elsewhere.close()
    assert (same(north), same(south), same(east)) == (None, None, south.pk)
    assert Account.objects.get(pk=west.pk).different_from == [4711]
    assert Job.objects.get(pk=waiting.pk).lane.account_id == south.pk


# ── keys come and go ──────────────────────────────────────────────────────────────────────────────


def test_adding_an_account_twice_says_that_it_adds_nothing(
    team: Team, owner: User, north: Account, service: Service, client_of: ClientOf
) -> None:
    made(north, owner, service, GOOD, OTHER)
    given = {
        "label": "South",
        "region": "cn-beijing",
        "secret": OTHER,
        "base_url": service.url,
        "workspace": "",
    }
    page = (
        client_of(owner)
        .post(reverse("jobs:account_new", args=[team.slug]), given, follow=True)
        .content.decode()
    )
    assert page.count("the same Alibaba account as North, so it adds no capacity") == 2, (
        "once as a message, once on the page"
    )
    assert same(Account.objects.get(label="South")) == north.pk


def test_another_team_is_never_named(
    north: Account, stranger: User, owner: User, service: Service
) -> None:
    made(north, owner, service, GOOD, OTHER)
    theirs = add_account(stranger.teams.get(), "Theirs", "cn-beijing", service.url, OTHER, stranger)
    said = shared_accounts.sentence(theirs)
    assert "adds no capacity" in said
    assert not [name for name in ("North", north.team.name) if name in said]
    assert shared_accounts.sentence(north) == ""


def test_a_key_of_another_account_is_refused(north: Account, owner: User, service: Service) -> None:
    made(north, owner, service, GOOD)
    with pytest.raises(KeyRefused, match="another Alibaba account") as refused:
        add_key(north, OTHER, owner)
    assert "account of its own" in str(refused.value)
    assert ApiKey.objects.count() == 1


def test_a_key_of_the_same_account_keeps_id_history_and_the_older_key(
    north: Account, owner: User, service: Service
) -> None:
    job = made(north, owner, service, GOOD, OTHER)
    key = add_key(north, OTHER, owner)
    assert north.key == key
    assert north.keys.filter(active=True).count() == 2
    assert Job.objects.get(pk=job.pk).account == north


def test_without_proof_a_key_is_taken(north: Account, owner: User, service: Service) -> None:
    """The old key is refused already, which is why people rotate; or the task is gone at the
    service."""
    made(north, owner, service, GOOD)
    service.good.discard(GOOD)
    add_key(north, OTHER, owner)
    made(north, owner, service)
    add_key(north, THIRD, owner)
    assert north.keys.filter(active=True).count() == 3


def test_the_overlap_ends_a_day_after_the_last_task(
    north: Account, owner: User, service: Service, client_of: ClientOf
) -> None:
    assert overlap_ends(north) is None
    made(north, owner, service, GOOD, hours=30)
    assert overlap_ends(north) is None
    job = made(north, owner, service, GOOD, OTHER, hours=2)
    assert overlap_ends(north) == job.submitted_at + timedelta(hours=24)  # type: ignore[operator]
    add_key(north, OTHER, owner)
    old = north.keys.earliest("id")
    page = (
        client_of(owner)
        .get(reverse("jobs:key_retire", args=[north.team.slug, north.public_id, old.pk]))
        .content.decode()
    )
    ends = overlap_ends(north)
    assert ends is not None
    assert f"keep this one until {ends.day} {ends:%b %H:%M} UTC" in page
    Job.objects.all().update(submitted_at=timezone.now() - timedelta(hours=25))
    page = (
        client_of(owner)
        .get(reverse("jobs:key_retire", args=[north.team.slug, north.public_id, old.pk]))
        .content.decode()
    )
    assert "Nothing of the last 24 hours is left" in page
