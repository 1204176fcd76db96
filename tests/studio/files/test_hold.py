"""The library's offer to hold the last picture of a video until its sound ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studio.files import edit_queue, file_store
from studio.models import Asset, Edit, Team, User
from tests.html import parse, text
from tests.intake import pictures

ClientOf = Callable[[User], Client]


@pytest.fixture(autouse=True)
def wakeups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.common.wakeup.enqueue_edit", lambda pk: None)


@pytest.fixture
def recording(team: Team, creator: User) -> Asset:
    return kept(team, creator, 1.0, 2.5)


def kept(team: Team, by: User, seconds: float, sound: float) -> Asset:
    file = SimpleUploadedFile("steps.mp4", pictures.tracks("mp4", seconds, sound))
    return file_store.keep(file, team=team, owner=by, name="steps.mp4")[0]


def test_a_video_is_held_from_the_library(
    client_of: ClientOf, creator: User, team: Team, recording: Asset
) -> None:
    client = client_of(creator)
    page = client.get(recording.get_absolute_url()).content.decode()
    assert "The pictures end after 1.0 s, the sound after 2.5 s." in text(page)
    url = str(parse(page).one("#hold form")["action"])
    for _click in range(2):
        assert client.post(url).status_code == 302
    edit = Edit.objects.get()
    page = client.get(recording.get_absolute_url()).content.decode()
    assert "is being made" in text(page)
    assert not parse(page).has("#hold form")
    edit_queue.step(edit.pk)
    page = client.get(recording.get_absolute_url()).content.decode()
    made = Asset.objects.get(origin="edit")
    assert f"{made.name}: last picture held" in text(page)
    assert made.seconds == pytest.approx(2.5, abs=0.04)
    assert not parse(client.get(made.get_absolute_url()).content.decode()).has("#hold")


def test_a_video_that_could_not_be_held_says_why_and_may_be_tried_again(
    client_of: ClientOf, creator: User, recording: Asset, team: Team
) -> None:
    client, url = client_of(creator), reverse("asset_hold", args=[team.slug, recording.public_id])
    client.post(url)
    Edit.objects.update(state=Edit.State.FAILED, sentence="It broke.")
    page = client.get(recording.get_absolute_url()).content.decode()
    assert "It broke." in text(page)
    client.post(url)
    assert Edit.objects.get().state == Edit.State.WAITING


def test_no_other_file_is_held(
    client_of: ClientOf, creator: User, viewer: User, team: Team, recording: Asset
) -> None:
    steady = kept(team, creator, 2.0, 2.0)
    client = client_of(creator)
    assert not parse(client.get(steady.get_absolute_url()).content.decode()).has("#hold")
    for public_id, status in ((steady.public_id, 302), ("nothing", 404), ("%00", 404)):
        url: Any = reverse("asset_hold", args=[team.slug, "x"]).replace("/x/", f"/{public_id}/")
        assert client.post(url).status_code == status
    assert not Edit.objects.exists()
    page = client_of(viewer).get(recording.get_absolute_url()).content.decode()
    assert not parse(page).has("#hold")
