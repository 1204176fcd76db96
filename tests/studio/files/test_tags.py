"""Tags: words of a team by which it finds its files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.orders import trash, trash_sweep
from studio.files import tags, views
from studio.models import Asset, Deletion, FileTag, Team, User
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
    assert parse_qsl(urlsplit(link["href"]).query) == [("tag", "Front desk")]
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


def test_a_tag_is_taken_from_several_at_once(
    team: Team, creator: User, viewer: User, client_of: ClientOf
) -> None:
    first, second, third = files = [makers.asset(team) for _ in range(3)]
    tags.give(team, files, "Desk")
    tags.give(team, [third], "Autumn")
    client, door = client_of(creator), reverse("file_tags", args=[team.slug])
    ticked = {"asset": [first.public_id, third.public_id], "tag": " DESK ", "do": "take"}
    assert client_of(viewer).post(door, ticked).status_code == 403
    said = text(client.post(door, ticked, follow=True).content.decode())
    assert "2 files have the tag “Desk” no more." in said
    assert [named(one) for one in files] == [[], ["Desk"], ["Autumn"]]
    said = text(client.post(door, ticked, follow=True).content.decode())
    assert "None of the files has the tag “Desk”." in said
    client.post(door, {"asset": [second.public_id], "tag": "desk", "do": "take"})
    assert [tag.name for tag in FileTag.objects.all()] == ["Autumn"], "it goes with its last file"
    said = client.post(door, ticked | {"tag": " "}, follow=True)
    assert "Type a tag" in text(said.content.decode())
    page = client.get(reverse("library", args=[team.slug]), {"select": "1", "tag": "autumn"})
    form = parse(page.content.decode()).one("#files form")
    assert form.one("button[value=take]").get("formaction") == door
    assert form.one("#tag-ticked")["value"] == "Autumn", "what is shown is taken in one press"


def test_typing_offers_the_tags_there_are(
    team: Team, creator: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tags, "SHOWN", 1)
    asset = makers.asset(team)
    for name in ("Autumn", "Desk"):
        tags.give(team, [asset], name)
    client = client_of(creator)
    for url in (asset.get_absolute_url(), reverse("library", args=[team.slug]) + "?select=1"):
        page = parse(client.get(url).content.decode())
        assert [one["value"] for one in page.all("#known-tags option")] == ["Autumn", "Desk"]
        assert page.one("input[name=tag][list=known-tags]")


def test_a_tag_keeps_the_rest_of_the_address(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    """What was searched for, its kind and collection, and that files are ticked."""
    asset = makers.asset(team, name="Mia.jpg")
    tags.give(team, [asset], "Desk")
    found = makers.collection(team, creator, asset)
    rest = {"kind": "pictures", "q": "mia", "collection": found.public_id, "select": "1"}
    both = rest | {"tag": "Desk"}
    client, home = client_of(creator), reverse("library", args=[team.slug])
    for query in (rest, both):
        page = parse(client.get(home, query).content.decode())
        (link,) = page.all(".file-tags a")
        leads = dict(parse_qsl(urlsplit(link["href"]).query))
        assert leads == (rest if query == both else both)
        (link,) = page.all(".collections nav a")
        leads = dict(parse_qsl(urlsplit(link["href"]).query))
        assert leads == {key: word for key, word in query.items() if key != "collection"}
    assert page.one("form[role=search]")["hx-select-oob"] == "#kinds, #narrowed"
    assert page.one("#narrowed .file-tags")


def test_tags_beyond_the_first_are_found_too(
    team: Team, creator: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tags, "SHOWN", 2)
    asset = makers.asset(team)
    for name in "abcd":
        tags.give(team, [asset], name)
    client, home = client_of(creator), reverse("library", args=[team.slug])
    page = parse(client.get(home).content.decode())
    assert page.texts(".file-tags > a") == ["a", "b"]
    assert page.texts(".file-tags details a") == ["c", "d"]
    page = parse(client.get(home, {"tag": "D"}).content.decode())
    assert [one.split()[0] for one in page.texts(".file-tags > a")] == ["a", "b", "d"]
    assert page.texts(".file-tags details a") == ["c"]


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


def test_a_tag_is_erased_with_its_last_file(team: Team, owner: User) -> None:
    """And counts in no limit from then on."""
    kept, gone = makers.asset(team, owner=owner), makers.asset(team, owner=owner)
    tags.give(team, [kept, gone], "Desk")
    tags.give(team, [gone], "Zuleika")
    trash.delete_files(team, [gone], owner, others=True)
    Deletion.objects.update(remove_at=timezone.now() - timedelta(seconds=1))
    trash_sweep.work()
    assert [tag.name for tag in FileTag.objects.all()] == ["Desk"]


def test_a_tag_among_files_of_dance_templates(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    dance, other = (makers.asset(team, "video", name=name) for name in ("a.mp4", "b.mp4"))
    for video in (dance, other):
        makers.template(team, makers.account(team), video)
    tags.give(team, [dance], "Desk")
    client = client_of(creator)
    assert shown(client, team, tag="desk", kind="templates") == ["a.mp4"]
    assert shown(client, team, kind="templates") == ["b.mp4", "a.mp4"]


def test_pages_of_a_tag_follow_each_other(
    team: Team, creator: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE", 2)
    files = [makers.asset(team, name=f"{n}.jpg") for n in "abcde"]
    makers.asset(team, name="other.jpg")
    tags.give(team, files, "Desk")
    client = client_of(creator)
    assert shown(client, team, tag="desk") == ["e.jpg", "d.jpg"]
    assert shown(client, team, tag="desk", older=files[3].public_id) == ["c.jpg", "b.jpg"]
    assert shown(client, team, tag="desk", older=files[1].public_id) == ["a.jpg"]
    assert shown(client, team, tag="desk", newer=files[1].public_id) == ["d.jpg", "c.jpg"]
    assert shown(client, team, tag="desk", newer=files[4].public_id) == ["e.jpg", "d.jpg"]
    page = client.get(reverse("library", args=[team.slug]), {"tag": "desk"}).content.decode()
    assert f"tag=Desk&amp;older={files[3].public_id}" in page


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
def test_a_page_of_a_tag_reads_no_more_than_it_shows(team: Team, creator: User) -> None:
    """However many files have the tag, or have it not: from its newest on, in their order."""
    tag, _new = tags.give(team, [makers.asset(team)], "Desk")
    of_kind = team.assets.filter(kind="image")
    for files in (team.assets.all(), of_kind, of_kind.filter(pk__lt=9)):
        plan = tags.rows(tag, files).order_by("-asset_id")[:25].explain()
        assert "(filetag_id=?" in plan.splitlines()[0], plan
        for reads_all in ("SCAN", "TEMP B-TREE", "LIST SUBQUERY"):
            assert reads_all not in plan, plan
