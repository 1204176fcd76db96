"""What stands behind, between and among what plays is gone from the copy, and a file whose sizes
are not true is none the worse for it."""

from __future__ import annotations

import io
import re
import tracemalloc
from pathlib import Path

import pytest

from studio.media.cleaners import mp4
from studio.media.mp4_header import boxes
from tests import files
from tests.intake import chunks
from tests.intake.test_same_after_cleaning import SECRET, clean, decoded

TAILS = {
    "ID3v1": chunks.id3v1(),
    "APE": chunks.ape(),
    "Lyrics3": chunks.lyrics3() + chunks.id3v1(),
    "ID3v2": chunks.id3((b"TIT2", b"\0SECRET")),
    "no tag": SECRET * 20,
    "zeros and words": bytes(300) + SECRET,
}


WHOLE = {
    "wav": lambda: files.wav(1.0),
    "mp3": lambda: files.mp3(1.0),
    "mp3, variable": lambda: files.mp3(1.0, vbr=True),
    "aac": lambda: files.aac(1.0),
    "m4a": lambda: files.m4a(1.0),
    "ogg": lambda: files.ogg(1.0),
    "mp4": lambda: files.mp4(0.4, audio=True),
    "mov": lambda: files.mov(0.4, audio=True),
    "mp4 in fragments": lambda: files.fragmented_mp4(1.0),
    "flac": lambda: files.flac(1.0),
    "avi": lambda: files.avi(0.4, audio=True),
    "webm": lambda: files.webm(0.4, audio=True),
    "mkv": lambda: files.video(0.4, muxer="matroska", audio=True),
}


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("name", WHOLE)
def test_what_was_appended_is_gone(tmp_path: Path, name: str, tail: str) -> None:
    whole = WHOLE[name]()
    alone, _ = clean(tmp_path, whole)
    facts, copy = clean(tmp_path, whole + TAILS[tail])
    assert SECRET not in copy
    assert facts.seconds == alone.seconds
    if facts.has_audio:
        assert decoded(tmp_path / "out") == decoded(files.write(tmp_path, "whole", whole)) != b""


def box(name: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + name + body


def before_the_last(whole: bytes) -> bytes:
    """The outermost boxes but the last one, and of fragments the last two: no offset counts from
    there."""
    found = list(boxes(io.BytesIO(whole), 0, len(whole)))
    last = next(at for name, at, *_ in found[::-1] if name in (b"moov", b"mfra"))
    return whole[:last]


@pytest.mark.parametrize("name", ["mdat", "free", "skip", "uuid", "wide", "abcd"])
@pytest.mark.parametrize("kind", ["mp4", "mov", "m4a", "mp4 in fragments"])
@pytest.mark.parametrize("end", [True, False])
def test_a_box_that_nothing_plays_of_is_emptied(
    tmp_path: Path, kind: str, name: str, end: bool
) -> None:
    """At the end, and between the others, where every sample keeps its place."""
    whole = WHOLE[kind]()
    alone, _ = clean(tmp_path, whole)
    words = box(name.encode(), SECRET * 30)
    before = whole if end else before_the_last(whole)
    facts, copy = clean(tmp_path, before + words + whole[len(before) :])
    assert SECRET not in copy
    assert facts.seconds == alone.seconds
    if facts.has_audio:
        assert decoded(tmp_path / "out") == decoded(files.write(tmp_path, "whole", whole)) != b""


def test_an_avi_of_several_parts_is_kept_whole(tmp_path: Path) -> None:
    """OpenDML: behind the first part others go on, which are no tail."""
    whole = files.avi(0.4, audio=True)
    more = (
        b"RIFF"
        + (4 + 8 + 16).to_bytes(4, "little")
        + b"AVIX"
        + b"JUNK"
        + (16).to_bytes(4, "little")
    )
    _facts, copy = clean(tmp_path, whole + more + bytes(16) + SECRET)
    assert SECRET not in copy
    assert b"AVIX" in copy


# ── among the samples ──


def with_words_among_samples(whole: bytes, nth: int) -> bytes:
    """An MP4 with words before the `nth` chunk of its samples; behind the last for -1."""
    outer = list(boxes(io.BytesIO(whole), 0, len(whole)))
    start, stop = next((at, end) for name, at, _, end in outer if name == b"mdat")
    words = SECRET * 30
    tables = [found.end() for found in re.finditer(b"stco", whole)]
    places = {}
    for table in tables:
        for n in range(int.from_bytes(whole[table + 4 : table + 8], "big")):
            at = table + 8 + 4 * n
            places[at] = int.from_bytes(whole[at : at + 4], "big")
    point = [*sorted(places.values()), stop][nth]
    made = bytearray(whole)
    made[start : start + 4] = (stop - start + len(words)).to_bytes(4, "big")
    for at, offset in places.items():
        if offset >= point:
            made[at : at + 4] = (offset + len(words)).to_bytes(4, "big")
    made[point:point] = words
    return bytes(made)


@pytest.mark.parametrize("nth", [0, 1, -1])
@pytest.mark.parametrize("kind", ["mp4", "mov", "m4a"])
def test_words_among_the_samples_go(tmp_path: Path, kind: str, nth: int) -> None:
    whole = files.m4a(5.0) if kind == "m4a" else getattr(files, kind)(3.0, audio=True)
    alone, _ = clean(tmp_path, whole)
    facts, copy = clean(tmp_path, with_words_among_samples(whole, nth))
    assert SECRET not in copy
    assert facts.seconds == alone.seconds
    assert decoded(tmp_path / "out") == decoded(files.write(tmp_path, "whole", whole)) != b""


def test_samples_that_the_tables_do_not_name_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables that are read otherwise here than by a player: then nothing is blanked by them."""
    monkeypatch.setattr(mp4, "sample_ranges", lambda *_: iter(()))
    clean(tmp_path, files.mp4(0.4, audio=True))
    assert decoded(tmp_path / "out") == decoded(tmp_path / "in") != b""


# ── sizes that are not true ──


@pytest.mark.parametrize("part", [0.7, 0.95])
@pytest.mark.parametrize(
    ("which", "index"),
    [
        (("RIFF",), True),
        (("movi",), True),
        (("RIFF", "movi"), True),
        (("RIFF",), False),
        (("RIFF", "movi"), False),
    ],
)
def test_an_avi_that_says_it_is_shorter_than_it_is(
    tmp_path: Path, which: tuple[str, ...], part: float, index: bool
) -> None:
    """A recorder was switched off before it wrote how long it became."""
    whole = files.avi(0.4, audio=True)
    data = bytearray(whole if index else whole[: whole.rindex(b"idx1")])
    for name in which:
        at = 4 if name == "RIFF" else whole.index(b"movi") - 4
        size = int.from_bytes(data[at : at + 4], "little")
        data[at : at + 4] = int(size * part).to_bytes(4, "little")
    _facts, copy = clean(tmp_path, bytes(data))
    assert len(copy) == len(data)
    assert decoded(tmp_path / "out") == decoded(tmp_path / "in") != b""


def test_titles_go_from_such_an_avi_too(tmp_path: Path) -> None:
    whole = bytearray(files.avi(0.4, audio=True))
    title = b"INAM" + len(SECRET * 2).to_bytes(4, "little") + SECRET * 2
    title += b"\0" * (len(title) % 2)
    info = b"LIST" + (4 + len(title)).to_bytes(4, "little") + b"INFO" + title
    size = int.from_bytes(whole[4:8], "little")
    whole[4:8] = int(size * 0.7).to_bytes(4, "little")
    _facts, copy = clean(tmp_path, bytes(whole) + info)
    assert SECRET not in copy


@pytest.mark.parametrize("nth", [1, 2])
def test_a_matroska_that_says_it_is_shorter_than_it_is(tmp_path: Path, nth: int) -> None:
    """Its segment ends behind a cluster, and others go on."""
    whole = files.video(14, 25, 64, 48, muxer="matroska", audio=True)
    clusters = [found.start() for found in re.finditer(b"\x1f\x43\xb6\x75", whole)]
    at = whole.index(b"\x18\x53\x80\x67") + 4
    data = bytearray(whole)
    data[at : at + 8] = ((1 << 56) | (clusters[nth] - at - 8)).to_bytes(8, "big")
    _facts, copy = clean(tmp_path, bytes(data))
    assert len(copy) == len(data)
    assert decoded(tmp_path / "out") == decoded(tmp_path / "in") != b""


# ── tables that are there to be long ──


def long_tables(number: int) -> bytes:
    """A track of `number` chunks of one sample each, of another size each."""
    head = bytes(4) + number.to_bytes(4, "big")
    sizes = box(b"stsz", bytes(8) + number.to_bytes(4, "big") + b"\0\0\0\1" * number)
    places = box(b"stco", head + b"\0\0\1\0" * number)
    runs = box(b"stsc", bytes(4) + (1).to_bytes(4, "big") + b"\0\0\0\1" * 3)
    return box(b"mdia", box(b"minf", box(b"stbl", sizes + places + runs)))


def test_long_tables_take_little_memory(tmp_path: Path) -> None:
    """Each number of them as a number of Python would take as much as the limit of a decoder."""
    track = long_tables(700_000)
    whole = box(b"moov", box(b"trak", track)) + box(b"mdat", bytes(64))
    path = files.write(tmp_path, "long.mp4", whole)
    with path.open("r+b") as file:
        tracemalloc.start()
        mp4._blank_gaps(file, len(whole))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 30_000_000, f"{peak:,} bytes for tables of {len(track):,}"
    assert path.read_bytes() == whole, "what nobody can tell is left as it is"
