"""The most expensive jobs first: in pages, with filters, and by an index of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import State
from jobs.models import Job
from jobs.pages.board import board_filter, ended_jobs
from jobs.pages.board.board_filter import Filter
from studio.models import Team, User
from tests import makers
from tests.html import parse

ClientOf = Callable[[User], Client]


def paid(team: Team, owner: User, prices: Sequence[int | None], **more: Any) -> list[Job]:
    """Finished jobs that were charged so many millionths, in the order in which they were made."""
    return [
        makers.job(
            team,
            owner,
            title=f"{price}" if price is not None else "free",
            state=State.CANCELED if price is None else State.FAILED,
            settled_micros=price,
            finished_at=timezone.now(),
            **more,
        )
        for price in prices
    ]


def pages(client: Client, team: Team, **query: str) -> list[list[str]]:
    """The titles of page after page, as the links lead there."""
    url = reverse("jobs:board", args=[team.slug], query={"sort": "cost", **query})
    found = []
    while url:
        html = parse(client.get(url).content.decode())
        found.append(html.texts("#s-ended [data-job] h3 > a"))
        links = [one for one in html.all("[data-part=pages] a") if one.text.startswith("More")]
        url = reverse("jobs:board", args=[team.slug]) + links[0]["href"] if links else ""
    return found


def test_the_most_expensive_stand_first_on_every_page(
    client_of: ClientOf, owner: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_jobs, "PAGE", 2)
    paid(team, owner, [5, 70, None, 0, 70, 300, 70])
    found = pages(client_of(owner), team)
    assert found == [["300", "70"], ["70", "70"], ["5", "0"], ["free"]]


def test_equal_prices_are_neither_lost_nor_shown_twice(
    client_of: ClientOf, owner: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_jobs, "PAGE", 3)
    jobs = paid(team, owner, [9] * 8)
    for number, job in enumerate(jobs):
        Job.objects.filter(pk=job.pk).update(title=f"Nine {number}")
    found = [title for page in pages(client_of(owner), team) for title in page]
    assert found == [f"Nine {number}" for number in range(7, -1, -1)]


def test_what_cost_nothing_stands_last_and_open_jobs_above(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    paid(team, owner, [None, 4, 0])
    makers.job(team, owner, title="Runs", state=State.RUNNING)
    html = client_of(owner).get(reverse("jobs:board", args=[team.slug]), {"sort": "cost"})
    page = parse(html.content.decode())
    assert page.texts("[data-job] h3 > a") == ["Runs", "4", "0", "free"]
    assert page.one("select[name=sort] option[selected]").text == "Most expensive first"


@pytest.mark.parametrize("more", [{}, {"outcome": "canceled"}])
def test_pages_go_on_through_what_cost_nothing(
    client_of: ClientOf,
    owner: User,
    team: Team,
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, str],
) -> None:
    monkeypatch.setattr(ended_jobs, "PAGE", 2)
    for number, job in enumerate(paid(team, owner, [None] * 5)):
        Job.objects.filter(pk=job.pk).update(title=f"Free {number}")
    found = pages(client_of(owner), team, **more)
    assert found == [["Free 4", "Free 3"], ["Free 2", "Free 1"], ["Free 0"]]


def test_filters_go_with_it(
    client_of: ClientOf,
    owner: User,
    creator: User,
    team: Team,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever filters looks through the most expensive, a stretch at a time."""
    monkeypatch.setattr(board_filter, "WALK", 4)
    monkeypatch.setattr(ended_jobs, "WALK", 4)
    paid(team, owner, [8, 7, 6, 5, 4, 3])
    paid(team, creator, [100, 1])
    client = client_of(owner)
    assert pages(client, team, person=str(creator.pk)) == [["100"], ["1"], []]
    assert pages(client, team, tab="mine") == [["8", "7", "6"], ["5", "4", "3"], []]
    assert pages(client, team, q="7") == [["7"], [], []]
    Job.objects.filter(title="6").update(created_at=timezone.now() - timedelta(days=9))
    old = (timezone.localtime() - timedelta(days=9)).date().isoformat()
    assert [one for page in pages(client, team, until=old) for one in page] == []
    first = Job.objects.earliest("id")
    Job.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(days=9))
    assert [one for page in pages(client, team, until=old) for one in page] == ["8"]


@pytest.mark.parametrize("before", ["x", "", "1-2-3", "-", "1-x", "9" * 30 + "-1", "1-" + "9" * 30])
def test_a_place_that_is_none_is_the_first_page(
    client_of: ClientOf, owner: User, team: Team, before: str
) -> None:
    paid(team, owner, [4])
    assert pages(client_of(owner), team, before=before) == [["4"]]


def test_a_set_does_not_stand_where_its_dearest_job_does(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    jobset = team.sets.create(owner=owner, kind="batch", title="Batch")
    paid(team, owner, [9, 1], set=jobset)
    paid(team, owner, [5])
    assert pages(client_of(owner), team) == [["9", "5", "1"]]


def test_a_stretch_ends_where_it_looked_long_enough(
    client_of: ClientOf, owner: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when that is the last job of a price, or in the middle of one."""
    monkeypatch.setattr(board_filter, "WALK", 3)
    monkeypatch.setattr(ended_jobs, "WALK", 3)
    jobs = paid(team, owner, [9, 9, 9, 9, 9, 9, 9, 4, 4, 4, 4])
    for number, job in enumerate(jobs):
        Job.objects.filter(pk=job.pk).update(title=f"Job {number}")
    order = [6, 5, 4, 3, 2, 1, 0, 10, 9, 8, 7]
    found = pages(client_of(owner), team, tab="mine")
    assert [title for page in found for title in page] == [f"Job {number}" for number in order]
    assert [len(page) for page in found] == [3, 3, 3, 2]


def plans(team: Team, user: User, query: str) -> list[str]:
    wanted = Filter.asked(QueryDict(query))
    return [one[:31].explain() for one in ended_jobs.listed(team.jobs.all(), wanted, user)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
def test_it_is_read_by_its_index(team: Team, owner: User) -> None:
    """Entered at the job that the page begins behind, and not at its price, which a million others
    may have."""
    free = "job_not_charged (team_id=? AND settled_micros=?"
    entered = {
        "": ["job_cost (team_id=? AND settled_micros>?)", f"{free})"],
        "&before=70-12": [
            "job_cost (team_id=? AND settled_micros=? AND id<?)",
            "job_cost (team_id=? AND settled_micros>? AND settled_micros<?)",
            f"{free})",
        ],
        "&before=12": [f"{free} AND id<?)"],
    }
    for before, wanted in entered.items():
        found = plans(team, owner, f"sort=cost{before}")
        for plan, at in zip(found, wanted, strict=True):
            assert at in plan, plan
            assert "TEMP B-TREE" not in plan, plan


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
@pytest.mark.parametrize("more", ["tab=mine", "q=desk", "model=emo-v1", "outcome=failed"])
def test_a_filter_looks_at_no_more_than_a_stretch_of_it(team: Team, owner: User, more: str) -> None:
    makers.job(team, owner, state=State.FAILED, settled_micros=70)
    makers.job(team, owner, state=State.FAILED, settled_micros=70)
    for before, stretches in (("", 2), ("&before=70-99", 3), ("&before=99", 1)):
        found = plans(team, owner, f"sort=cost&{more}{before}")
        assert len(found) == stretches
        for plan in found:
            outer, inner = plan.split("LIST SUBQUERY")
            assert "rowid=?)" in outer, plan
            assert "(team_id=? AND settled_micros" in inner, plan


def test_two_addresses_of_the_same_list_are_the_same(team: Team) -> None:
    one = Filter.asked(QueryDict("sort=cost&q=%20a%20%20b&tab=mine&nonsense=1&before=3-4"))
    other = Filter.asked(QueryDict("tab=mine&q=a+b&sort=cost&person=x"))
    assert one.query() == other.query() == "?tab=mine&q=a+b&sort=cost"
