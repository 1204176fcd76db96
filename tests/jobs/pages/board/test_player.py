"""The player of a job's page, and a silent film with the sound of its dance video: played in step,
and as one file to save."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import av
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import State
from jobs.models import Account, Job
from jobs.pages.board import player_views
from studio.media import MediaError
from studio.models import Asset, Team, User
from tests import files, makers
from tests.html import parse

ClientOf = Callable[[User], Client]
ROOT = Path(__file__).resolve().parents[4]
MODEL = "animate-anyone-gen2"


def dance(
    team: Team,
    owner: User,
    account: Account,
    video: Asset | None,
    film: Asset | None,
    **fields: Any,
) -> Job:
    """A dance in its last state. `video` is what its template was made from."""
    made = makers.template(team, account, video) if video is not None else None
    now = timezone.now()
    values = {
        "state": State.SUCCEEDED,
        "title": "Waltz: 1/2",
        "submitted_at": now,
        "finished_at": now,
    }
    return makers.job(
        team, owner, MODEL, account=account, template=made, result=film, **{**values, **fields}
    )


@pytest.fixture
def video(team: Team) -> Asset:
    return makers.asset(
        team,
        "video",
        files.mp4(1.0, 25, 64, 64, audio=True),
        name="waltz.mp4",
        has_audio=True,
        milliseconds=1000,
    )


@pytest.fixture
def film(team: Team) -> Asset:
    return makers.asset(
        team,
        "video",
        files.mp4(2.0, 15, 96, 64),
        origin="result",
        milliseconds=2000,
        fps=15.0,
        thumb="poster.webp",
    )


@pytest.fixture
def silent(team: Team, creator: User, account: Account, video: Asset, film: Asset) -> Job:
    return dance(team, creator, account, video, film)


def page(client: Client, job: Job) -> str:
    return unescape(client.get(job.get_absolute_url()).content.decode())


def sound_url(job: Job) -> str:
    return reverse("jobs:job_sound", args=[job.team.slug, job.public_id])


def file_url(asset: Asset) -> str:
    return reverse("asset_file", args=[asset.team.slug, asset.public_id, "original"])


# ── the player ────────────────────────────────────────────────────────────────────────────────────


def test_the_film_plays_without_a_script_and_the_bar_waits_for_one(
    client_of: ClientOf, viewer: User, silent: Job, film: Asset
) -> None:
    html = page(client_of(viewer), silent)
    player = parse(html).one("figure[data-film]")
    video = player.one("video[controls]")
    assert video["src"] == file_url(film)
    assert video["poster"].endswith("/thumb")
    assert "hidden" in player.one("div.bar")
    assert player.one("input[type=range]")["max"] == "2.000"
    assert player.values("option", "value") == ["0.25", "0.5", "1", "1.5", "2"]
    assert player.one(f"a[href='{file_url(film)}']")["download"] == "Waltz_ 1_2.mp4"
    for what in ("play", "loop", "full", "step='-1'", "step='1'", "sound"):
        assert player.one(f"button[data-{what}]").text, f"{what} has no word"
    controls = player.values("input, select", "id")
    assert controls
    for control in controls:
        assert player.one(f"label.vh[for={control}]").text


@pytest.mark.parametrize(("of_file", "shown"), [(23.976, "23.976"), (0.0, "15")])
def test_a_step_is_one_frame_of_the_file_or_else_of_the_model(
    client_of: ClientOf, creator: User, silent: Job, film: Asset, of_file: float, shown: str
) -> None:
    Asset.objects.filter(pk=film.pk).update(fps=of_file)
    assert f'data-fps="{shown}"' in page(client_of(creator), silent)


def test_a_page_that_waits_for_its_film_has_the_script_that_will_take_it_over(
    client_of: ClientOf, creator: User, team: Team
) -> None:
    job = makers.job(
        team, creator, state=State.RUNNING, provider_status="RUNNING", submitted_at=timezone.now()
    )
    html = page(client_of(creator), job)
    assert "data-film" not in html
    assert parse(html).has("script[type=module][src*='js/board/player']")


def test_the_script_finds_everything_that_it_asks_for() -> None:
    """What the script looks up is in the template, and the marks that it changes to are in the
    sprite."""
    script, part = (
        (ROOT / "static/js/board/player.js").read_text(),
        (ROOT / "templates/parts/player.html").read_text(),
    )
    for name in set(re.findall(r"\[(data-[a-z]+)\]", script)):
        assert re.search(rf"\b{name}\b", part), name
    sprite = (ROOT / "static/img/icons.svg").read_text()
    for names in re.findall(r'sprite\(\w+, \w+ \? "(\w+)" : "(\w+)"\)', script):
        assert all(f'id="{name}"' in sprite for name in names)


# ── the sound of the dance video ──────────────────────────────────────────────────────────────────


def test_a_silent_film_is_played_with_the_sound_of_its_dance_video(
    client_of: ClientOf, viewer: User, silent: Job, video: Asset
) -> None:
    html = page(client_of(viewer), silent)
    assert f'<audio src="{file_url(video)}" preload="metadata" data-second>' in html
    assert "Sound of the dance video" in html
    assert "Here it plays with the sound of its dance video, “waltz.mp4”." in html
    assert f'href="{sound_url(silent)}"' in html
    assert "Download with sound — free" in html


def test_an_avi_is_not_played_and_its_sound_can_still_be_had(
    client_of: ClientOf, viewer: User, silent: Job, video: Asset
) -> None:
    Asset.objects.filter(pk=video.pk).update(format="avi")
    html = page(client_of(viewer), silent)
    assert "data-second" not in html
    assert "data-sound" not in html
    assert sound_url(silent) in html


@pytest.mark.parametrize(
    "why", ["a silent video", "no video known", "no template", "a film with sound", "no film yet"]
)
def test_without_a_sound_to_add_none_is_offered(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    video: Asset,
    film: Asset,
    why: str,
) -> None:
    job = dance(
        team,
        creator,
        account,
        None if why == "no template" else video,
        None if why == "no film yet" else film,
    )
    if why == "a silent video":
        Asset.objects.filter(pk=video.pk).update(has_audio=False)
    elif why == "no video known":
        type(job.template).objects.update(asset=None)
    elif why == "a film with sound":
        Asset.objects.filter(pk=film.pk).update(has_audio=True)
    client = client_of(creator)
    html = page(client, job)
    assert "data-second" not in html
    assert sound_url(job) not in html
    assert ("data-sound" in html) == (why == "a film with sound")
    assert client.get(sound_url(job)).status_code == 404


def test_a_talking_portrait_keeps_its_own_sound(
    client_of: ClientOf, creator: User, team: Team, film: Asset
) -> None:
    job = makers.job(team, creator, state=State.SUCCEEDED, finished_at=timezone.now(), result=film)
    html = page(client_of(creator), job)
    assert "data-sound" in html
    assert "data-second" not in html
    assert client_of(creator).get(sound_url(job)).status_code == 404


# ── the download with it ──────────────────────────────────────────────────────────────────────────


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as opened:
        return [bytes(packet) for packet in opened.demux(**{kind: 0}) if packet.size]


def test_the_download_has_the_same_picture_and_the_sound(
    client_of: ClientOf, viewer: User, silent: Job, film: Asset, tmp_path: Path
) -> None:
    before = Asset.objects.count()
    answer = client_of(viewer).get(sound_url(silent))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Content-Disposition"] == 'attachment; filename="Waltz_ 1_2 with sound.mp4"'
    got = files.write(tmp_path, "got.mp4", b"".join(answer.streaming_content))
    # Read to its end it is closed. A second time would close the test's connection, as the end of a
    # request does.
    assert int(answer["Content-Length"]) == got.stat().st_size
    assert packets(got, "video") == packets(
        files.write(tmp_path, "film.mp4", files.mp4(2.0, 15, 96, 64)), "video"
    )
    assert packets(got, "audio")
    assert Asset.objects.count() == before
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("sound-*"))


def test_a_look_at_the_download_makes_nothing(
    client_of: ClientOf, viewer: User, silent: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        player_views, "with_sound", lambda *paths, person: pytest.fail("it was made")
    )
    answer = client_of(viewer).head(sound_url(silent))
    assert answer.status_code == 200
    assert "with sound.mp4" in answer["Content-Disposition"]


def test_what_cannot_be_made_is_said_on_the_page(
    client_of: ClientOf, viewer: User, silent: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path, person: str) -> None:
        Path(paths[2]).write_bytes(b"half")
        raise MediaError("broken", "The sound of the dance video is damaged; upload it again.")

    monkeypatch.setattr(player_views, "with_sound", refuse)
    answer = client_of(viewer).get(sound_url(silent), follow=True)
    assert answer.redirect_chain == [(silent.get_absolute_url(), 302)]
    assert "The sound of the dance video is damaged; upload it again." in answer.content.decode()
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("sound-*"))


def test_a_full_disk_is_said_on_the_page(
    client_of: ClientOf, viewer: User, silent: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*paths: Path, person: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(player_views, "with_sound", full)
    answer = client_of(viewer).get(sound_url(silent), follow=True)
    assert answer.redirect_chain == [(silent.get_absolute_url(), 302)]
    assert (
        "The video with its sound could not be written here. Try again later."
        in answer.content.decode()
    )


def test_a_damaged_dance_video_is_a_sentence_and_no_crash(
    client_of: ClientOf, viewer: User, team: Team, account: Account, film: Asset
) -> None:
    broken = makers.asset(
        team, "video", files.truncated(files.mp4(1.0, 25, 64, 64, audio=True), 0.3), has_audio=True
    )
    job = dance(team, viewer, account, broken, film)
    answer = client_of(viewer).get(sound_url(job), follow=True)
    assert answer.redirect_chain == [(job.get_absolute_url(), 302)]
    assert 'class="notice bad"' in answer.content.decode()


def test_a_missing_file_is_not_found(
    client_of: ClientOf, viewer: User, silent: Job, video: Asset
) -> None:
    video.file.storage.delete(video.file.name)
    assert client_of(viewer).get(sound_url(silent)).status_code == 404


def test_only_the_team_gets_it(client_of: ClientOf, stranger: User, silent: Job) -> None:
    client = client_of(stranger)
    assert client.get(sound_url(silent)).status_code == 404
    theirs = reverse("jobs:job_sound", args=[stranger.teams.get().slug, silent.public_id])
    assert client.get(theirs).status_code == 404
