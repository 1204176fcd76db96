"""Videos are verified: whole, as long as they say, and videos at all."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from studio.media import (
    MediaError,
    probe,
    verify_video,
)
from tests import files
from tests.studio.media.test_probe import SEEDS


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_verify_finds_damage_inside(tmp_path: Path, codec: str) -> None:
    data = files.mp4(1.0, codec=codec)
    start = data.index(b"mdat") + 4
    middle = start + (len(data) - start) // 3
    holed = data[:middle] + bytes(600) + data[middle + 600 :]
    with pytest.raises(MediaError) as caught:
        verify_video(files.write(tmp_path, "f", holed))
    assert caught.value.code == "broken"


def test_verify_finds_a_video_shorter_than_it_says(tmp_path: Path) -> None:
    data = bytearray(files.video(1.0, width=160, height=120, muxer="matroska"))
    at = data.index(b"\x44\x89\x88") + 3  # the element Duration, a double
    data[at : at + 8] = struct.pack(">d", 4 * struct.unpack(">d", data[at : at + 8])[0])
    path = files.write(tmp_path, "f", bytes(data))
    for look in (probe, verify_video):
        with pytest.raises(MediaError, match="does not play to its end"):
            look(path)


@pytest.mark.parametrize("name", ["jpeg", "wav", "m4a"])
def test_verify_wants_a_video(tmp_path: Path, name: str) -> None:
    data = SEEDS[name]()
    with pytest.raises(MediaError) as caught:
        verify_video(files.write(tmp_path, "f", data))
    assert caught.value.code == "no-stream"
