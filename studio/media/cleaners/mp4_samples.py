"""Where the samples of a track of an MP4 lie, by its tables: for tracks that a demuxer keeps to
itself (chapters).

Source: ISO/IEC 14496-12 §8.7 (stsz, stsc, stco, co64).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from studio.media.mp4_header import boxes

HOMES = {b"mdia", b"minf", b"stbl"}
MOST = 100_000  # samples of a track of words; more are none


def sample_ranges(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of each run of samples of the track whose box has its body in these bytes;
    nothing when its tables make no sense."""
    tables: dict[bytes, bytes] = {}
    _collect(file, start, end, tables)
    sizes = _sizes(tables.get(b"stsz", b""))
    wide = 8 if b"co64" in tables else 4
    offsets = _numbers(tables.get(b"co64") or tables.get(b"stco") or b"", 8, wide)
    runs = _numbers(tables.get(b"stsc", b""), 8, 4)
    at = 0
    for chunk, offset in enumerate(offsets, 1):
        each = 0
        for first, count in zip(runs[::3], runs[1::3], strict=False):
            if first <= chunk:
                each = count
        length = sum(sizes[at : at + each])
        at += each
        if length:
            yield offset, offset + length


def _collect(file: BinaryIO, start: int, end: int, tables: dict[bytes, bytes]) -> None:
    for name, _, body, stop in list(boxes(file, start, end)):
        stop = min(stop, end)
        if name in HOMES:
            _collect(file, body, stop, tables)
        elif name in (b"stsz", b"stsc", b"stco", b"co64"):
            file.seek(body)
            tables[name] = file.read(min(stop - body, 12 * MOST))


def _sizes(table: bytes) -> list[int]:
    same, count = int.from_bytes(table[4:8], "big"), int.from_bytes(table[8:12], "big")
    return [same] * min(count, MOST) if same else _numbers(table, 12, 4)


def _numbers(table: bytes, start: int, wide: int) -> list[int]:
    return [
        int.from_bytes(table[at : at + wide], "big")
        for at in range(start, len(table) - wide + 1, wide)
    ]
