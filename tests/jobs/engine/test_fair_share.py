"""Whose turn it is: people, weights, short clips, the front; and that a forecast plays by the same
rules."""

from __future__ import annotations

import random

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.common.errors import Refused
from jobs.common.states import Rank
from jobs.engine import fair_share, transitions
from jobs.models import Job, Lane
from jobs.orders.waiting_room import require_room_in_line
from studio.models import Team, User
from tests import makers


def sent_in_order(lane: Lane) -> list[Job]:
    """Every waiting job of the lane in the order in which it is sent when all the time one is."""
    order = []
    while (pk := fair_share.next_job(lane, timezone.now())) is not None:
        job = Job.objects.get(pk=pk)
        Job.objects.filter(pk=pk).update(state="canceled")
        fair_share.served(lane, job)
        order.append(job)
    return order


def names(jobs: list[Job]) -> str:
    return "".join(job.title for job in jobs)


@pytest.mark.django_db
def test_people_take_turns_and_the_oldest_goes_first(
    team: Team, owner: User, creator: User
) -> None:
    mine = [makers.job(team, owner, title="a") for _ in range(4)]
    for _ in range(2):
        makers.job(team, creator, title="b")
    assert names(sent_in_order(mine[0].lane)) == "ababaa"


@pytest.mark.django_db
def test_a_weight_of_two_is_twice_as_often(team: Team, owner: User, creator: User) -> None:
    team.memberships.filter(user=owner).update(turns=2)
    jobs = [
        makers.job(team, who, title=title)
        for who, title in ((owner, "a"), (creator, "b"))
        for _ in range(6)
    ]
    order = names(sent_in_order(jobs[0].lane))
    assert sorted(order[:6]) == ["a"] * 4 + ["b"] * 2


@pytest.mark.django_db
def test_who_comes_anew_owes_nothing_and_saves_nothing_up(
    team: Team, owner: User, creator: User
) -> None:
    jobs = [makers.job(team, owner, title="a") for _ in range(6)]
    lane = jobs[0].lane
    for _ in range(3):
        pk = fair_share.next_job(lane, timezone.now())
        job = Job.objects.get(pk=pk)
        Job.objects.filter(pk=pk).update(state="canceled")
        fair_share.served(lane, job)
    for _ in range(3):
        makers.job(team, creator, title="b")
    assert names(sent_in_order(Lane.objects.get(pk=lane.pk))) == "bababa"


@pytest.mark.django_db
def test_a_test_clip_is_first_within_its_person_only(
    team: Team, owner: User, creator: User
) -> None:
    long = makers.job(team, owner, title="A", milliseconds=60_000)
    makers.job(team, owner, title="a", milliseconds=4_000, rank=Rank.SHORT)
    makers.job(team, creator, title="b", milliseconds=60_000)
    assert names(sent_in_order(long.lane)) == "abA"


@pytest.mark.django_db
def test_the_front_is_before_everybody(team: Team, owner: User, creator: User) -> None:
    first = makers.job(team, owner, title="a")
    makers.job(team, owner, title="a")
    last = makers.job(team, creator, title="b")
    Job.objects.filter(pk=last.pk).update(rank=Rank.NORMAL)
    assert "goes next" in transitions.to_front(Job.objects.get(pk=last.pk), owner)
    assert names(sent_in_order(first.lane)) == "baa"


@pytest.mark.django_db
def test_to_front_is_put_back_and_refused_once_sent(team: Team, owner: User) -> None:
    job = makers.job(team, owner)
    transitions.to_front(job, owner)
    assert "queue again" in transitions.to_front(Job.objects.get(pk=job.pk), owner)
    Job.objects.filter(pk=job.pk).update(state="running")
    assert "no longer waiting" in transitions.to_front(Job.objects.get(pk=job.pk), owner)


@pytest.mark.django_db
def test_the_list_of_turns_stays_as_short_as_the_queue(
    team: Team, owner: User, creator: User
) -> None:
    lane = makers.job(team, owner).lane
    for number in range(40):
        fair_share.served(lane, makers.job(team, owner if number % 2 else creator))
    assert len(Lane.objects.get(pk=lane.pk).turns) <= 2


@pytest.mark.django_db
def test_nobody_may_bury_the_others(team: Team, creator: User) -> None:
    team.waiting_limit = 1
    makers.job(team, creator)
    makers.job(team, creator)
    with pytest.raises(Refused, match=r"2 jobs waiting, and in .* a person may have 1"):
        require_room_in_line(team, creator)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(list(Rank))), min_size=1, max_size=30),
    st.integers(0, 2**16),
)
@settings(max_examples=60, deadline=None)
def test_a_forecast_is_complete_and_fair(jobs: list[tuple[int, Rank]], seed: int) -> None:
    """Everybody is served, the front first; and of two people who both wait nobody gets two turns
    more than the other."""
    dice = random.Random(seed)
    weights = {(1, owner): dice.randint(1, 3) for owner in range(1, 5)}
    lane = Lane(clock=dice.random() * 5, turns={"1": dice.random() * 6})
    rows = [
        Job(pk=number + 1, owner_id=owner, team_id=1, rank=rank)
        for number, (owner, rank) in enumerate(jobs)
    ]
    order = list(fair_share.in_order(lane, rows, weights))
    assert sorted(job.pk for job in order) == [job.pk for job in rows]
    fronts = [job.rank == Rank.FRONT for job in order]
    assert fronts == sorted(fronts, reverse=True)
    rest = [job for job in order if job.rank != Rank.FRONT]
    left = {owner: sum(1 for job in rest if job.owner_id == owner) for owner in range(1, 5)}
    got = dict.fromkeys(range(1, 5), 0)
    for job in rest:
        got[job.owner_id] += 1
        left[job.owner_id] -= 1
        if not any(one.rank == Rank.FRONT for one in order) and "1" not in lane.turns:
            waiting = [owner for owner in left if left[owner]]
            shares = [got[owner] / weights[1, owner] for owner in waiting]
            assert not shares or max(shares) - min(shares) <= 2
    for owner in range(1, 5):
        mine = [(job.rank, job.pk) for job in rest if job.owner_id == owner]
        assert mine == sorted(mine)
