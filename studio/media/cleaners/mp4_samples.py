"""Where the samples of a track of an MP4 lie, by its tables: of tracks that a demuxer keeps to
itself (chapters), and of those that play, between which something else may stand.

Source: ISO/IEC 14496-12 §8.7 (stsz, stsc, stco, co64).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import BinaryIO

from studio.media.mp4_header import boxes

HOMES = {b"mdia", b"minf", b"stbl"}
MOST = 1_000_000  # samples of a track that are told apart; longer tables are cut


def sample_ranges(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of each run of samples of the track whose box has its body in these bytes;
    nothing when its tables make no sense."""
    tables: dict[bytes, bytes] = {}
    _collect(file, start, end, tables)
    sizes = tables.get(b"stsz", b"")
    same, count = int.from_bytes(sizes[4:8], "big"), int.from_bytes(sizes[8:12], "big")
    each_size = _numbers(b"" if same else sizes, 12, 4)
    wide = 8 if b"co64" in tables else 4
    offsets = _numbers(tables.get(b"co64") or tables.get(b"stco") or b"", 8, wide)
    counts = _counts(_numbers(tables.get(b"stsc", b""), 8, 4), len(offsets))
    at = 0
    for offset, each in zip(offsets, counts, strict=False):
        each = min(each, count - at)
        length = same * each if same else sum(each_size[at : at + each])
        at += each
        if length > 0:
            yield offset, offset + length


def _counts(runs: array[int], chunks: int) -> Iterator[int]:
    """How many samples each chunk has. A run says it for its first chunk and those after it."""
    firsts, numbers = runs[::3], runs[1::3]
    run = -1
    for chunk in range(1, chunks + 1):
        while run + 1 < len(numbers) and firsts[run + 1] <= chunk:
            run += 1
        yield numbers[run] if run >= 0 else 0


def _collect(file: BinaryIO, start: int, end: int, tables: dict[bytes, bytes]) -> None:
    for name, _, body, stop in list(boxes(file, start, end)):
        stop = min(stop, end)
        if name in HOMES:
            _collect(file, body, stop, tables)
        elif name in (b"stsz", b"stsc", b"stco", b"co64"):
            file.seek(body)
            tables[name] = file.read(min(stop - body, 12 * MOST))


def _numbers(table: bytes, start: int, wide: int) -> array[int]:
    """The numbers of `wide` bytes from `start` on, as many as are whole; not as objects of Python,
    of which a long table would fill a decoder's memory."""
    whole = (len(table) - start) // wide * wide
    found = array("I" if wide == 4 else "Q", table[start : start + max(0, whole)])
    if sys.byteorder == "little":
        found.byteswap()
    return found
