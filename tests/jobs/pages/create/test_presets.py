"""Presets: choices of a model under a name, for the whole team; whoever made one, or an admin, lets
it go."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.models import Account, JobSet, Preset
from jobs.pages.create import presets
from studio.models import Team, User
from tests import makers
from tests.html import parse

ClientOf = Callable[[User], Client]
HX = {"headers": {"HX-Request": "true"}}
EMO = entries.get("emo-v1")


@pytest.fixture
def save(team: Team) -> str:
    return reverse("jobs:preset_save", args=[team.slug])


def test_choices_are_kept_under_a_name_and_the_draft_stays(
    client_of: ClientOf, creator: User, team: Team, account: Account, save: str
) -> None:
    picture = makers.asset(team)
    fields = {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "ratio": "3:4",
        "style_level": "calm",
        "title": "Mine",
    }
    html = (
        client_of(creator)
        .post(save, fields | {"preset_name": "  Front   desk "}, **HX)
        .content.decode()
    )
    preset = Preset.objects.get()
    assert (preset.name, preset.model, preset.chosen) == (
        "Front desk",
        "emo-v1",
        {"ratio": "3:4", "style_level": "calm"},
    )
    assert "Kept as the preset “Front desk”." in html
    assert picture.public_id in html
    assert 'value="Mine"' in html


def test_a_preset_leads_to_the_same_draft_with_its_choices(
    client_of: ClientOf, creator: User, owner: User, team: Team, account: Account
) -> None:
    preset = presets.keep(team, owner, EMO, {"ratio": "3:4", "style_level": "active"}, "Front desk")
    presets.keep(team, owner, entries.get("wan2.2-s2v"), {"resolution": "720P"}, "Sharp")
    sound = makers.asset(team, "audio")
    client = client_of(creator)
    page = reverse("jobs:portrait", args=[team.slug])
    html = client.get(
        page, {"audio_url": sound.public_id, "style_level": "calm", "title": "Mine"}
    ).content.decode()
    assert "Sharp" not in html, "that one is of another model"
    html = client.get(parse(html).named("a", "Front desk")["href"]).content.decode()
    assert f'name="audio_url" value="{sound.public_id}"' in html
    assert 'value="Mine"' in html
    for name, value in preset.chosen.items():
        assert parse(html).has(f"[name={name}][value='{value}'][checked]")
    assert parse(html).one("[aria-current=true] b").text == "Front desk"


@pytest.mark.parametrize(
    ("name", "words"),
    [("", "Give the preset a name"), ("Front desk", "has a preset “Front desk” already")],
)
def test_what_cannot_be_kept_is_said(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    save: str,
    name: str,
    words: str,
) -> None:
    presets.keep(team, creator, EMO, {}, "Front desk")
    html = (
        client_of(creator)
        .post(save, {"page": "portrait", "model": "emo-v1", "preset_name": name}, **HX)
        .content.decode()
    )
    assert words in html
    assert Preset.objects.count() == 1


def test_the_same_name_is_free_for_another_model_and_another_team(
    team: Team, creator: User, stranger: User
) -> None:
    presets.keep(team, creator, EMO, {}, "Front desk")
    presets.keep(team, creator, entries.get("wan2.2-s2v"), {}, "Front desk")
    presets.keep(stranger.teams.get(), stranger, EMO, {}, "Front desk")
    assert Preset.objects.count() == 3


def test_a_team_has_at_most_fifty(team: Team, creator: User) -> None:
    for number in range(presets.MOST):
        presets.keep(team, creator, EMO, {}, f"Number {number}")
    with pytest.raises(Refused, match="has 50 presets"):
        presets.keep(team, creator, EMO, {}, "One more")
    assert Preset.objects.count() == 50


def test_its_maker_and_admins_delete_it_and_nobody_else(
    client_of: ClientOf, creator: User, owner: User, admin: User, team: Team, account: Account
) -> None:
    fields = {"page": "portrait", "model": "emo-v1"}
    for maker, by, gone in (
        (owner, creator, False),
        (creator, creator, True),
        (creator, admin, True),
    ):
        Preset.objects.all().delete()
        preset = presets.keep(team, maker, EMO, {}, "Front desk")
        url = reverse("jobs:preset_delete", args=[team.slug, preset.public_id])
        page = client_of(by).get(reverse("jobs:portrait", args=[team.slug])).content.decode()
        assert (url in page) is gone
        assert client_of(by).post(url, fields).status_code == (302 if gone else 403)
        assert Preset.objects.exists() is not gone


def test_what_the_model_no_longer_offers_falls_back(team: Team, creator: User) -> None:
    preset = presets.keep(team, creator, EMO, {"ratio": "3:4"}, "Old")
    preset.chosen = {"ratio": "9:9", "style_level": "calm", "gone": 1}
    assert presets.choices_of(preset, EMO) == {"ratio": "1:1", "style_level": "calm"}


def test_the_choices_of_the_video_that_was_picked_are_kept(
    client_of: ClientOf, creator: User, team: Team, account: Account, save: str
) -> None:
    jobset = JobSet.objects.create(team=team, owner=creator, kind=JobSet.Kind.SWEEP, title="W")
    job = makers.job(
        team,
        creator,
        state=State.SUCCEEDED,
        set=jobset,
        chosen={"ratio": "3:4", "style_level": "active"},
    )
    answer = client_of(creator).post(save, {"job": job.public_id, "preset_name": "Lively"})
    assert answer["Location"] == jobset.get_absolute_url()
    assert Preset.objects.get().chosen == {"ratio": "3:4", "style_level": "active"}
