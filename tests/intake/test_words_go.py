"""Titles, covers, chapters and tracks of words are gone from stored copies, in every container."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from studio.media import probe, strip_av_metadata, verify_video
from tests import files
from tests.intake import chunks

TITLE, CHAPTER = "SECRETTITLE", "SECRETCHAPTER"


def told(muxer: str, codec: str = "libx264", audio: str = "", **tags: str) -> bytes:
    """A video or a sound with a title, a named track and two named chapters."""
    out = io.BytesIO()
    with av.open(out, "w", format=muxer) as container:
        container.metadata.update({"title": TITLE, "comment": TITLE, "location": "+48.2+011.5/"})
        stream: Any
        if codec:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.metadata.update({"title": TITLE, "handler_name": TITLE})
        if audio:
            sound: Any = container.add_stream(audio, rate=48000)
            sound.layout = "mono"
            sound.metadata.update({"title": TITLE, "handler_name": TITLE})
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": number * 400,
                    "end": number * 400 + 400,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": f"{CHAPTER}{number}"},
                }
                for number in range(2)
            ]
        )
        if codec:
            to_frame: Any = av.VideoFrame.from_image
            for number in range(20):
                container.mux(stream.encode(to_frame(files.quarters(64, 48, number))))
            container.mux(stream.encode(None))
        if audio:
            files._mux_tone(container, sound, 0.8, 48000)
    return out.getvalue()


@pytest.mark.parametrize(
    ("muxer", "codec", "audio"),
    [
        ("mp4", "libx264", "aac"),
        ("mov", "libx264", "aac"),
        ("ipod", "", "aac"),
        ("matroska", "libx264", "aac"),
        ("webm", "libvpx", "libopus"),
        ("ogg", "", "libopus"),
        ("flac", "", "flac"),
        ("mp3", "", "libmp3lame"),
    ],
)
def test_no_word_is_left(tmp_path: Path, muxer: str, codec: str, audio: str) -> None:
    data = told(muxer, codec, audio)
    assert TITLE.encode() in data
    assert CHAPTER.encode() in data or muxer in ("flac",)
    path = files.write(tmp_path, "in", data)
    facts = strip_av_metadata(path, probe(path), tmp_path / "out")
    copy = (tmp_path / "out").read_bytes()
    assert b"SECRET" not in copy
    assert b"+48.2" not in copy
    assert probe(tmp_path / "out").seconds == pytest.approx(facts.seconds, abs=0.002)
    with av.open(str(tmp_path / "out")) as container:
        assert not container.chapters()
        assert not {"title", "comment", "location"} & set(container.metadata)
    if codec:
        assert verify_video(tmp_path / "out").seconds == pytest.approx(0.8, abs=0.01)


def test_a_cover_of_megabytes_does_not_count(tmp_path: Path) -> None:
    """What is sent is what is stored, and the limit of a model is on that."""
    cover = (b"APIC", b"\0image/jpeg\0\3\0" + files.jpeg(64, 64) + bytes(5_000_000))
    frames = files.mp3(1.0)[45:]
    path = files.write(tmp_path, "in", chunks.id3(cover) + frames)
    facts = strip_av_metadata(path, probe(path), tmp_path / "out")
    assert facts.size == (tmp_path / "out").stat().st_size < 20_000
    assert facts.seconds == pytest.approx(1.0, abs=0.001)


def test_a_cut_header_of_frames_is_not_believed(tmp_path: Path) -> None:
    """An MP3 whose Xing header counts more frames than the file has."""
    whole = files.mp3(4.0)
    path = files.write(tmp_path, "in", whole[: len(whole) // 2])
    facts = strip_av_metadata(path, probe(path), tmp_path / "out")
    assert facts.seconds == pytest.approx(2.0, abs=0.06)
    assert probe(tmp_path / "out") == facts


def test_pictures_and_cue_sheets_go_from_a_flac(tmp_path: Path) -> None:
    data = files.flac(1.0)
    block = bytes([6]) + (40).to_bytes(3, "big") + b"SECRET".ljust(40, b"x")
    at = 4 + 4 + int.from_bytes(data[5:8], "big")
    path = files.write(tmp_path, "in", data[:at] + block + data[at:])
    strip_av_metadata(path, probe(path), tmp_path / "out")
    copy = (tmp_path / "out").read_bytes()
    assert b"SECRET" not in copy
    assert len(copy) == len(data) + 44
    assert copy[at] == 1, "padding"


def test_the_days_a_video_was_made_go(tmp_path: Path) -> None:
    data = bytearray(files.mp4(0.4))
    day = struct.pack(">I", 3_900_000_000)
    for name in (b"mvhd", b"tkhd", b"mdhd"):
        at = data.index(name) + 8
        data[at : at + 8] = day * 2
    path = files.write(tmp_path, "in", bytes(data))
    strip_av_metadata(path, probe(path), tmp_path / "out")
    assert day not in (tmp_path / "out").read_bytes()
