"""Fixes of videos in place on the create pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studio.files import edit_queue, file_store
from studio.models import Asset, Edit, Team, User
from tests import files, makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]
HX: dict[str, Any] = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def url(team: Team) -> str:
    return reverse("jobs:fix", args=[team.slug])


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    bells: list[int] = []
    monkeypatch.setattr("jobs.common.wakeup.enqueue_edit", bells.append)
    monkeypatch.setattr("jobs.common.wakeup.enqueue_check", lambda pk: None)
    return bells


def kept(team: Team, by: User, name: str, data: bytes) -> Asset:
    return file_store.keep(SimpleUploadedFile(name, data), team=team, owner=by, name=name)[0]


@pytest.fixture
def moves(team: Team, creator: User, account: Any) -> dict[str, str]:
    """A template from a video of 15 frames a second."""
    return {
        "page": "template",
        "video_url": kept(team, creator, "steps.mp4", files.mp4(2.5, fps=15)).public_id,
    }


# ── videos ────────────────────────────────────────────────────────────────────────────────────────
def test_a_slow_video_is_made_over_and_takes_its_place_by_itself(
    client_of: ClientOf,
    creator: User,
    team: Team,
    url: str,
    moves: dict[str, str],
    rung: list[int],
    django_capture_on_commit_callbacks: Any,
) -> None:
    client, page = client_of(creator), reverse("jobs:template", args=[team.slug])
    html = client.get(page, moves).content.decode()
    assert "Make it 24 frames per second — free, about a minute" in text(html)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(url, moves | {"fix": "auto:video_url"}, **HX)
    edit = Edit.objects.get()
    html = answer.content.decode()
    assert rung == [edit.pk]
    assert "The video is being made over" in html
    assert 'hx-trigger="every 2s"' in html
    assert f"edit_video_url={edit.public_id}" in answer["HX-Replace-Url"]
    assert parse(html).has("#generate[disabled]")
    waiting = moves | {"edit_video_url": edit.public_id}
    assert client.get(url, waiting, **HX).status_code == 204
    assert client.post(page, waiting | {"do": "make", "key": "k"}).status_code == 422
    edit_queue.step(edit.pk)
    answer = client.get(url, waiting, **HX)
    made = Asset.objects.get(origin="edit")
    html = answer.content.decode()
    assert (round(made.fps), made.codec) == (24, "h264")
    assert f'name="video_url" value="{made.public_id}"' in html
    assert "every 2s" not in html
    assert "edit_video_url" not in answer["HX-Replace-Url"]
    # a second time it is there at once
    html = client.post(url, moves | {"fix": "auto:video_url"}, **HX).content.decode()
    assert f'name="video_url" value="{made.public_id}"' in html


def test_without_a_script_a_link_looks_again(
    client_of: ClientOf, creator: User, team: Team, url: str, moves: dict[str, str], rung: list[int]
) -> None:
    client = client_of(creator)
    answer = client.post(url, moves | {"fix": "auto:video_url"})
    html = client.get(answer["Location"]).content.decode()
    link = parse(html).named("a", "Look again")["href"]
    edit_queue.step(Edit.objects.get().pk)
    answer = client.get(link)
    assert answer.status_code == 302
    assert f"video_url={Asset.objects.get(origin='edit').public_id}" in answer["Location"]


def test_a_failed_edit_shows_its_sentence_and_can_be_tried_again(
    client_of: ClientOf, creator: User, team: Team, url: str, moves: dict[str, str], rung: list[int]
) -> None:
    client, page = client_of(creator), reverse("jobs:template", args=[team.slug])
    client.post(url, moves | {"fix": "cut:video_url", "cut_from": "0.1", "cut_to": "2.3"}, **HX)
    edit = Edit.objects.get()
    Edit.objects.update(state="failed", sentence="The video is broken after 2 s.")
    failed = moves | {"edit_video_url": edit.public_id}
    html = client.get(url, failed, **HX).content.decode()
    assert html.count("The video is broken after 2 s.") == 1
    assert 'value="again:video_url"' in html
    assert f'name="edit_video_url" value="{edit.public_id}"' in html, (
        "the sentence stays until something is done"
    )
    assert "The video is broken after 2 s." in client.get(page, failed).content.decode()
    html = client.post(url, failed | {"fix": "again:video_url"}, **HX).content.decode()
    edit.refresh_from_db()
    assert (edit.state, Edit.objects.count()) == ("waiting", 1)
    assert "The video is being made over" in html


def test_a_part_of_a_video_is_kept(
    client_of: ClientOf, creator: User, team: Team, account: Any, url: str, rung: list[int]
) -> None:
    video = kept(team, creator, "steps.mp4", files.mp4(5.0))
    fields = {"page": "dance", "template_video": video.public_id}
    html = client_of(creator).get(reverse("jobs:dance", args=[team.slug]), fields).content.decode()
    assert 'name="cut_from"' in html
    client_of(creator).post(
        url, fields | {"fix": "cut:template_video", "cut_from": "1.5", "cut_to": "4"}, **HX
    )
    edit = Edit.objects.get()
    assert (edit.recipe["start"], edit.recipe["stop"]) == (1500, 4000)
    edit_queue.step(edit.pk)
    answer = client_of(creator).get(url, fields | {"edit_template_video": edit.public_id}, **HX)
    made = Asset.objects.get(origin="edit")
    assert abs(made.milliseconds - 2500) <= 50
    assert f"template_video={made.public_id}" in answer["HX-Replace-Url"]
    assert "Back to the original" in answer.content.decode()


@pytest.mark.parametrize(
    ("start", "stop", "sentence"),
    [
        ("1", "2.5", "Keep at least 2 s"),
        ("4", "1", "Keep at least 2 s"),
        ("99", "", "Keep at least 2 s"),
        ("one", "2", "Give the times in seconds"),
        ("", "", "nothing would change"),
        ("0", "5", "nothing would change"),
    ],
)
def test_a_part_that_cannot_be_gets_a_sentence(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Any,
    url: str,
    start: str,
    stop: str,
    sentence: str,
) -> None:
    video = makers.asset(team, "video", milliseconds=5000)
    fields = {
        "page": "template",
        "video_url": video.public_id,
        "fix": "cut:video_url",
        "cut_from": start,
        "cut_to": stop,
    }
    assert sentence in client_of(creator).post(url, fields, **HX).content.decode()
    assert not Edit.objects.exists()
