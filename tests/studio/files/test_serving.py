"""Files as members get them: originals, downloads and small pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from studio.files.file_store import keep
from studio.files.serving import PIECE
from studio.models import Asset, Team, User
from tests import files, makers

ClientOf = Callable[[User], Client]


def address(asset: Asset, what: str) -> str:
    return f"/t/north/files/{asset.public_id}/{what}"


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


@pytest.fixture
def picture(team: Team, creator: User) -> Asset:
    return keep(
        SimpleUploadedFile("p", files.jpeg(600, 800)), team=team, owner=creator, name="Welcome.jpg"
    )[0]


def test_members_see_the_file_and_its_small_picture(
    picture: Asset, viewer: User, client_of: ClientOf
) -> None:
    client = client_of(viewer)
    original = client.get(address(picture, "original"))
    assert original.status_code == 200
    assert len(body(original)) == picture.size == int(original["Content-Length"])
    assert original["Content-Type"] == "image/jpeg"
    assert original["Cache-Control"].startswith("private, max-age=")
    assert original["Content-Disposition"].startswith("inline")
    thumb = client.get(address(picture, "thumb"))
    data = body(thumb)
    assert thumb["Content-Type"] == "image/webp"
    assert data[8:12] == b"WEBP"
    assert len(data) == int(thumb["Content-Length"])
    assert (
        client.get(
            address(picture, "original"), headers={"if-none-match": original["ETag"]}
        ).status_code
        == 304
    )


def test_nobody_else_does(picture: Asset, stranger: User, client_of: ClientOf, team: Team) -> None:
    for what in ("original", "download", "thumb"):
        assert client_of(stranger).get(address(picture, what)).status_code == 404
        assert (
            client_of(stranger)
            .get(address(picture, what).replace("north", "evening-desk"))
            .status_code
            == 404
        )
        assert Client().get(address(picture, what)).status_code == 302


def test_what_is_not_there(picture: Asset, owner: User, team: Team, client_of: ClientOf) -> None:
    client, sound = client_of(owner), makers.asset(team, "audio")
    assert client.get(address(picture, "secret")).status_code == 404
    assert client.get(address(sound, "thumb")).status_code == 404
    assert client.get("/t/north/files/nothing/original").status_code == 404
    assert client.get("/t/north/files/a%00b/original").status_code == 404
    assert client.post(address(picture, "original")).status_code == 405


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("plain.jpg", 'attachment; filename="plain.jpg"'),
        ("a'b; c.jpg", 'attachment; filename="a\'b; c.jpg"'),
        ('say "hi".jpg', 'attachment; filename="say \\"hi\\".jpg"'),
        ("公演 é.jpg", "attachment; filename*=utf-8''%E5%85%AC%E6%BC%94%20%C3%A9.jpg"),
    ],
)
def test_a_download_has_its_name(
    team: Team, owner: User, client_of: ClientOf, name: str, header: str
) -> None:
    asset = makers.asset(team, "image", name=name)
    response = client_of(owner).get(address(asset, "download"))
    assert response["Content-Disposition"] == header


def test_a_player_gets_an_open_range_in_pieces(
    team: Team, owner: User, client_of: ClientOf
) -> None:
    data = bytes(PIECE + 5000)
    asset, client = makers.asset(team, "video", data), client_of(owner)
    first = client.get(address(asset, "original"), headers={"range": "bytes=0-"})
    assert first.status_code == 206
    assert first["Content-Range"] == f"bytes 0-{PIECE - 1}/{len(data)}"
    assert len(body(first)) == PIECE
    rest = client.get(address(asset, "original"), headers={"range": f"bytes={PIECE}-"})
    assert rest["Content-Range"] == f"bytes {PIECE}-{len(data) - 1}/{len(data)}"
    assert len(body(rest)) == 5000
