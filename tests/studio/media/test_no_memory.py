"""A file is not told to be damaged because this process may have no more memory or threads: a paid
video that is told so would be given up."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import av.error
import pytest

from studio.common.translatable import phrase
from studio.media import MediaError, probe
from studio.media.cleaners.same_tracks import tracks_digest
from studio.media.edits import video
from studio.media.facts import unreadable
from studio.media.kinds import sniff
from tests import files

SAID = {
    errno.ENOMEM: av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"),
    errno.EAGAIN: av.error.BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
}


@pytest.mark.parametrize("number", SAID)
def test_reading_without_memory_is_no_damage(number: int) -> None:
    with pytest.raises(MemoryError), unreadable(phrase("It is damaged.")):
        raise SAID[number]


@pytest.mark.parametrize("number", SAID)
def test_writing_without_memory_is_no_damage(number: int, tmp_path: Path) -> None:
    with pytest.raises(MemoryError), video._mp4(tmp_path / "made.mp4"):
        raise SAID[number]


@pytest.mark.parametrize("number", SAID)
def test_comparing_without_memory_is_no_difference(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write(tmp_path, "speech.mp3", files.mp3(seconds=1))

    def fails(deadline: float) -> None:
        raise SAID[number]

    monkeypatch.setattr(sys.modules[tracks_digest.__module__], "check", fails)
    with pytest.raises(MemoryError):
        tracks_digest(path, sniff(path))


def test_damage_stays_damage() -> None:
    with pytest.raises(MediaError), unreadable(phrase("It is damaged.")):
        raise av.error.InvalidDataError(1, "Invalid data")


def test_a_number_that_asks_for_absurd_memory_is_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged table says that it has billions of rows. Where this process is really short of
    memory, the file is not blamed."""
    path = files.write(tmp_path, "in.mp4", files.mp4(0.4))

    def short(*args: object, **more: object) -> None:
        raise MemoryError

    monkeypatch.setattr("studio.media.video.av.open", short)
    with pytest.raises(MediaError) as told:
        probe(path)
    assert told.value.code == "broken"
    monkeypatch.setattr("studio.media.video.HEADER_ROOM", 1 << 60)
    with pytest.raises(MemoryError):
        probe(path)
