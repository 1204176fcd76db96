"""The pages that ask before they delete, the trash, and that nothing else shows what lies in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from jobs.common.states import State
from jobs.models import Account, Job
from jobs.orders import trash, trash_sweep
from studio.files import links
from studio.models import Asset, Deletion, Team, User
from tests import makers
from tests.html import parse

ClientOf = Callable[[User], Client]
TRASH = "/t/north/trash/"


def pictured(team: Team, kind: str = "image", **more: Any) -> Asset:
    asset = makers.asset(team, kind, **more)
    asset.thumb = default_storage.save(
        f"{team.pk}/{asset.sha256}.thumb.webp", ContentFile(b"RIFF small WEBP")
    )
    asset.save(update_fields=["thumb"])
    return asset


@pytest.fixture
def job(team: Team, creator: User, account: Account) -> Job:
    """A finished job of pictures, all of `creator`."""
    files = {
        "image_url": pictured(team, owner=creator, name="face.jpg"),
        "audio_url": makers.asset(team, "audio", owner=creator, name="voice.mp3"),
    }
    film = pictured(team, "video", owner=creator, origin="result", name="film.mp4")
    return makers.job(
        team,
        creator,
        account=account,
        state=State.SUCCEEDED,
        result=film,
        files=files,
        title="Welcome line",
    )


def of(job: Job) -> Asset:
    assert job.result is not None
    return job.result


def test_a_job_asks_and_says_what_goes_and_what_stays(
    job: Job, creator: User, client_of: ClientOf
) -> None:
    client = client_of(creator)
    page = parse(client.get(job.get_absolute_url()))
    assert f"{job.get_absolute_url()}delete/" in page.values("a", "href")
    asked = client.get(f"{job.get_absolute_url()}delete/").content.decode()
    for said in ("1 video", "its row stays, empty, for the bill", "the ledger is never changed"):
        assert said in asked
    assert "1 file" not in asked
    more = client.get(f"{job.get_absolute_url()}delete/?files=1").content.decode()
    assert "2 files, with their small pictures" in more
    assert Job.objects.exclude(deletion=None).count() == 0
    answer = client.post(f"{job.get_absolute_url()}delete/", {"files": "1"}, follow=True)
    assert answer.redirect_chain == [(TRASH, 302)]
    assert "“Welcome line” is in the trash." in answer.content.decode()
    assert not job.team.assets.exists()


def test_what_lies_in_the_trash_is_shown_nowhere(
    job: Job, team: Team, creator: User, owner: User, client_of: ClientOf
) -> None:
    film, face = of(job), job.inputs.get(name="image_url").asset
    outside = reverse(
        "outside_file", args=[links._token(film.public_id, 2**33), links.outside_name(film)]
    )
    addresses = {
        outside: 404,
        **{
            reverse("asset_file", args=["north", one.public_id, what]): 404
            for one in (film, face)
            for what in ("original", "download", "thumb")
        },
        reverse("asset", args=["north", film.public_id]): 404,
        reverse("asset_delete", args=["north", film.public_id]): 404,
        reverse("jobs:row", args=["north", job.public_id]): 404,
        reverse("jobs:job_live", args=["north", job.public_id]): 404,
        reverse("jobs:job_sound", args=["north", job.public_id]): 404,
        reverse("jobs:job", args=["north", job.public_id]): 410,
    }
    client = client_of(owner)
    before = {address: client.get(address).status_code for address in addresses}
    assert set(before.values()) <= {200, 404}
    assert before[outside] == 200
    trash.delete_jobs(team, [job], creator, others=False, files=True)
    assert {address: client.get(address).status_code for address in addresses} == addresses
    names = ("film.mp4", "face.jpg", film.public_id, face.public_id)
    for address in (
        reverse("library", args=["north"]),
        reverse("library", args=["north"]) + "?q=film",
        reverse("jobs:board", args=["north"]),
        reverse("jobs:board", args=["north"]) + "?q=Welcome",
        reverse("jobs:portrait", args=["north"]) + f"?image_url={face.public_id}",
        reverse("jobs:batch", args=["north"]),
        reverse("jobs:job", args=["north", job.public_id]),
        reverse("file_known", args=["north"]) + f"?sha256={face.sha256}",
    ):
        page = client.get(address).content.decode()
        for name in names:
            assert name not in page, (address, name)
        assert "Welcome line" not in page or job.public_id in address, address
    for door in ("cancel", "again", "whole", "ask_now", "front"):
        answer = client.post(reverse(f"jobs:{door}", args=["north", job.public_id]))
        assert answer.status_code == 404, door


def test_other_jobs_with_a_deleted_picture_open(
    job: Job, team: Team, creator: User, client_of: ClientOf
) -> None:
    face = job.inputs.get(name="image_url").asset
    client = client_of(creator)
    done = trash.delete_files(team, [face], creator, others=False)
    for _erased in range(2):
        page = client.get(job.get_absolute_url())
        assert page.status_code == 200
        assert "face.jpg" not in page.content.decode()
        assert client.get(reverse("jobs:board", args=["north"])).status_code == 200
        again = client.post(reverse("jobs:again", args=["north", job.public_id]), follow=True)
        assert "is missing. Choose a file." in again.content.decode()
        Deletion.objects.filter(pk=done.deletions[0].pk).update(remove_at="2020-01-01T00:00Z")
        trash_sweep.work()


def test_a_portrait_with_everything_made_of_it(
    job: Job, team: Team, creator: User, client_of: ClientOf
) -> None:
    face = job.inputs.get(name="image_url").asset
    client = client_of(creator)
    alone = client.get(f"{face.get_absolute_url()}delete/").content.decode()
    assert "1 video that was made of it" in alone
    whole = client.get(f"{face.get_absolute_url()}delete/?whole=1").content.decode()
    assert "1 video</li>" in whole
    client.post(f"{face.get_absolute_url()}delete/", {"whole": "1"})
    assert [one.name for one in team.assets.all()] == ["voice.mp3"]


def test_several_are_asked_for_together(
    job: Job, team: Team, creator: User, client_of: ClientOf
) -> None:
    more = [makers.asset(team, owner=creator) for _n in range(3)]
    client = client_of(creator)
    url = reverse("jobs:delete_several", args=["north"])
    fields = {"job": [job.public_id], "asset": [one.public_id for one in more]}
    asked = client.post(url, fields)
    assert asked.status_code == 200
    assert "Delete 4 things" in asked.content.decode()
    assert not Deletion.objects.exists()
    done = client.post(url, {**fields, "sure": "1"}, follow=True)
    assert "4 things are in the trash." in done.content.decode()
    assert Deletion.objects.count() == 4
    nothing = client.post(url, {"sure": "1", "next": "//evil.example/"})
    assert nothing["Location"] == reverse("library", args=["north"])


def test_what_is_in_the_way_is_said_and_linked(
    team: Team, creator: User, account: Account, client_of: ClientOf
) -> None:
    waiting = makers.job(team, creator, account=account, title="Still waiting")
    client = client_of(creator)
    url = reverse("jobs:job_delete", args=["north", waiting.public_id])
    asked = parse(client.get(url))
    assert waiting.get_absolute_url() in asked.values("a", "href")
    assert "Move to the trash" not in client.get(url).content.decode()
    assert client.post(url).status_code == 409


# ── the trash ─────────────────────────────────────────────────────────────────────────────────────


def test_the_trash_restores_several(team: Team, creator: User, client_of: ClientOf) -> None:
    lies = [makers.deletion(team, creator) for _n in range(3)]
    client = client_of(creator)
    page = client.get(TRASH)
    assert parse(page).texts("h3 > label") == [one.name for one in reversed(lies)]
    assert "counts as stored" in " ".join(page.content.decode().split())
    chosen = [one.public_id for one in lies[:2]]
    answer = client.post(TRASH, {"do": "restore", "deletion": chosen}, follow=True)
    assert "2 things are where they were." in answer.content.decode()
    assert team.assets.count() == 2


def test_erasing_at_once_asks_first(team: Team, creator: User, client_of: ClientOf) -> None:
    lies, client = makers.deletion(team, creator), client_of(creator)
    fields = {"do": "erase", "deletion": lies.public_id}
    asked = client.post(TRASH, fields)
    assert "Erase 1 thing for ever" in " ".join(asked.content.decode().split())
    lies.refresh_from_db()
    assert not lies.erasing
    client.post(TRASH, {**fields, "sure": "1"})
    lies.refresh_from_db()
    assert lies.erasing
    assert "is being erased" in client.get(TRASH).content.decode()


def test_who_sees_what_in_the_trash(
    team: Team,
    owner: User,
    creator: User,
    admin: User,
    viewer: User,
    client_of: ClientOf,
) -> None:
    theirs, mine = makers.deletion(team, admin), makers.deletion(team, creator)
    assert client_of(viewer).get(TRASH).status_code == 403
    page = client_of(creator).get(TRASH).content.decode()
    assert mine.name in page
    assert theirs.name not in page
    thumb = reverse("jobs:trash_thumb", args=["north", theirs.public_id])
    assert client_of(creator).get(thumb).status_code == 404
    assert client_of(owner).get(thumb).status_code == 200
    client_of(creator).post(TRASH, {"do": "restore", "deletion": theirs.public_id})
    assert Deletion.objects.filter(pk=theirs.pk).exists()
    assert theirs.name in client_of(owner).get(TRASH).content.decode()


def test_the_trash_costs_the_same_however_much_lies_in_it(
    team: Team, creator: User, client_of: ClientOf, django_assert_max_num_queries: Any
) -> None:
    client = client_of(creator)
    makers.deletion(team, creator)
    client.get(TRASH)
    with django_assert_max_num_queries(14) as few:
        client.get(TRASH)
    for _n in range(5):
        makers.deletion(team, creator)
    with django_assert_max_num_queries(len(few)):
        client.get(TRASH)


def test_the_library_selects_several_and_says_what_is_stored(
    team: Team, creator: User, viewer: User, client_of: ClientOf
) -> None:
    team.storage_limit_mb = 5
    team.save(update_fields=["storage_limit_mb"])
    assets = [makers.asset(team, owner=creator) for _n in range(3)]
    makers.deletion(team, creator)
    client = client_of(creator)
    page = client.get(reverse("library", args=["north"]))
    assert "are stored, with what lies in the trash." in " ".join(page.content.decode().split())
    assert not parse(page).has("input[name=asset]")
    page = parse(client.get(reverse("library", args=["north"]) + "?select=1"))
    assert page.values("input[name=asset]", "value") == [one.public_id for one in reversed(assets)]
    looking = client_of(viewer).get(reverse("library", args=["north"]) + "?select=1")
    assert not parse(looking).has("input[name=asset]")
    url = page.one("form[action$='trash/delete/']")["action"]
    asked = client.post(url, {"asset": [one.public_id for one in assets[:2]]})
    assert "Delete 2 things" in asked.content.decode()
