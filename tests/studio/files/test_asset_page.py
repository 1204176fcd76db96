"""One file on its own page, and deleting it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from studio.files.file_store import keep
from studio.models import Asset, Team, User
from tests import files, makers

ClientOf = Callable[[User], Client]


def address(asset: Asset, more: str = "") -> str:
    return f"/t/north/library/{asset.public_id}/{more}"


def kept(team: Team, user: User, data: bytes, name: str) -> Asset:
    return keep(SimpleUploadedFile(name, data), team=team, owner=user, name=name)[0]


@pytest.mark.parametrize(
    ("name", "data", "shown"),
    [
        ("portrait.png", files.png(500, 700), ["<img src=", "500 × 700", "picture, PNG"]),
        ("speech.mp3", files.mp3(2.0), ["<audio src=", '<path class="bars" d="M', "sound, MP3"]),
        ("dance.mp4", files.mp4(2.0), ["<video src=", "poster=", "25 per second", "h264"]),
        ("dance.avi", files.avi(1.0), ["Browsers do not play AVI"]),
    ],
)
def test_every_kind_shows_itself_and_its_facts(
    team: Team, creator: User, client_of: ClientOf, name: str, data: bytes, shown: list[str]
) -> None:
    asset = kept(team, creator, data, name)
    page = client_of(creator).get(address(asset)).content.decode()
    for words in [
        *shown,
        name,
        asset.sha256[:16],
        "chidi",
        "No job uses this file.",
        f"/files/{asset.public_id}/download",
    ]:
        assert words in page, words
    assert "style=" not in page
    assert "<script>" not in page


def test_checks_and_jobs_are_named(
    team: Team, owner: User, client_of: ClientOf, settings: Any
) -> None:
    settings.ASSET_SUITABILITY = "jobs.pages.suitability.suitability"
    portrait, account = makers.asset(team), makers.account(team)
    makers.check(
        portrait,
        account,
        state="refused",
        sentence="No face is in the picture.",
        request_id="req-77",
    )
    job = makers.job(
        team,
        owner,
        title="Welcome line",
        account=account,
        files={"image_url": portrait, "audio_url": makers.asset(team, "audio")},
    )
    makers.template(team, account, portrait, name="Waltz")
    page = client_of(owner).get(address(portrait)).content.decode()
    for words in (
        "No face is in the picture.",
        "req-77",
        f'<a href="/t/north/jobs/{job.public_id}/">Welcome line</a>',
        "Dance template Waltz",
    ):
        assert words in page, words


def test_names_are_text_and_never_markup(team: Team, owner: User, client_of: ClientOf) -> None:
    asset = makers.asset(team, name='<img src=x onerror="alert(1)">.png')
    for url in (address(asset), address(asset, "delete/"), "/t/north/library/"):
        assert b"<img src=x" not in client_of(owner).get(url).content


def test_strangers_and_wrong_ids_get_nothing(
    team: Team, owner: User, stranger: User, client_of: ClientOf
) -> None:
    asset = makers.asset(team)
    assert client_of(stranger).get(address(asset)).status_code == 404
    assert (
        client_of(stranger).get(address(asset).replace("north", "evening-desk")).status_code == 404
    )
    assert client_of(owner).get("/t/north/library/nothing/").status_code == 404
    assert client_of(owner).get(address(makers.asset(stranger.teams.get()))).status_code == 404


def test_deleting_asks_first(team: Team, creator: User, client_of: ClientOf) -> None:
    asset, client = kept(team, creator, files.png(500, 500), "p.png"), client_of(creator)
    names = [asset.file.name, asset.thumb.name]
    question = client.get(address(asset, "delete/"))
    assert question.status_code == 200
    assert b"Move to the trash" in question.content
    assert Asset.objects.exists()
    answer = client.post(address(asset, "delete/"), follow=True)
    assert answer.redirect_chain == [("/t/north/trash/", 302)]
    assert "“p.png” is in the trash." in answer.content.decode()
    assert not Asset.objects.exists()
    assert all(default_storage.exists(name) for name in names), "for 30 days"
    assert client.post(address(asset, "delete/")).status_code == 404


def test_a_file_in_use_is_not_deleted_and_the_job_is_named(
    team: Team, owner: User, client_of: ClientOf
) -> None:
    speech = makers.asset(team, "audio")
    makers.job(
        team,
        owner,
        title="Welcome line",
        files={"image_url": makers.asset(team), "audio_url": speech},
    )
    client = client_of(owner)
    question = client.get(address(speech, "delete/")).content.decode()
    assert "job “Welcome line”" in question
    assert "Move to the trash" not in question
    answer = client.post(address(speech, "delete/"))
    assert answer.status_code == 409
    assert "job “Welcome line”" in answer.content.decode()
    assert Asset.objects.filter(pk=speech.pk).exists()
    assert default_storage.exists(speech.file.name)


def test_viewers_do_not_delete(
    team: Team, viewer: User, stranger: User, client_of: ClientOf
) -> None:
    asset = makers.asset(team)
    assert b"/delete/" not in client_of(viewer).get(address(asset)).content
    for method in ("get", "post"):
        assert getattr(client_of(viewer), method)(address(asset, "delete/")).status_code == 403
        assert getattr(client_of(stranger), method)(address(asset, "delete/")).status_code == 404
    assert Asset.objects.filter(pk=asset.pk).exists()


def test_a_file_is_renamed_and_keeps_its_ending(
    team: Team, creator: User, viewer: User, client_of: ClientOf
) -> None:
    asset = makers.asset(team, owner=creator, name="old.jpg")
    assert client_of(viewer).post(address(asset, "name/"), {"name": "x"}).status_code == 403
    answer = client_of(creator).post(
        address(asset, "name/"), {"name": " Front\ndesk.png "}, follow=True
    )
    assert "It is called “Front desk.jpg” now." in answer.content.decode()
    client_of(creator).post(address(asset, "name/"), {"name": " "})
    asset.refresh_from_db()
    assert asset.name == "Front desk.jpg"
