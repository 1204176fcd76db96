"""A Matroska or WebM file whose titles, tags, chapters and attachments are made void in place, and
without what stands behind it.

Source: RFC 9559 (Matroska), RFC 8794 §11.3.2 (Void).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from studio.media.cleaners.blank import blank_range

SEGMENT, INFO, TRACKS, TRACK, CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0x1F43B675
HOMES = {SEGMENT, INFO, TRACKS, TRACK}
CRC, VOID = 0xBF, 0xEC
# The header, and what plays; behind them stands what was appended.
OUTERMOST = {0x1A45DFA3, SEGMENT}
PRIVATE = {
    0x1254C367,  # Tags
    0x1043A770,  # Chapters
    0x1941A469,  # Attachments
    0x7BA9,  # title of the segment
    0x4461,  # date of the segment
    0x7384,  # its file name
    0x3C83AB,  # the file name before it
    0x3E83BB,  # and after it
    0x5741,  # the program that wrote it
    0x536E,  # name of a track
    VOID,  # what was removed before may still stand there
}
UNKNOWN = -1
DEEPEST = 6


def void_matroska(path: Path) -> None:
    """Make everything that speaks about the file, and nothing that plays, void. Keeps every
    offset, and cuts what stands behind the segment."""
    with open(path, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        _void(file, 0, size, 0)
        end = 0
        for name, at, _body, stop in list(_elements(file, 0, size)):
            if name not in OUTERMOST:
                if end == 0:
                    return
                break
            end = stop if at == end else size
        file.truncate(end or size)


def void_matroska_uncut(path: Path) -> None:
    """The same of a file that says it is shorter than it is, as a recorder leaves it that was
    switched off: its segment goes on to the end of the file."""
    with open(path, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        for name, _at, body, _stop in list(_elements(file, 0, size)):
            if name == SEGMENT:
                _void(file, body, size, 1)
                return


def _void(file: BinaryIO, start: int, end: int, depth: int) -> None:
    elements = list(_elements(file, start, end))
    for name, at, body, stop in elements:
        # A checksum of what is changed would call it damaged.
        if name in PRIVATE or (name == CRC and depth > 1):
            if stop - at >= 2:
                _make_void(file, at, stop)
        elif name in HOMES and depth < DEEPEST:
            _void(file, body, stop, depth + 1)


def _elements(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(name, start, start of the body, end) of each element; those of a cluster of unknown length
    come one by one."""
    while at < end:
        file.seek(at)
        head = file.read(12)
        wide = _width(head[:1])
        if not 1 <= wide <= 4 or len(head) < wide + 1:
            return
        name = int.from_bytes(head[:wide], "big")
        long = _width(head[wide : wide + 1])
        if not long or len(head) < wide + long:
            return
        size = int.from_bytes(head[wide : wide + long], "big") & ((1 << 7 * long) - 1)
        body = at + wide + long
        if size == (1 << 7 * long) - 1:
            if name == CLUSTER:
                at = body
                continue
            size = end - body
        stop = min(body + size, end)
        yield name, at, body, stop
        at = stop


def _width(first: bytes) -> int:
    """Bytes of the number that begins with `first`; 0 when none does."""
    return 9 - first[0].bit_length() if first and first[0] else 0


def _make_void(file: BinaryIO, at: int, stop: int) -> None:
    length = stop - at
    head = (
        bytes([VOID, 0x01]) + (length - 9).to_bytes(7, "big")
        if length >= 9
        else bytes([VOID, 0x80 | (length - 2)])
    )
    file.seek(at)
    file.write(head)
    blank_range(file, at + len(head), stop)
