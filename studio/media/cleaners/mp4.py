"""An MP4 or MOV whose titles, places, chapters and tracks of words are blanked in place.

Source: ISO/IEC 14496-12; QuickTime File Format, “User Data Atoms”, “Timed Metadata Media”.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from studio.media.cleaners.blank import blank_range
from studio.media.cleaners.mp4_samples import sample_ranges
from studio.media.kinds import KINDS
from studio.media.mp4_header import boxes
from studio.media.video import VERIFY_SECONDS, check, opened

HOMES = {b"moov", b"trak", b"mdia", b"minf", b"moof", b"traf"}
PRIVATE = {b"udta", b"meta", b"uuid", b"tref"}
DATED = {b"mvhd", b"tkhd", b"mdhd"}  # begin with when they were made and changed
PLAYED = (b"vide", b"soun")
SPARE = {b"free", b"skip"}  # what was removed before may still stand there
SPARE_MOST = 1 << 20  # bytes; more is room that somebody left for something else
DEEPEST = 8
RUNS_MOST = 100_000  # a run is about a second; more are there to fill the memory
# Of the outermost boxes those that say what plays; others, and what is no box, say something else.
OUTER = {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"wide", b"pnot"}
UNREAD = {b"wide"}  # room for a longer head of the box behind it
HANDLER_NAME = 24  # bytes of a handler before the name of its track


def blank_mp4(path: Path) -> None:
    """Blank what speaks about the file, and every track that is neither pictures nor sound with its
    samples (chapters, subtitles, places and movements by the second), and what stands between the
    samples. Keeps every offset."""
    blank_mp4_boxes(path)
    with open(path, "r+b") as file:
        _blank_gaps(file, os.fstat(file.fileno()).st_size)


def _blank_gaps(file: BinaryIO, size: int) -> None:
    """Blank what no track has a sample of, in the boxes of samples. Left as they are: fragments,
    which have tables of their own, and a file of more than RUNS_MOST runs of samples."""
    outer = list(boxes(file, 0, size))
    if any(name == b"moof" for name, *_ in outer):
        return
    ranges: list[tuple[int, int]] = []
    for name, _, body, stop in outer:
        if name == b"moov":
            for inner, _, first, last in list(boxes(file, body, min(stop, size))):
                if inner == b"trak":
                    found = sample_ranges(file, first, min(last, stop))
                    ranges += islice(found, RUNS_MOST + 1 - len(ranges))
    if len(ranges) > RUNS_MOST:
        return
    ranges.sort()
    for name, _, body, stop in outer:
        if name == b"mdat":
            _blank_between(file, ranges, body, min(stop, size))


def _blank_between(file: BinaryIO, ranges: list[tuple[int, int]], start: int, end: int) -> None:
    at = start
    for first, last in ranges:
        if last <= at:
            continue
        if first >= end:
            break
        blank_range(file, at, first)
        at = last
    blank_range(file, at, end)


def blank_mp4_boxes(path: Path) -> None:
    """The same without looking between the samples, for tables that are read otherwise than here:
    those of old QuickTime sound, for instance."""
    spoken, played = _samples(path)
    with open(path, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        for start, stop in spoken:
            blank_range(file, start, min(stop, size))
        _blank(file, 0, size, 0)
        _blank_outer(file, size, sorted(played))


def _blank_outer(file: BinaryIO, size: int, played: list[int]) -> None:
    """Blank the boxes beside those that play, and what stands behind the last one: tags of other
    formats, and whatever was appended. `played` is where each sample begins."""
    end = 0
    for name, at, body, stop in list(boxes(file, 0, size)):
        if name not in OUTER | SPARE and stop <= size:
            file.seek(at + 4)
            file.write(b"free")
            blank_range(file, body, stop)
        elif name not in OUTER | SPARE:
            break
        elif name in SPARE | UNREAD or (name == b"mdat" and not _any(played, body, stop)):
            blank_range(file, body, min(stop, size))
        end = min(stop, size)
    blank_range(file, end, size)


def _any(played: list[int], start: int, stop: int) -> bool:
    """Whether one of the samples, in order, begins between the two offsets."""
    at = bisect_left(played, start)
    return at < len(played) and played[at] < stop


def _samples(path: Path) -> tuple[list[tuple[int, int]], list[int]]:
    """(start, stop) of each sample of the tracks that are neither pictures nor sound, and the
    beginnings of all others."""
    deadline = time.monotonic() + VERIFY_SECONDS
    spoken, played = [], []
    with opened(path, KINDS["mp4"]) as container:
        for packet in container.demux() if container.streams else ():
            check(deadline)
            if not packet.size or packet.pos is None or packet.pos <= 0:
                continue
            if packet.stream.type in ("video", "audio"):
                played.append(packet.pos)
            else:
                spoken.append((packet.pos, packet.pos + packet.size))
    return spoken, played


def _blank(file: BinaryIO, start: int, end: int, depth: int) -> None:
    for name, at, body, stop in list(boxes(file, start, end)):
        stop = min(stop, end)
        words = name == b"trak" and _handler(file, body, stop) not in PLAYED
        if words:
            for first, last in sample_ranges(file, body, stop):
                blank_range(file, first, min(last, os.fstat(file.fileno()).st_size))
        if words or name in PRIVATE:
            file.seek(at + 4)
            file.write(b"free")
            blank_range(file, body, stop)
        elif name in DATED and stop - body >= 20:
            file.seek(body)
            dates = 16 if file.read(1) == b"\1" else 8
            blank_range(file, body + 4, body + 4 + dates)
        elif name in SPARE and stop - body <= SPARE_MOST:
            blank_range(file, body, stop)
        elif name == b"hdlr":
            blank_range(file, body + HANDLER_NAME, stop)
        elif name in HOMES and depth < DEEPEST:
            _blank(file, body, stop, depth + 1)


def _handler(file: BinaryIO, start: int, end: int) -> bytes:
    """What the track in these bytes holds: b"vide", b"soun", b"text", …; b"vide" when it does not
    say."""
    for name, _, body, stop in list(boxes(file, start, end)):
        if name == b"mdia":
            for inner, _, first, _ in list(boxes(file, body, min(stop, end))):
                if inner == b"hdlr":
                    file.seek(first + 8)
                    return file.read(4)
    return PLAYED[0]
