"""Collections: files under a name, for who made it or for everybody; and nobody else's are seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from jobs.orders import trash
from studio.audit.events import Event
from studio.files import collection_views, collections
from studio.models import Asset, AuditEntry, Collection, Team, User
from tests import makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]


@pytest.fixture
def library(team: Team) -> str:
    return reverse("library", args=[team.slug])


def make(client: Client, team: Team, name: str = "Spring", **given: str) -> Any:
    door = reverse("collection_new", args=[team.slug])
    return client.post(door, {"name": name, **given}, follow=True)


def fill(client: Client, team: Team, *files: Asset, **given: str) -> str:
    door = reverse("collection_fill", args=[team.slug])
    ticked = {"asset": [one.public_id for one in files], **given}
    return text(client.post(door, ticked, follow=True).content.decode())


def change(client: Client, found: Collection, **given: str) -> Any:
    door = reverse("collection", args=[found.team.slug, found.public_id])
    return client.post(door, given, follow=True)


def shown(client: Client, library: str, **query: str) -> list[str]:
    return parse(client.get(library, query).content.decode()).texts(".card h3")


def named(client: Client, library: str) -> list[str]:
    page = parse(client.get(library).content.decode())
    return page.texts(".collections nav .clip")


def test_one_is_made_filled_and_looked_at(
    team: Team, creator: User, client_of: ClientOf, library: str
) -> None:
    first, second, _third = (makers.asset(team, name=f"{n}.jpg") for n in "abc")
    client = client_of(creator)
    said = make(client, team, "  Spring   campaign ")
    found = Collection.objects.get()
    assert said.redirect_chain[-1][0] == f"{library}?collection={found.public_id}"
    assert "“Spring campaign” is empty" in text(said.content.decode())
    assert "1 file is new in “Spring campaign”" in fill(
        client, team, first, collection=found.public_id
    )
    assert "1 file is new" in fill(client, team, first, second, collection=found.public_id)
    assert shown(client, library, collection=found.public_id) == ["b.jpg", "a.jpg"]
    assert shown(client, library, collection=found.public_id, q="a") == ["a.jpg"]
    assert shown(client, library, collection=found.public_id, kind="sound") == []
    said = fill(client, team, first, take=found.public_id)
    assert "1 file is taken out of “Spring campaign”, and still in the library." in said
    assert shown(client, library, collection=found.public_id) == ["b.jpg"]
    assert len(shown(client, library)) == 3
    assert "Tick the files first" in fill(client, team, collection=found.public_id)
    assert "No collection was chosen" in fill(client, team, first)
    page = parse(
        client.get(library, {"collection": found.public_id, "select": "1"}).content.decode()
    )
    assert page.one("button[name=take]")["value"] == found.public_id


def test_a_private_one_is_for_nobody_else(
    team: Team, creator: User, owner: User, admin: User, client_of: ClientOf, library: str
) -> None:
    """Not for an owner of the team either."""
    asset = makers.asset(team)
    found = makers.collection(team, creator, asset)
    for person in (owner, admin):
        client = client_of(person)
        assert named(client, library) == []
        assert client.get(library, {"collection": found.public_id}).status_code == 404
        assert change(client, found, do="delete").status_code == 404
        door = reverse("collection_fill", args=[team.slug])
        for field in ("collection", "take"):
            ticked = {"asset": asset.public_id, field: found.public_id}
            assert client.post(door, ticked).status_code == 404
    assert list(found.assets.all()) == [asset]


def test_one_for_everybody_is_seen_filled_and_tidied_by_the_team(
    team: Team, creator: User, owner: User, viewer: User, client_of: ClientOf, library: str
) -> None:
    asset = makers.asset(team)
    make(client_of(creator), team, whole_team="1")
    found = Collection.objects.get()
    assert named(client_of(viewer), library) == ["Spring"]
    assert change(client_of(viewer), found, do="delete").status_code == 403
    assert "1 file is new" in fill(client_of(owner), team, asset, collection=found.public_id)
    change(client_of(owner), found, do="rename", name="Autumn")
    assert named(client_of(creator), library) == ["Autumn"]
    change(client_of(creator), found, do="hide")
    assert named(client_of(owner), library) == []
    change(client_of(creator), found, do="show")
    said = change(client_of(owner), found, do="delete")
    assert "is deleted; its files are in the library" in text(said.content.decode())
    assert team.assets.count() == 1
    events = AuditEntry.objects.filter(event__startswith="file.collection").order_by("id")
    assert [one.event for one in events] == [
        Event.COLLECTION_SHOWN,
        Event.COLLECTION_RENAMED,
        Event.COLLECTION_HIDDEN,
        Event.COLLECTION_SHOWN,
        Event.COLLECTION_DELETED,
    ]


def test_who_hides_what_is_somebody_elses_comes_back_to_the_library(
    team: Team, creator: User, owner: User, client_of: ClientOf, library: str
) -> None:
    found = makers.collection(team, creator, whole_team=True)
    said = change(client_of(owner), found, do="hide")
    assert said.status_code == 200
    assert said.redirect_chain[-1][0] == library


def test_names_and_numbers(
    team: Team, creator: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collections, "MOST", 2)
    monkeypatch.setattr(collections, "FILES", 2)
    client = client_of(creator)
    assert "Give the collection a name" in text(make(client, team, " \0 ").content.decode())
    make(client, team, "A")
    assert "There is a collection “A” already" in text(make(client, team, "A").content.decode())
    make(client, team, "B")
    assert "You have 2 collections" in text(make(client, team, "C").content.decode())
    found = Collection.objects.get(name="B")
    assert "There is a collection “A” already" in text(
        change(client, found, do="rename", name="A").content.decode()
    )
    files = [makers.asset(team) for _ in range(3)]
    said = fill(client, team, *files, collection=found.public_id)
    assert "A collection holds at most 2 files, and “B” has 0" in said
    assert not found.assets.exists()


def test_files_of_others_come_into_none(
    team: Team, creator: User, stranger: User, client_of: ClientOf, library: str
) -> None:
    theirs = makers.asset(stranger.teams.get(), name="secret.jpg")
    others = makers.collection(theirs.team, stranger, theirs, whole_team=True)
    mine = makers.collection(team, creator)
    client = client_of(creator)
    fill(client, team, theirs, collection=mine.public_id)
    assert not mine.assets.exists()
    assert client.get(library, {"collection": others.public_id}).status_code == 404
    assert client.get(library, {"collection": "x\0"}).status_code == 404


def test_what_lies_in_the_trash_comes_back_into_it(
    team: Team, owner: User, client_of: ClientOf, library: str
) -> None:
    asset = makers.asset(team, owner=owner)
    found = makers.collection(team, owner, asset)
    done = trash.delete_files(team, [asset], owner, others=True)
    client = client_of(owner)
    assert shown(client, library, collection=found.public_id) == []
    trash.restore(done.deletions, owner, others=True)
    assert len(shown(client, library, collection=found.public_id)) == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
def test_its_files_are_found_from_it(team: Team, owner: User) -> None:
    """Few are found beside however many others."""
    found = makers.collection(team, owner)
    plan = collections.inside(team.assets.all(), found).order_by("-pk")[:25].explain()
    assert "asset_kept (team_id=? AND id=?" in plan, plan
    assert "SCAN" not in plan, plan


# ── two at once ──


def test_one_that_was_deleted_meanwhile_is_filled_no_more(
    team: Team, creator: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was there when the click was looked at."""
    asset, found = makers.asset(team), makers.collection(team, creator)
    seen = collection_views._seen

    def meanwhile(*args: Any) -> Collection:
        stale = seen(*args)
        Collection.objects.all().delete()
        return stale

    monkeypatch.setattr(collection_views, "_seen", meanwhile)
    said = fill(client_of(creator), team, asset, collection=found.public_id)
    assert "“Spring” was deleted meanwhile" in said


def test_who_was_removed_meanwhile_makes_none(team: Team, creator: User) -> None:
    membership = team.memberships.get(user=creator)
    team.memberships.filter(pk=membership.pk).delete()
    with pytest.raises(collections.CollectionRefused, match="no member"):
        collections.make(membership, "Spring", whole_team=True)
    assert not Collection.objects.exists()


def test_two_who_delete_it_are_told_once(team: Team, creator: User, owner: User) -> None:
    one = makers.collection(team, creator, whole_team=True)
    other = Collection.objects.get(pk=one.pk)
    collections.delete(one, team.memberships.get(user=creator))
    collections.delete(other, team.memberships.get(user=owner))
    assert AuditEntry.objects.filter(event=Event.COLLECTION_DELETED).count() == 1


def test_another_name_of_one_for_everybody_is_told(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    client = client_of(creator)
    change(client, makers.collection(team, creator, whole_team=True), do="rename", name="Autumn")
    change(client, makers.collection(team, creator), do="rename", name="Mine")
    (told,) = AuditEntry.objects.filter(event__startswith="file.collection")
    assert (told.event, told.about, told.before) == (
        Event.COLLECTION_RENAMED,
        "Autumn",
        {"name": "Spring"},
    )
