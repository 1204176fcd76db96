"""Tags: words of a team by which it finds its files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from jobs.orders import trash
from studio.files import tags
from studio.models import Asset, FileTag, Team, User
from tests import makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]


def give(client: Client, asset: Asset, name: str) -> Any:
    door = reverse("asset_tags", args=[asset.team.slug, asset.public_id])
    return client.post(door, {"tag": name}, follow=True)


def named(asset: Asset) -> list[str]:
    return [tag.name for tag in asset.tags.all()]


def shown(client: Client, team: Team, **query: str) -> list[str]:
    page = client.get(reverse("library", args=[team.slug]), query)
    return parse(page.content.decode()).texts(".card h3")


def test_a_file_gets_a_tag_and_is_found_by_it(
    team: Team, creator: User, viewer: User, client_of: ClientOf
) -> None:
    first, second, third = (makers.asset(team, name=f"{n}.jpg") for n in ("a", "b", "c"))
    client = client_of(creator)
    give(client, first, "  Front   desk ")
    give(client, third, "front DESK")
    assert named(first) == named(third) == ["Front desk"], "one word, however it is written"
    assert shown(client, team, tag="FRONT desk") == ["c.jpg", "a.jpg"]
    assert shown(client, team, tag="front desk", q="a") == ["a.jpg"]
    assert shown(client, team, tag="front desk", kind="sound") == []
    assert shown(client, team, tag="unknown") == []
    page = parse(client_of(viewer).get(reverse("library", args=[team.slug])).content.decode())
    (link,) = page.all(".file-tags a")
    assert link["href"].endswith("/library/?tag=Front%20desk")
    page = client_of(viewer).get(second.get_absolute_url()).content.decode()
    assert "new-tag" not in page, "who only looks gives none"


def test_a_tag_is_taken_away_and_goes_with_its_last_file(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    first, second = makers.asset(team), makers.asset(team)
    client = client_of(creator)
    for one in (first, second):
        give(client, one, "Desk")
    tag = FileTag.objects.get()
    door = reverse("asset_tags", args=[team.slug, first.public_id])
    client.post(door, {"take": tag.public_id})
    assert (named(first), named(second)) == ([], ["Desk"])
    said = client.post(door, {"take": tag.public_id}, follow=True)
    assert "has this tag no more" in text(said.content.decode())
    client.post(reverse("asset_tags", args=[team.slug, second.public_id]), {"take": tag.public_id})
    assert not FileTag.objects.exists()


def test_several_at_once(team: Team, creator: User, client_of: ClientOf) -> None:
    files = [makers.asset(team) for _ in range(3)]
    client, door = client_of(creator), reverse("file_tags", args=[team.slug])
    give(client, files[0], "Desk")
    ticked = {"asset": [one.public_id for one in files], "tag": "desk"}
    said = client.post(door, ticked, follow=True)
    assert "2 files have the tag “Desk” now." in text(said.content.decode())
    assert all(named(one) == ["Desk"] for one in files)
    said = client.post(door, {"tag": "desk"}, follow=True)
    assert "Tick the files first" in text(said.content.decode())
    form = parse(client.get(reverse("library", args=[team.slug]), {"select": "1"}).content.decode())
    assert form.one("#known-tags option")["value"] == "Desk"
    buttons = form.one("#files form").all("button[type=submit]")
    assert buttons[0].get("formaction") == door, "Enter in the field deletes nothing"


@pytest.mark.parametrize(
    ("name", "said"),
    [(" ", "Type a tag"), ("\0", "Type a tag"), ("x" * 41, "at most 40 characters")],
)
def test_what_is_no_tag(
    team: Team, creator: User, client_of: ClientOf, name: str, said: str
) -> None:
    asset = makers.asset(team)
    assert said in text(give(client_of(creator), asset, name).content.decode())
    assert not FileTag.objects.exists()


def test_a_file_and_a_team_have_so_many(
    team: Team, creator: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tags, "OF_A_FILE", 2)
    monkeypatch.setattr(tags, "OF_A_TEAM", 3)
    first, second = makers.asset(team, name="Full.jpg"), makers.asset(team)
    client = client_of(creator)
    for name in ("A", "B"):
        give(client, first, name)
    assert "“Full.jpg” has 2 tags" in text(give(client, first, "C").content.decode())
    assert not FileTag.objects.filter(name="C").exists(), "and leaves no empty tag"
    give(client, first, "a")
    give(client, second, "D")
    assert "The team has 3 tags" in text(give(client, second, "E").content.decode())
    door = reverse("file_tags", args=[team.slug])
    both = {"asset": [first.public_id, second.public_id], "tag": "D"}
    assert "“Full.jpg” has 2 tags" in text(client.post(door, both, follow=True).content.decode())
    assert named(first) == ["A", "B"]


def test_tags_of_others_are_neither_seen_nor_given(
    team: Team, creator: User, stranger: User, client_of: ClientOf
) -> None:
    theirs = makers.asset(stranger.teams.get())
    tags.give(theirs.team, [theirs], "Secret")
    mine = makers.asset(team)
    client = client_of(creator)
    door = reverse("file_tags", args=[team.slug])
    client.post(door, {"asset": [theirs.public_id], "tag": "Mine"})
    tag = FileTag.objects.get()
    client.post(reverse("asset_tags", args=[team.slug, mine.public_id]), {"take": tag.public_id})
    assert (tag.team, named(theirs)) == (theirs.team, ["Secret"])
    assert shown(client, team, tag="secret") == []
    assert "Secret" not in client.get(reverse("library", args=[team.slug])).content.decode()


def test_what_lies_in_the_trash_keeps_its_tags(
    team: Team, owner: User, client_of: ClientOf
) -> None:
    kept, gone = makers.asset(team, owner=owner), makers.asset(team, owner=owner)
    tags.give(team, [kept, gone], "Desk")
    done = trash.delete_files(team, [gone], owner, others=True)
    client = client_of(owner)
    assert len(shown(client, team, tag="desk")) == 1
    tags.take(team, kept, FileTag.objects.get().public_id)
    trash.restore(done.deletions, owner, others=True)
    assert named(Asset.objects.get(pk=gone.pk)) == ["Desk"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
def test_files_with_a_tag_are_found_from_the_tag(team: Team) -> None:
    """Few are found beside however many others."""
    plan = tags.tagged(team.assets.all(), team, "desk").order_by("-pk")[:25].explain()
    assert "asset_kept (team_id=? AND id=?" in plan, plan
    assert "SCAN" not in plan, plan
