"""Sounds that are not worth their price are told before it is paid."""

from __future__ import annotations

import io
import json
import math
import random
import wave
from array import array
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from jobs.common import wakeup
from jobs.management import follow
from jobs.models import Account, Check, Job
from jobs.orders import heard
from studio.files import file_store
from studio.media import peaks
from studio.media.edits import find_silences
from studio.media.voice import hears_voice
from studio.models import Team, User
from tests import files
from tests.html import text

ClientOf = Callable[[User], Client]
SAMPLES = Path(__file__).resolve().parent.parent.parent / "jobs" / "samples"


def wav(samples: array[int], channels: int = 1, rate: int = 16000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def antiphase(seconds: float = 1.0) -> bytes:
    """A loud tone, upside down on the right."""
    pairs = array("h")
    for n in range(round(seconds * 16000)):
        value = round(20000 * math.sin(n / 9))
        pairs.extend((value, -value))
    return wav(pairs, 2)


def music(seconds: float = 5.0) -> bytes:
    """Four notes plucked over and over."""
    samples = array("h")
    for n in range(round(seconds * 16000)):
        t = n / 16000
        note = (220, 277, 330, 440)[int(t * 4) % 4]
        level = math.exp(-((t * 4) % 1) * 2) * 6000
        samples.append(
            round(level * sum(math.sin(2 * math.pi * note * h * t) / h for h in (1, 2, 3)))
        )
    return wav(samples)


def noise(seconds: float = 5.0) -> bytes:
    chance = random.Random(1)
    count = round(seconds * 16000)
    return wav(array("h", (chance.randint(-3000, 3000) for _ in range(count))))


def test_opposite_channels_have_a_waveform_and_are_told(tmp_path: Path) -> None:
    path = files.write(tmp_path, "s", antiphase())
    assert min(peaks(path, 50)) > 80
    assert find_silences(path).antiphase
    for data in (files.wav(1.0), wav(array("h", range(-8000, 8000)), 2)):
        assert not find_silences(files.write(tmp_path, "t", data)).antiphase


@pytest.mark.parametrize(
    ("make", "voice"),
    [
        ((SAMPLES / "speech.mp3").read_bytes, True),
        (music, False),
        (noise, False),
        (lambda: files.wav(3.0, loud=0.0), False),
    ],
    ids=["speech", "music", "noise", "silence"],
)
def test_a_voice_is_told_from_music_and_noise(tmp_path: Path, make: Any, voice: bool) -> None:
    path = files.write(tmp_path, "s", make())
    assert hears_voice(path, find_silences(path).seconds) is voice


def test_a_voice_late_in_a_long_recording_is_heard(tmp_path: Path) -> None:
    from studio.media.edits import cut_sound

    cut_sound(SAMPLES / "speech.mp3", tmp_path / "speech.wav", 0, 4)
    with wave.open(str(tmp_path / "speech.wav"), "rb") as file:
        rate, speech = file.getframerate(), array("h", file.readframes(file.getnframes()))
    quiet = array("h", bytes(2 * rate * 50))
    path = files.write(tmp_path, "s", wav(quiet + speech + speech + quiet, 1, rate))
    assert hears_voice(path, 108.0)


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (lambda: files.wav(2.0, loud=0.0), ["silent"]),
        (antiphase, ["opposite", "no-voice"]),
        (music, ["no-voice"]),
        ((SAMPLES / "speech.mp3").read_bytes, []),
    ],
    ids=["silent", "antiphase", "music", "speech"],
)
@pytest.mark.django_db
def test_what_is_kept_says_what_speaks_against_it(
    team: Team, tmp_path: Path, make: Any, codes: list[str]
) -> None:
    path = files.write(tmp_path, "in", make())
    asset, _ = file_store.keep(path, team=team, owner=None, name="speech")
    found = heard.doubts(asset)
    assert [doubt.code for doubt in found] == codes
    assert (heard.useless(asset) is not None) == bool({"silent", "opposite"} & set(codes))


@pytest.mark.django_db
def test_a_silent_sound_is_told_at_the_button(
    client_of: ClientOf, creator: User, team: Team, account: Account, tmp_path: Path
) -> None:
    path = files.write(tmp_path, "in", files.wav(3.0, loud=0.0))
    asset, _ = file_store.keep(path, team=team, owner=creator, name="nothing.wav")
    answer = client_of(creator).get(
        reverse("jobs:portrait", args=[team.slug]), {"audio_url": asset.public_id}
    )
    assert answer.status_code == 200
    said = text(answer.content.decode())
    assert said.count("Nothing can be heard in the sound, so the mouth would not move.") == 2


@pytest.mark.parametrize(("words", "code"), [((), "silent-sound"), (("--anyway",), "")])
@pytest.mark.django_db
def test_submit_refuses_a_silent_sound_unless_told(
    team: Team,
    creator: User,
    account: Account,
    tmp_path: Path,
    words: tuple[str, ...],
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wakeup, "enqueue_check", lambda check: None)
    monkeypatch.setattr(wakeup, "worker_alive", lambda: True)
    monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=lambda seconds: passed()))

    def passed() -> None:
        Check.objects.update(
            state="passed", facts={"face_bbox": [1, 2, 3, 4], "ext_bbox": [0, 0, 9, 9]}
        )

    picture = files.write(tmp_path, "a.jpg", files.jpeg(600, 600))
    speech = files.write(tmp_path, "a.wav", files.wav(3.0, loud=0.0))
    out = io.StringIO()
    inputs = ["--image", str(picture), "--audio", str(speech)]
    command = ["emo-v1", "--team", "north", "--by", creator.email, *inputs, *words]
    try:
        call_command("submit", *command, stdout=out)
    except SystemExit:
        assert code
    said = json.loads(out.getvalue())
    assert said["code"] == code or not code
    assert Check.objects.exists() is Job.objects.exists() is not bool(code)
