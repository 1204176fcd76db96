"""The click with a script: the page stays for a variation, one click is one job, and the way back is free."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs import catalogue
from jobs.models import Account, Budget, Job, LedgerEntry
from jobs.states import State
from studio.models import Team, User
from tests import makers

ClientOf = Callable[[User], Client]
HX = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:portrait", args=[team.slug])


@pytest.fixture
def ready(team: Team, account: Account) -> dict[str, str]:
    """A draft that lacks nothing, and its click: portrait checked, 41.2 s of speech."""
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    sound = makers.asset(team, "audio", milliseconds=41_200)
    return {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": sound.public_id,
        "title": "Welcome line",
        "key": "k1",
        "do": "make",
    }


def key_in(html: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', html)
    assert found
    return found[1]


def toast(html: str) -> str:
    return html.split('id="toast"')[1] if 'id="toast"' in html else ""


def test_the_page_stays_with_its_form_and_a_new_key(client_of: ClientOf, creator: User, page: str, ready: dict[str, str]) -> None:
    html = client_of(creator).post(page, ready | {"style_level": "calm"}, **HX).content.decode()
    job = Job.objects.get()
    assert "“Welcome line” is in line; $0.4725 is held" in toast(html)
    assert job.get_absolute_url() in toast(html)
    assert 'value="Welcome line"' in html
    assert f'name="audio_url" value="{ready["audio_url"]}"' in html
    assert re.search(r'name="style_level" value="calm" checked', html)
    assert key_in(html) not in ("", "k1")


def test_a_double_click_is_one_job_and_the_next_key_makes_another(client_of: ClientOf, creator: User, page: str, ready: dict[str, str]) -> None:
    client = client_of(creator)
    client.post(page, ready, **HX)
    html = client.post(page, ready, **HX).content.decode()
    assert Job.objects.count() == 1
    assert "is in line" in toast(html)
    client.post(page, ready | {"key": key_in(html)}, **HX)
    assert Job.objects.count() == 2


def test_without_a_script_the_click_leads_to_the_job(client_of: ClientOf, creator: User, page: str, ready: dict[str, str]) -> None:
    assert client_of(creator).post(page, ready)["Location"] == Job.objects.get().get_absolute_url()


def test_what_cannot_be_made_is_said_in_the_page_that_stays(client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]) -> None:
    Budget.objects.create(team=team, micros=100_000)
    answer = client_of(creator).post(page, ready, **HX)
    # a script does not swap in what comes with an error's number
    assert answer.status_code == 200
    assert "the limit of Studio North has $0.10 of $0.10 left" in answer.content.decode()
    assert not toast(answer.content.decode())
    assert key_in(answer.content.decode()) == "k1"
    assert not Job.objects.exists()


def test_undo_cancels_gives_back_and_says_so_in_the_toast(client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]) -> None:
    client = client_of(creator)
    html = client.post(page, ready, **HX).content.decode()
    undo = re.search(r'hx-post="([^"]+/cancel/)"', toast(html))
    assert undo
    answer = client.post(undo[1], **HX)
    assert "Canceled. It was not sent, so it cost nothing." in answer.content.decode()
    assert "Undo" not in answer.content.decode()
    # the till must be reckoned anew: the money is back
    assert answer["HX-Trigger"] == "undone"
    assert Job.objects.get().state == State.CANCELED
    assert sum(entry.held for entry in LedgerEntry.objects.all()) == 0


def test_undo_of_a_dance_takes_back_the_template_that_the_click_wanted(client_of: ClientOf, creator: User, team: Team, account: Account) -> None:
    client, picture = client_of(creator), makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    video = makers.asset(team, "video", codec="h264")
    page = reverse("jobs:dance", args=[team.slug])
    fields = {"page": "dance", "image_url": picture.public_id, "template_video": video.public_id, "key": "k", "do": "make"}
    html = client.post(page, fields, **HX).content.decode()
    assert Job.objects.count() == 2
    undo = re.search(r'hx-post="([^"]+/cancel/)"', toast(html))
    assert undo
    client.post(undo[1], **HX)
    assert set(Job.objects.values_list("state", flat=True)) == {State.CANCELED}


def test_undo_of_a_dance_leaves_a_template_that_was_under_way_before(client_of: ClientOf, creator: User, team: Team, account: Account) -> None:
    client, picture = client_of(creator), makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    video = makers.asset(team, "video", codec="h264")
    maker = makers.job(team, creator, "animate-anyone-template-gen2", account=account, files={"video_url": video})
    page = reverse("jobs:dance", args=[team.slug])
    fields = {"page": "dance", "image_url": picture.public_id, "template_video": video.public_id, "key": "k", "do": "make"}
    html = client.post(page, fields, **HX).content.decode()
    undo = re.search(r'hx-post="([^"]+/cancel/)"', toast(html))
    assert undo
    client.post(undo[1], **HX)
    maker.refresh_from_db()
    assert maker.state == State.QUEUED
    assert Job.objects.exclude(pk=maker.pk).get().state == State.CANCELED


def test_a_reload_keeps_the_whole_draft(client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]) -> None:
    """The address is the draft: what the form holds after any change is what a reload of the new address shows."""
    client = client_of(creator)
    fields = ready | {"ratio": "3:4", "style_level": "active", "keep_audio_url": "1000-9000"}
    fields.pop("do")
    address = client.get(reverse("jobs:price", args=[team.slug]), fields, **HX)["HX-Replace-Url"]
    html = client.get(address).content.decode()
    for name in ("image_url", "audio_url"):
        assert f'name="{name}" value="{ready[name]}"' in html
    for name, value in (("ratio", "3:4"), ("style_level", "active")):
        assert re.search(rf'name="{name}" value="{value}" checked', html)
    assert 'value="Welcome line"' in html
    assert "8 s × $0.022937" in html


def test_what_is_left_is_told_as_a_length(client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]) -> None:
    Budget.objects.create(team=team, micros=8_000_000)
    html = " ".join(client_of(creator).get(page, ready).content.decode().replace("\u00a0", " ").split())
    left = 8_000_000 - 472_523
    seconds = left // next(p.micros for p in catalogue.get("emo-v1").prices if (p.variant, p.currency) == ("1:1", "USD"))
    assert f"leaves $7.52, about {seconds // 60} m {seconds % 60} s at this price" in html
