"""Consent: the word that the team may use a person, asked once per file, kept with who and when at
the click that makes the video."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Budget, Job
from jobs.orders import consent, create
from studio.files import edit_queue
from studio.models import Asset, Consent, Team, User
from tests import files, makers
from tests.html import parse

ClientOf = Callable[[User], Client]
HX: dict[str, Any] = {"headers": {"HX-Request": "true"}}
PICTURE, SPEECH, MOVES = (
    f"The team may use this person’s {what}." for what in ("likeness", "voice", "moves")
)


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:portrait", args=[team.slug])


@pytest.fixture
def picture(team: Team, account: Any) -> Asset:
    made = makers.asset(team, consent=False)
    makers.check(made, account, answered_at=timezone.now())
    return made


@pytest.fixture
def speech(team: Team) -> Asset:
    return makers.asset(team, "audio", consent=False)


@pytest.fixture
def ready(picture: Asset, speech: Asset) -> dict[str, str]:
    return {"page": "portrait", "image_url": picture.public_id, "audio_url": speech.public_id}


@pytest.fixture
def ticked(ready: dict[str, str]) -> dict[str, str]:
    return ready | {
        "consent_image_url": ready["image_url"],
        "consent_audio_url": ready["audio_url"],
    }


def why(html: str) -> str:
    return " ".join(parse(html).texts("#why"))


def boxes(html: str, ticked: str = "") -> list[str]:
    """The files whose word is asked on the page, by the names of their fields."""
    found = parse(html).values(f"input[type=checkbox][name^=consent_]{ticked}", "name")
    return [name.removeprefix("consent_") for name in found]


def ticked_boxes(html: str) -> list[str]:
    return boxes(html, "[checked]")


# ── the page ──────────────────────────────────────────────────────────────────────────────────────
def test_without_a_word_the_button_says_what_is_missing_one_after_the_other(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str], ticked: dict[str, str]
) -> None:
    client = client_of(creator)
    html = client.get(page, ready).content.decode()
    assert why(html) == "Say first that the team may use this picture."
    assert PICTURE in html
    assert SPEECH in html
    assert "image_url" not in ticked_boxes(html)
    html = client.get(page, ready | {"consent_image_url": ready["image_url"]}).content.decode()
    assert why(html) == "Say first that the team may use this speech."
    html = client.get(page, ticked).content.decode()
    assert why(html) == ""
    assert ticked_boxes(html) == ["image_url", "audio_url"]


def test_files_and_the_check_come_first(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    client = client_of(creator)
    assert why(client.get(page, ready | {"ratio": "3:4"}).content.decode()).startswith(
        "The picture is not checked yet."
    )
    assert (
        why(client.get(page, {"image_url": ready["image_url"]}).content.decode())
        == "Speech is missing. Choose a file."
    )


def test_the_tick_is_in_the_address_and_in_the_next_form_and_not_yet_kept(
    client_of: ClientOf, creator: User, team: Team, ready: dict[str, str], ticked: dict[str, str]
) -> None:
    answer = client_of(creator).get(reverse("jobs:price", args=[team.slug]), ticked, **HX)
    assert f"consent_image_url={ready['image_url']}" in answer["HX-Replace-Url"]
    assert f"consent_audio_url={ready['audio_url']}" in answer["HX-Replace-Url"]
    assert "image_url" in ticked_boxes(answer.content.decode())
    assert not Consent.objects.exists()


def test_another_file_needs_a_word_of_its_own(
    client_of: ClientOf, creator: User, team: Team, page: str, ticked: dict[str, str]
) -> None:
    other = makers.asset(team, "audio", consent=False)
    price = reverse("jobs:price", args=[team.slug])
    answer = client_of(creator).get(price, ticked | {"pick_audio_url": other.public_id}, **HX)
    assert "audio_url" not in ticked_boxes(answer.content.decode())
    assert "image_url" in ticked_boxes(answer.content.decode())
    assert "consent_audio_url" not in answer["HX-Replace-Url"]


def test_an_upload_without_a_script_takes_no_tick_over(
    client_of: ClientOf, creator: User, page: str, ticked: dict[str, str]
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    sent = SimpleUploadedFile("other.jpg", files.jpeg(640, 640), "image/jpeg")
    answer = client_of(creator).post(page, ticked | {"upload_image_url": sent, "do": "upload"})
    assert "consent_image_url" not in answer["Location"]
    assert "consent_audio_url" in answer["Location"]


def test_a_foreign_word_in_the_address_is_no_word(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    for word in ("on", "1", ready["audio_url"], "x" * 60):
        html = client_of(creator).get(page, ready | {"consent_image_url": word}).content.decode()
        assert why(html) == "Say first that the team may use this picture."


# ── the click ─────────────────────────────────────────────────────────────────────────────────────
def test_by_hand_nothing_is_made_without_it(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    for do in ("make", "sweep"):
        answer = client_of(creator).post(page, ready | {"do": do, "key": "k"})
        assert answer.status_code == 422
        assert "Say first that the team may use this picture." in answer.content.decode()
    assert (Job.objects.count(), Consent.objects.count()) == (0, 0)


def test_the_click_keeps_who_said_what_and_when(
    client_of: ClientOf,
    creator: User,
    owner: User,
    page: str,
    picture: Asset,
    speech: Asset,
    ticked: dict[str, str],
) -> None:
    before = timezone.now()
    assert client_of(creator).post(page, ticked | {"do": "make", "key": "k"}).status_code == 302
    assert Job.objects.count() == 1
    said = {row.asset: row for row in Consent.objects.all()}
    assert {asset: row.said for asset, row in said.items()} == {picture: PICTURE, speech: SPEECH}
    assert all(row.by == creator and before <= row.at <= timezone.now() for row in said.values())
    # and it is asked no more, of nobody
    Consent.objects.update(at=datetime(2026, 11, 14, 9, tzinfo=UTC))
    html = (
        client_of(owner)
        .get(page, {name: ticked[name] for name in ("image_url", "audio_url")})
        .content.decode()
    )
    assert why(html) == ""
    assert html.count("Chidi said so on 14 Nov.") == 2
    assert "image_url" not in boxes(html)
    assert client_of(owner).post(page, ticked | {"do": "make", "key": "k2"}).status_code == 302
    assert {row.by for row in Consent.objects.all()} == {creator}


def test_a_part_of_a_speech_inherits_the_word_of_the_same_click(
    client_of: ClientOf, creator: User, team: Team, page: str, account: Any, picture: Asset
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from studio.files import file_store

    sent = SimpleUploadedFile("hello.wav", files.wav(4.0))
    whole = file_store.keep(sent, team=team, owner=creator, name="hello.wav")[0]
    fields = {
        "page": "portrait",
        "image_url": picture.public_id,
        "audio_url": whole.public_id,
        "keep_audio_url": "0-2000",
        "do": "make",
        "key": "k",
    }
    fields |= {"consent_image_url": picture.public_id, "consent_audio_url": whole.public_id}
    assert client_of(creator).post(page, fields).status_code == 302
    cut = Job.objects.get().inputs.get(name="audio_url").asset
    assert cut.parent == whole
    assert (cut.consent.by, cut.consent.said) == (creator, SPEECH)


def test_a_refused_click_leaves_the_tick_in_the_form(
    client_of: ClientOf, creator: User, team: Team, page: str, ticked: dict[str, str]
) -> None:
    Budget.objects.create(team=team, member=creator, micros=1_000)
    answer = client_of(creator).post(page, ticked | {"do": "make", "key": "k"})
    assert (answer.status_code, Job.objects.count(), Consent.objects.count()) == (422, 0, 0)
    assert "image_url" in ticked_boxes(answer.content.decode())


def test_again_needs_no_new_word(
    creator: User, team: Team, account: Any, client_of: ClientOf
) -> None:
    picture, speech = makers.asset(team, consent=False), makers.asset(team, "audio", consent=False)
    makers.check(picture, account)
    job = makers.job(
        team,
        creator,
        account=account,
        state="failed",
        files={"image_url": picture, "audio_url": speech},
    )
    assert create.again(job, creator, key="k").again_of == job
    assert not Consent.objects.exists()


# ── which files need one ──────────────────────────────────────────────────────────────────────────
def test_results_of_our_own_jobs_need_none_and_neither_does_what_is_made_of_them(
    client_of: ClientOf, creator: User, team: Team, account: Any
) -> None:
    video = makers.asset(team, "video", origin="result", consent=False)
    part = makers.asset(team, "video", origin="edit", parent=video, consent=False)
    upload = makers.asset(team, "video", consent=False)
    other = makers.asset(team, "video", origin="edit", parent=upload, consent=False)
    orphan = makers.asset(team, "video", origin="edit", parent=None, consent=False)
    assert [consent.needed(asset) for asset in (video, part, upload, other, orphan)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    html = (
        client_of(creator)
        .get(reverse("jobs:template", args=[team.slug]), {"video_url": video.public_id})
        .content.decode()
    )
    assert (why(html), MOVES in html) == ("", False)


def test_a_dance_asks_for_picture_and_video(
    client_of: ClientOf, creator: User, team: Team, account: Any
) -> None:
    page = reverse("jobs:dance", args=[team.slug])
    picture, video = makers.asset(team, consent=False), makers.asset(team, "video", consent=False)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    fields = {
        "page": "dance",
        "image_url": picture.public_id,
        "template_video": video.public_id,
        "consent_image_url": picture.public_id,
    }
    html = client_of(creator).get(page, fields).content.decode()
    assert MOVES in html
    assert why(html) == "Say first that the team may use this video."
    answer = client_of(creator).post(
        page, fields | {"consent_template_video": video.public_id, "do": "make", "key": "k"}
    )
    assert answer.status_code == 302
    assert {row.asset: row.said for row in Consent.objects.all()} == {
        picture: PICTURE,
        video: MOVES,
    }


def test_a_template_that_is_there_needs_no_word_for_its_video(
    client_of: ClientOf, creator: User, team: Team, account: Any
) -> None:
    picture = makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    template = makers.template(team, account, makers.asset(team, "video", consent=False))
    fields = {"image_url": picture.public_id, "template": template.public_id}
    assert (
        why(
            client_of(creator).get(reverse("jobs:dance", args=[team.slug]), fields).content.decode()
        )
        == ""
    )


def test_what_was_made_of_a_file_with_a_word_asks_for_none(
    client_of: ClientOf, creator: User, owner: User, team: Team, page: str, account: Any
) -> None:
    parent = makers.asset(team, content=files.jpeg(600, 800), consent=False)
    edit_queue.consent(parent, owner, PICTURE)
    crop = edit_queue.change(parent, {"do": "picture", "box": [0, 0, 500, 500]}, creator)
    html = client_of(creator).get(page, {"image_url": crop.public_id}).content.decode()
    assert "Aiko said so on" in html
    assert "image_url" not in boxes(html)


# ── commands ──────────────────────────────────────────────────────────────────────────────────────
def test_giving_the_command_is_the_word_of_whoever_it_names(
    team: Team, creator: User, account: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.common.wakeup.worker_alive", lambda: True)
    video = files.write(tmp_path, "steps.mp4", files.mp4(2.5))
    call_command(
        "submit",
        "animate-anyone-template-gen2",
        team="north",
        by=creator.email,
        video=str(video),
        stdout=io.StringIO(),
    )
    said = Consent.objects.get()
    assert (said.asset, said.by, said.said) == (
        Asset.objects.get(),
        creator,
        "given on the command line",
    )


def test_back_at_the_original_the_tick_of_its_crop_holds(
    client_of: ClientOf, creator: User, team: Team, page: str, picture: Asset, ready: dict[str, str]
) -> None:
    crop = makers.asset(
        team,
        consent=False,
        origin=Asset.Origin.EDIT,
        parent=picture,
        recipe={"do": "picture", "box": [0, 0, 500, 500]},
    )
    html = (
        client_of(creator).get(page, ready | {"consent_image_url": crop.public_id}).content.decode()
    )
    assert "this picture" not in why(html)
    other = makers.asset(
        team,
        consent=False,
        origin=Asset.Origin.EDIT,
        parent=crop,
        recipe={"do": "picture", "box": [0, 0, 400, 400]},
    )
    html = (
        client_of(creator)
        .get(page, ready | {"consent_image_url": other.public_id})
        .content.decode()
    )
    assert "this picture" in why(html)
