"""Rows of open jobs are drawn once for as long as they say the same, and never for the wrong
person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import Code, State
from jobs.models import Account, Job
from jobs.pages.board import drawn_rows
from jobs.pages.board.job_row import job_url
from studio.models import Membership, Team, User
from tests import makers
from tests.html import parse

ClientOf = Callable[[User], Client]


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:board", args=[team.slug])


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of the open rows that were drawn."""
    titles: list[str] = []
    right = drawn_rows.row_html

    def note(view: str, context: dict[str, Any]) -> Any:
        titles.append(context["row"].title)
        return right(view, context)

    monkeypatch.setattr(drawn_rows, "row_html", note)
    return titles


def test_a_row_that_says_the_same_is_drawn_once(
    client_of: ClientOf, creator: User, team: Team, page: str, drawn: list[str]
) -> None:
    waits = makers.job(team, creator, title="Waits", code=Code.WAITING_TURN)
    makers.job(team, creator, title="Runs", state=State.RUNNING, submitted_at=timezone.now())
    client = client_of(creator)
    first = client.get(page).content.decode()
    assert sorted(drawn) == ["Runs", "Waits"]
    drawn.clear()
    second = client.get(page).content.decode()
    assert "Waits" not in drawn
    assert parse(first).texts("[data-job] h3 > a") == parse(second).texts("[data-job] h3 > a")
    Job.objects.filter(pk=waits.pk).update(title="Waits still")
    assert "Waits still" in client.get(page).content.decode()


def test_who_else_looks_gets_a_row_of_their_own(
    client_of: ClientOf, creator: User, admin: User, viewer: User, team: Team, page: str
) -> None:
    """The buttons of a job differ for its owner; what is kept says nothing else of who looked."""
    job = makers.job(team, creator, title="Waits", code=Code.WAITING_TURN)
    cancel = f"button[formaction='{job_url(team, job, 'cancel/')}']"
    for _look in range(2):
        for person, owns in ((creator, True), (admin, False), (viewer, False)):
            html = parse(client_of(person).get(page).content.decode())
            assert ("only-manage" in html.one(cancel)["class"]) is not owns, person


def test_what_many_share_is_read_once(
    client_of: ClientOf, owner: User, creator: User, team: Team, account: Account, page: str
) -> None:
    """Also of who has left, and of a video that is there before the job has ended."""
    video = makers.asset(team, "video", origin="result", owner=creator)
    for number in range(3):
        makers.job(team, creator, account=account, title=f"Saved {number}", state=State.ARCHIVING)
    Job.objects.filter(title="Saved 0").update(result=video)
    Membership.objects.filter(user=creator).delete()
    client = client_of(owner)
    client.get(page)
    with CaptureQueriesContext(connection) as few:
        html = client.get(page).content.decode()
    assert html.count(creator.short_name) >= 3
    for number in range(9):
        makers.job(team, creator, account=account, title=f"More {number}", state=State.ARCHIVING)
    with CaptureQueriesContext(connection) as many:
        client.get(page)
    assert len(many) == len(few)


@pytest.mark.parametrize("step", ["cancel", "front", "rename"])
def test_addresses_of_rows_are_those_of_the_site(team: Team, owner: User, step: str) -> None:
    job = makers.job(team, owner)
    assert job_url(team, job) == reverse("jobs:job", args=[team.slug, job.public_id])
    assert job_url(team, job, f"{step}/") == reverse(
        f"jobs:{step}", args=[team.slug, job.public_id]
    )
