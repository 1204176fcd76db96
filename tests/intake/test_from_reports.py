"""What people have reported of other programs, each tried here: videos that lie on their side or
have frames at uneven times, sound with a heavy cover, names as long as a file system allows."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from jobs.catalogue.entries import MODELS
from jobs.catalogue.limits import MIB
from jobs.models import Account, Job, LedgerEntry
from jobs.pages.board import zip_download
from studio.files import file_store
from studio.media.edits import remake_video
from studio.models import Asset, Consent, Team, User
from tests import files, makers
from tests.html import text
from tests.intake import chunks, pictures

ClientOf = Callable[[User], Client]
pytestmark = pytest.mark.django_db


def kept(team: Team, by: User, name: str, data: bytes) -> Asset:
    asset, _ = file_store.keep(SimpleUploadedFile(name, data), team=team, owner=by, name=name)
    Consent.objects.create(asset=asset, said="The team may use it.")
    return asset


# ── a video on its side as a dance ────────────────────────────────────────────────────────────────


@pytest.fixture
def dance(team: Team, account: Account) -> dict[str, str]:
    picture = makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    return {"page": "dance", "image_url": picture.public_id}


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [((1, 0, 0, 1), (960, 400)), ((0, 1, -1, 0), (400, 960)), ((0, -1, 1, 0), (400, 960))],
    ids=["as stored", "clockwise", "anticlockwise"],
)
def test_a_turned_film_is_a_dance_by_the_size_that_is_shown(
    client_of: ClientOf,
    creator: User,
    team: Team,
    dance: dict[str, str],
    matrix: tuple[int, int, int, int],
    shown: tuple[int, int],
) -> None:
    footage = pictures.with_matrix(pictures.tracks("mov", 2.5, 0, size=(960, 400)), *matrix)
    video = kept(team, creator, "IMG_0001.MOV", footage)
    assert (video.format, video.width, video.height) == ("mov", *shown)
    with Image.open(video.thumb) as small:
        assert (small.width < small.height) is (shown[0] < shown[1]), "its picture is upright"
    fields = dance | {"template_video": video.public_id}
    client, page = client_of(creator), reverse("jobs:dance", args=[team.slug])
    said = text(client.get(page, fields).content.decode())
    assert f"{shown[0]} × {shown[1]}" in said
    assert client.post(page, fields | {"do": "make", "key": "b"}).status_code in (200, 302)
    template = Job.objects.get(model="animate-anyone-template-gen2")
    assert template.inputs.get().asset == video


def test_a_turned_film_of_a_side_too_short_is_told_so_as_it_is_shown(
    client_of: ClientOf, creator: User, team: Team, dance: dict[str, str]
) -> None:
    footage = pictures.with_matrix(pictures.tracks("mov", 2.5, 0, size=(640, 160)), 0, 1, -1, 0)
    video = kept(team, creator, "IMG_0002.MOV", footage)
    page = reverse("jobs:dance", args=[team.slug])
    fields = dance | {"template_video": video.public_id}
    assert "160 × 640" in text(client_of(creator).get(page, fields).content.decode())


# ── frames at uneven times ───────────────────────────────────────────────────────────────────────


def test_the_price_of_uneven_frames_is_of_what_plays(
    client_of: ClientOf, creator: User, team: Team, dance: dict[str, str], tmp_path: Path
) -> None:
    footage = pictures.tracks("mp4", 4.0, 4.0, size=(480, 640), jitter=9)
    video = kept(team, creator, "phone.mp4", footage)
    made = remake_video(Path(video.file.path), tmp_path / "out.mp4")
    page = reverse("jobs:template", args=[team.slug])
    client_of(creator).post(
        page, {"page": "template", "video_url": video.public_id, "do": "make", "key": "t"}
    )
    job = Job.objects.get(model="animate-anyone-template-gen2")
    quoted = job.quote_micros / 11_469  # micros a second
    assert quoted == pytest.approx(made.seconds, abs=1 / 30)
    assert quoted == pytest.approx(video.seconds, abs=0.001)
    assert video.sound_milliseconds / 1000 == pytest.approx(video.seconds, abs=1 / 30)
    assert LedgerEntry.objects.get(job=job).held == job.quote_micros


# ── a heavy cover ────────────────────────────────────────────────────────────────────────────────


def test_the_limit_in_megabytes_counts_what_is_sent(team: Team, creator: User) -> None:
    """12 MB of sound behind 5 MB of cover: more than 15 come in, fewer are sent."""
    frames = files.mp3(1.0, header=False)
    sound = frames * (12 * MIB // len(frames) + 1)
    cover = (b"APIC", b"\0image/jpeg\0\3\0" + files.jpeg(64, 64) + bytes(5_000_000))
    data = chunks.id3(cover) + sound
    assert len(data) > 15 * MIB
    speech = kept(team, creator, "speech.mp3", data)
    assert speech.size == len(sound) == speech.file.size
    limits = next(one.limits for one in MODELS["emo-v1"].inputs if one.name == "audio_url")
    assert limits is not None
    assert limits.max_bytes == 15 * MIB
    assert "size" not in {problem.kind for problem in limits.problems(speech)}


# ── names of 255 bytes ───────────────────────────────────────────────────────────────────────────


def filled(letters: str, ending: str) -> str:
    """`letters` again and again, as a file name of 255 bytes or the few less that they allow."""
    name = letters * 255
    while len((name + ending).encode()) > 255:
        name = name[:-1]
    return name + ending


NAMES = {
    "kanji": filled("漢字", ".jpg"),
    "accents apart": filled(unicodedata.normalize("NFD", "éü"), ".jpg"),
    "Hebrew": filled("שלום", ".jpg"),
    "Arabic with marks": filled("سَلَام", ".jpg"),
}


def filename_of(header: str) -> str:
    """The file name in a Content-Disposition, as a browser reads it (RFC 6266 §4.3)."""
    starred = header.partition("filename*=utf-8''")[2]
    assert starred, header
    return unquote(starred)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_255_bytes_goes_all_the_way(
    client_of: ClientOf, creator: User, team: Team, name: str
) -> None:
    given = NAMES[name]
    assert len(given.encode()) > 250
    client = client_of(creator)
    library = reverse("library", args=[team.slug])
    door = reverse("upload", args=[team.slug])
    client.post(door, {"file": SimpleUploadedFile(given, files.jpeg(500, 500))})
    asset = Asset.objects.get()
    start = unicodedata.normalize("NFC", given)[:40]
    assert asset.name.startswith(start)
    assert asset.name.endswith(".jpg")
    assert start in client.get(library).content.decode()
    address = reverse("asset_file", args=[team.slug, asset.public_id, "download"])
    header = client.get(address)["Content-Disposition"]
    assert filename_of(header) == asset.name
    assert len(asset.name.encode()) <= 255
    title = asset.name.removesuffix(".jpg")
    jobs = [
        makers.job(
            team,
            creator,
            state="succeeded",
            title=title,
            result=makers.asset(team, "video", content, origin="result"),
        )
        for content in (b"one", b"two")
    ]
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_download.archive_of(jobs)))) as archive:
        inside: Any = archive.namelist()
        assert [archive.read(one) for one in inside] == [b"one", b"two"]
    assert len(set(inside)) == 2
    assert all(one.startswith(start) and one.endswith(".mp4") for one in inside)
    assert all(len(one.encode()) <= 255 for one in inside)
