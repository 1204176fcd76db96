"""A video whose pictures end before its sound, on the create pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studio.files import edit_queue, file_store
from studio.models import Asset, Edit, Team, User
from tests import files
from tests.html import parse, text
from tests.intake import pictures

ClientOf = Callable[[User], Client]
HX: dict[str, Any] = {"headers": {"HX-Request": "true"}}
OFFER = "Hold the last picture until the sound ends — free, about a minute"


@pytest.fixture(autouse=True)
def wakeups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.common.wakeup.enqueue_edit", lambda pk: None)


def kept(team: Team, by: User, name: str, data: bytes) -> Asset:
    return file_store.keep(SimpleUploadedFile(name, data), team=team, owner=by, name=name)[0]


def recording(team: Team, by: User, seconds: float = 3.0, sound: float = 5.3) -> Asset:
    """A screen recording that a model takes in every other way."""
    data = pictures.tracks("mp4", seconds, sound, size=(480, 640))
    return kept(team, by, "steps.mp4", data)


def test_the_price_before_the_click_is_that_of_the_held_video(
    client_of: ClientOf, creator: User, team: Team, account: Any
) -> None:
    video = recording(team, creator)
    client, page = client_of(creator), reverse("jobs:template", args=[team.slug])
    chosen = {"page": "template", "video_url": video.public_id}
    html = client.get(page, chosen).content.decode()
    assert OFFER in text(html)
    assert "Its pictures end after 3.0 s and its sound goes on until 5.3 s." in text(html)
    said = parse(html).one("[data-held-price]").text
    client.post(reverse("jobs:fix", args=[team.slug]), chosen | {"fix": "hold:video_url"}, **HX)
    edit_queue.step(Edit.objects.get().pk)
    made = Asset.objects.get(origin="edit")
    assert made.milliseconds == pytest.approx(video.sound_milliseconds, abs=34)
    after = client.get(page, chosen | {"video_url": made.public_id}).content.decode()
    price = parse(after).one("#generate .price").text
    assert price
    assert price.strip("— ") in said
    assert price not in parse(html).one("#generate .price").text
    assert OFFER not in text(after)
    assert made.name == "steps, last picture held.mp4"


def test_nothing_is_offered_where_nothing_is_gained(
    client_of: ClientOf, creator: User, team: Team, account: Any
) -> None:
    client, page = client_of(creator), reverse("jobs:template", args=[team.slug])
    for seconds, sound in ((3.0, 3.2), (3.0, 0.0), (2.5, 70.0)):
        video = recording(team, creator, seconds, sound)
        chosen = {"page": "template", "video_url": video.public_id}
        assert OFFER not in text(client.get(page, chosen).content.decode())
        answer = client.post(
            reverse("jobs:fix", args=[team.slug]), chosen | {"fix": "hold:video_url"}, **HX
        )
        assert "last as long as its sound" in text(answer.content.decode())
    assert not Edit.objects.exists()


def test_a_video_that_is_too_short_becomes_long_enough(
    client_of: ClientOf, creator: User, team: Team, account: Any
) -> None:
    video = recording(team, creator, 1.0, 4.0)
    client, page = client_of(creator), reverse("jobs:template", args=[team.slug])
    chosen = {"page": "template", "video_url": video.public_id}
    html = client.get(page, chosen).content.decode()
    assert OFFER in text(html)
    short = "It lasts 1.0 s; 2.0 s is the least."
    assert short in " ".join(parse(html).texts(".notice"))
    client.post(reverse("jobs:fix", args=[team.slug]), chosen | {"fix": "hold:video_url"}, **HX)
    edit_queue.step(Edit.objects.get().pk)
    made = Asset.objects.get(origin="edit")
    html = client.get(page, chosen | {"video_url": made.public_id}).content.decode()
    assert short not in " ".join(parse(html).texts(".notice"))
    assert parse(html).one("#generate .price").text


def test_in_a_dance_the_price_counts_template_and_video(
    client_of: ClientOf, creator: User, team: Team, account: Any
) -> None:
    video = recording(team, creator)
    picture = kept(team, creator, "ana.jpg", files.jpeg(600, 800))
    client, page = client_of(creator), reverse("jobs:dance", args=[team.slug])
    chosen = {"image_url": picture.public_id, "template_video": video.public_id}
    html = client.get(page, chosen).content.decode()
    said = parse(html).one("[data-held-price]").text
    edit = edit_queue.ask(video, {"do": "film", "hold": True}, creator)
    edit_queue.step(edit.pk)
    made = Asset.objects.get(origin="edit")
    after = client.get(page, chosen | {"template_video": made.public_id}).content.decode()
    price = parse(after).one("#generate .price").text
    assert price.strip("— ") in said
