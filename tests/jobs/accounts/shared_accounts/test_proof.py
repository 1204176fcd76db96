"""Two rows are one account when a task that only it can know proves it, on both sides."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import pytest
from django.utils import timezone

from jobs.accounts import shared_accounts
from jobs.common.states import State
from jobs.models import Account, Job, Lane
from studio.models import Team, User
from tests import makers
from tests.jobs.accounts.shared_accounts.accounts import THIRD, made, same
from tests.jobs.tinystudio import GOOD, OTHER, Service, dead_url


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
