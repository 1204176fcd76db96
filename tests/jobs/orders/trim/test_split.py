"""A speech in several videos, and its silences."""

from __future__ import annotations

import io
import json
import wave
from array import array
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.catalogue.limits import Limits
from jobs.orders import trim
from jobs.orders.trim import LEAST, Trim
from studio.files import file_store
from studio.media import preparation
from studio.media.edits.samples import runs
from studio.models import Team, User
from tests import files
from tests.jobs.orders.trim.recordings import MANY, OPEN, SPEECH, heard, recording, selections

SHORT = Limits("audio", ("wav", "mp3"), max_seconds=2)


@MANY
@given(
    selections(95_200, most=4),
    st.lists(st.tuples(st.integers(0, 900), st.integers(3, 40)), max_size=6),
    st.sampled_from([SPEECH, OPEN, SHORT]),
)
def test_videos_of_a_split_fit_and_leave_nothing_out(
    parts: Trim, at: list[tuple[int, int]], limits: Limits
) -> None:
    pauses = sorted((start / 10, (start + long) / 10) for start, long in at)
    asset = recording(95_200, heard(95.2, *pauses))
    videos = trim.split(asset, parts, limits)
    most = trim.longest(limits, 95_200)
    if not videos:
        assert 95_200 - parts.stop + parts.milliseconds <= most
        return
    assert len(videos) >= 2
    assert all(video.milliseconds <= most for video in videos)
    pieces = [piece for video in videos for piece in video.parts]
    assert all(a < b for a, b in pairwise(edge for piece in pieces for edge in piece) if a != b)
    assert videos[0].start == parts.start
    assert videos[-1].stop == (parts.stop if parts.milliseconds > most else 95_200)
    for video in videos:
        # Each is a draft of its own, and says so in its address.
        assert trim.read(video.form_value, asset, limits) == video
    whole = (
        parts.milliseconds
        if parts.milliseconds > most
        else parts.milliseconds + 95_200 - parts.stop
    )
    assert 0 <= whole - sum(video.milliseconds for video in videos) < LEAST * 2 * len(videos), (
        "at most slivers at the cuts"
    )
    assert len(videos) == -(-whole // most), "as few videos as can be"


def test_a_split_lies_in_the_pause_and_prices_add_up() -> None:
    asset = recording(95_200, heard(95.2, (48.0, 48.4), (20.0, 20.5)))
    videos = trim.split(asset, trim.read("", asset, SPEECH), SPEECH)
    assert [video.form_value for video in videos] == ["0-48200", "48200-95200"]


def test_a_pause_that_was_left_out_stays_out_of_the_videos() -> None:
    asset = recording(95_200, heard(95.2, (50.0, 52.0)))
    videos = trim.split(asset, trim.read("2100-10000.14000-60000", asset, SPEECH), SPEECH)
    assert videos[0].parts[:1] == ((2100, 10_000),)
    assert not any(a < 14_000 and b > 10_000 for video in videos for a, b in video.parts)
    assert videos[-1].stop == 95_200


def test_a_chosen_range_that_is_too_long_is_parted_as_it_was_chosen() -> None:
    asset = recording(200_000)
    videos = trim.split(asset, Trim(((10_000, 85_000),), 200_000), SPEECH)
    assert (videos[0].start, videos[-1].stop, len(videos)) == (10_000, 85_000, 2)


def test_what_fits_is_not_parted() -> None:
    assert trim.split(recording(60_000), Trim(((0, 60_000),), 60_000), SPEECH) == []


def test_silences_are_told_in_milliseconds_and_none_of_nothing() -> None:
    asset = recording(10_000, heard(10.0, (4.0, 5.25), lead=2.1, tail=0.5))
    assert trim.pauses_of(asset) == [(0, 2100), (4000, 5250), (9500, 10_000)]
    assert trim.pauses_of(recording(10_000)) == []
    assert trim.pauses_of(recording(10_000, heard(10.0, lead=10.0))) == [], (
        "silent throughout: nothing to keep"
    )


@pytest.mark.parametrize(
    ("limits", "least"),
    [
        (SPEECH, 1000),
        (Limits("audio", min_seconds=2), 2000),
        (Limits("audio", min_seconds=0.5), 500),
    ],
)
def test_the_least_is_what_the_model_asks(limits: Limits, least: int) -> None:
    assert trim.least(limits, 9000) == least
    assert trim.least(limits, 300) == 300


def test_a_sound_is_listened_to_once_when_it_is_kept(
    team: Team, creator: User, tmp_path: Path
) -> None:
    quiet, loud = (
        array("h", bytes(2 * 16000)),
        array("h", (20_000 if at % 40 < 20 else -20_000 for at in range(16000))),
    )
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes((quiet + loud + quiet + quiet + loud + loud).tobytes())
    asset, _new = file_store.keep(
        files.write(tmp_path, "s", out.getvalue()), team=team, owner=creator, name="s.wav"
    )
    asset.refresh_from_db()
    assert asset.sound["seconds"] == 6.0
    assert (asset.sound["lead"], asset.sound["tail"], asset.sound["pauses"]) == (
        1.0,
        0.0,
        [[2.0, 4.0]],
    )
    assert asset.sound["loudness_db"] == pytest.approx(-4.29, abs=0.05)
    assert asset.sound["clipped"] is False
    assert trim.pauses_of(asset) == [(0, 1000), (2000, 4000)]


def test_a_long_sound_is_not_listened_to_while_somebody_waits(
    team: Team, creator: User, tmp_path: Path
) -> None:
    asset, _new = file_store.keep(
        files.write(tmp_path, "l", files.wav(602.0, 4000)), team=team, owner=creator, name="l.wav"
    )
    assert (asset.sound, asset.milliseconds) == ({}, 602_000)


def test_a_speech_of_several_videos_is_listened_to_once_and_parted_in_its_pauses(
    team: Team, creator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.media.edits import sound as hearing

    read: list[Path] = []

    def counted(path: Path) -> Any:
        read.append(path)
        return runs(path)

    monkeypatch.setattr(hearing, "runs", counted)
    speech = files.wav(330.0, 4000)
    for pause in (50, 105):  # seconds that are silent
        at = 44 + pause * 8000
        speech = speech[:at] + bytes(8000) + speech[at + 8000 :]
    path = files.write(tmp_path, "s", speech)
    ready = preparation.prepare(path, "", tmp_path, clean=True)
    assert (ready.sound["seconds"], len(read)) == (330.0, 1)
    asset, _new = file_store.keep(path, team=team, owner=creator, name="s.wav")
    assert asset.sound == json.loads(json.dumps(ready.sound))
    videos = trim.split(asset, trim.read("", asset, SPEECH), SPEECH)
    assert [video.stop for video in videos[:2]] == [50_500, 105_500]


def test_videos_and_pictures_have_no_sound_to_speak_of(
    team: Team, creator: User, tmp_path: Path
) -> None:
    for name, content in (("p.jpg", files.jpeg(64, 64)), ("v.mp4", files.video(0.5, audio=True))):
        asset, _new = file_store.keep(
            files.write(tmp_path, name, content), team=team, owner=creator, name=name
        )
        assert asset.sound == {}
