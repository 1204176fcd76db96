"""A request plans its video once: the price, the place in line, the test clip and the order share
it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from jobs.orders import create, insert_job, plan
from studio.models import Team, User
from tests import makers

ClientOf = Callable[[User], Client]
HX = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that were planned, one for each call from outside: the plan of a template that a
    dance needs first is part of the dance's."""
    real, calls, depth = plan.plan, [], [0]

    def counted(order: Any, **more: Any) -> Any:
        if not depth[0]:
            calls.append(order.model)
        depth[0] += 1
        try:
            return real(order, **more)
        finally:
            depth[0] -= 1

    for module in (plan, create, insert_job):
        monkeypatch.setattr(module, "plan", counted)
    return calls


@pytest.fixture
def talk(team: Team, account: Any) -> dict[str, str]:
    """A video that can be made at once, long enough for a test clip."""
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    speech = makers.asset(team, "audio", milliseconds=12_000)
    return {
        "page": "portrait",
        "model": "emo-v1",
        "key": "one-click",
        "image_url": picture.public_id,
        "audio_url": speech.public_id,
    }


def test_a_page_and_a_price_plan_once(
    client_of: ClientOf, creator: User, team: Team, talk: dict[str, str], plans: list[str]
) -> None:
    client = client_of(creator)
    html = client.get(reverse("jobs:portrait", args=[team.slug]), talk).content.decode()
    assert 'id="clip"' in html, "the test clip has its price from the same plan"
    assert plans == ["emo-v1"]
    client.get(reverse("jobs:price", args=[team.slug]), talk, **HX)
    assert plans == ["emo-v1"] * 2


def test_a_dance_from_a_new_video_is_one_plan_with_its_template(
    client_of: ClientOf, creator: User, team: Team, account: Any, plans: list[str]
) -> None:
    picture, video = makers.asset(team), makers.asset(team, "video")
    chosen = {
        "model": "animate-anyone-gen2",
        "image_url": picture.public_id,
        "template_video": video.public_id,
    }
    client_of(creator).get(reverse("jobs:dance", args=[team.slug]), chosen)
    assert plans == ["animate-anyone-gen2"]


def test_a_click_is_one_plan(
    client_of: ClientOf, creator: User, team: Team, talk: dict[str, str], plans: list[str]
) -> None:
    """The order takes the plan that the click was priced with. Under the team's lock only the
    budget and the room in line are read again, and a template that was under way: it is planned
    anew when that ended meanwhile."""
    client = client_of(creator)
    url = reverse("jobs:portrait", args=[team.slug])
    assert client.post(url, talk | {"do": "make"}).status_code == 302
    assert Job.objects.count() == 1
    assert plans == ["emo-v1"]
    plans.clear()
    # With a script the page comes again, and what is under way now may have changed its price.
    client.post(url, talk | {"do": "make", "key": "another"}, **HX)
    assert Job.objects.count() == 2
    assert plans == ["emo-v1"] * 2


def test_a_part_that_is_cut_out_is_planned_as_the_file_that_it_becomes(
    client_of: ClientOf,
    creator: User,
    team: Team,
    talk: dict[str, str],
    plans: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut = makers.asset(team, "audio", milliseconds=6000)
    monkeypatch.setattr("jobs.orders.trim.trimmed_file", lambda *_given: cut)
    kept = talk | {"keep_audio_url": "0-6000", "of_audio_url": talk["audio_url"], "do": "make"}
    response = client_of(creator).post(reverse("jobs:portrait", args=[team.slug]), kept)
    assert response.status_code == 302
    assert plans == ["emo-v1"] * 2
