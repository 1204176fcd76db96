"""A fix of a picture whose page would have to wait for others is made by a worker; the page shows
its place in line meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studio.files import edit_queue, file_store
from studio.media.decoders import pool
from studio.media.decoders.pool import Pool
from studio.models import Asset, Edit, Team, User
from tests import files
from tests.html import parse, text

ClientOf = Callable[[User], Client]
HX: dict[str, Any] = {"headers": {"HX-Request": "true"}}


def kept(team: Team, by: User, name: str, data: bytes) -> Asset:
    return file_store.keep(SimpleUploadedFile(name, data), team=team, owner=by, name=name)[0]


@pytest.fixture
def webp(team: Team, creator: User, account: Any) -> dict[str, str]:
    """A dance whose character is of a kind that the model does not take."""
    asset = kept(team, creator, "Mia.webp", files.webp(600, 800))
    return {"page": "dance", "image_url": asset.public_id}


@pytest.fixture
def busy_pages(webp: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """As many pages wait for decoders as may."""
    own = Pool(1, 1000, page_turns=0)
    monkeypatch.setattr(pool, "_pool", own)
    yield own
    own.close()


def test_a_crop_takes_its_turn_without_its_page(
    client_of: ClientOf,
    creator: User,
    owner: User,
    team: Team,
    webp: dict[str, str],
    busy_pages: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.common.wakeup.enqueue_edit", lambda pk: None)
    client, url = client_of(creator), reverse("jobs:fix", args=[team.slug])
    picture = Asset.objects.get(public_id=webp["image_url"])
    before = edit_queue.ask(picture, {"do": "picture", "max_side": 300}, owner)
    html = client.post(url, webp | {"fix": "auto:image_url"}, **HX).content.decode()
    edit = Edit.objects.exclude(pk=before.pk).get()
    assert "The picture is being made over In line: 1 goes first." in text(html)
    assert parse(html).has("#generate[disabled]")
    waiting = webp | {"edit_image_url": edit.public_id, "edits_ahead": "1"}
    assert client.get(url, waiting, **HX).status_code == 204

    busy_pages.page_turns = None  # a worker is no page
    edit_queue.step(before.pk)
    moved = client.get(url, waiting, **HX)
    assert moved.status_code == 200, "the place in line is another one"
    assert "In line" not in text(moved.content.decode())
    edit_queue.step(edit.pk)
    html = client.get(url, waiting | {"edits_ahead": "0"}, **HX).content.decode()
    edit.refresh_from_db()
    made = edit.made
    assert made is not None
    assert f'name="image_url" value="{made.public_id}"' in html


def test_a_form_without_a_script_is_told_to_try_again(
    client_of: ClientOf, creator: User, team: Team, busy_pages: Pool
) -> None:
    sent = SimpleUploadedFile("p.jpg", files.jpeg(500, 500))
    answer = client_of(creator).post(
        reverse("upload", args=[team.slug]), {"file": sent}, follow=True
    )
    assert answer.status_code == 200
    assert "too many wait already; nothing was done. Try again in a few seconds." in text(
        answer.content.decode()
    )
    assert Asset.objects.count() == 1
