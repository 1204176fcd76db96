"""The order bar of a create page: place in line, start and end before the click."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import Code, State
from jobs.models import Account, Job, Lane, LedgerEntry, PauseState
from studio.models import Team, User
from tests import makers
from tests.html import Element, parse

ClientOf = Callable[[User], Client]


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:portrait", args=[team.slug])


@pytest.fixture
def ready(team: Team, account: Any) -> dict[str, str]:
    """A draft that lacks nothing: portrait checked, 4 s of speech."""
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    return {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": makers.asset(team, "audio").public_id,
    }


def button(html: str) -> Element:
    return parse(html).one("button#generate")


# ── place in line ──


def order_bar(html: str) -> str:
    return parse(html).one("#order-bar").text


def test_the_order_bar_tells_place_start_and_ready_before_the_click(
    client_of: ClientOf, creator: User, owner: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    client = client_of(creator)
    assert re.search(
        rf"Starts right away starts now · ready (≈ )?{makers.CLOCK}",
        order_bar(client.get(page, ready).content.decode()),
    )
    makers.job(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=timezone.now(),
        milliseconds=60_000,
    )
    for _number in range(3):
        makers.job(team, owner, code=Code.WAITING_TURN, milliseconds=60_000)
    # whoever has nothing waiting has the next turn but one, however many jobs another person has
    assert re.search(
        rf"3rd in line starts ≈ {makers.CLOCK} · ready {makers.CLOCK}",
        order_bar(client.get(page, ready).content.decode()),
    )
    # without a length nobody knows when it is ready
    assert "ready" not in order_bar(client.get(page, {"page": "portrait"}).content.decode())


def test_behind_a_closed_door_the_till_says_why_and_no_time(
    client_of: ClientOf,
    creator: User,
    admin: User,
    team: Team,
    account: Account,
    page: str,
    ready: dict[str, str],
) -> None:
    Lane.objects.create(
        account=account,
        model="emo-v1",
        pause_state=PauseState.PAUSED,
        pause_set_by=admin,
        pause_set_at=timezone.now(),
    )
    html = client_of(creator).get(page, ready).content.decode()
    assert "Next in line Ben paused emo-v1 on " in order_bar(html)
    assert "starts" not in order_bar(html)
    assert "disabled" not in button(html)
    Lane.objects.update(pause_state=PauseState.DRAINING)
    html = client_of(creator).get(page, ready).content.decode()
    assert "finish its queue" in order_bar(html)
    assert "disabled" in button(html)


def test_too_many_waiting_jobs_are_refused_with_the_draft_kept(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    Team.objects.update(waiting_limit=1)
    makers.job(team, creator, code=Code.WAITING_TURN)
    held = LedgerEntry.objects.count()
    answer = client_of(creator).post(page, ready | {"do": "make", "key": "k1", "title": "My words"})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "in Studio North a person may have 1" in html
    assert f'name="audio_url" value="{ready["audio_url"]}"' in html
    assert 'value="My words"' in html
    assert (Job.objects.count(), LedgerEntry.objects.count()) == (1, held)


def test_without_a_limit_the_till_tells_what_will_have_been_spent(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    client = client_of(creator)
    assert "$0.00 spent, no limit" in order_bar(client.get(page).content.decode())
    assert "$0.05 with this, no limit" in order_bar(client.get(page, ready).content.decode())
