"""What the header of an MP4 or MOV says of its length. A demuxer goes by the tables of the frames
that are there, so a file from which the rest is missing can look whole to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

UNKNOWN = {0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}  # the length of a file that was written as it came


def stated_seconds(path: str | os.PathLike[str]) -> float:
    """The longest length that the movie header (`mvhd`) or that of its fragments (`mehd`) states,
    in seconds; 0.0 when it states none."""
    scale, ticks = 0, 0
    with open(path, "rb") as file:
        for name, body, end in _inside(file, 0, os.fstat(file.fileno()).st_size, b"moov"):
            if name == b"mvhd":
                scale, length = _movie_header(file, body)
                ticks = max(ticks, length)
            elif name == b"mvex":
                for inner, _, start, _ in boxes(file, body, end):
                    if inner == b"mehd":
                        ticks = max(ticks, _fragments_header(file, start))
    return ticks / scale if scale else 0.0


def _inside(file: BinaryIO, start: int, end: int, box: bytes) -> list[tuple[bytes, int, int]]:
    """(type, start of the body, end) of what lies in boxes of the type `box`."""
    return [
        (name, body, min(stop, end))
        for outer, _, first, last in list(boxes(file, start, end))
        if outer == box
        for name, _, body, stop in list(boxes(file, first, min(last, end)))
    ]


def _movie_header(file: BinaryIO, body: int) -> tuple[int, int]:
    """(ticks a second, length in ticks; 0 when it is not known)."""
    file.seek(body)
    head = file.read(32)
    long = head[:1] == b"\x01"
    at, width = (20, 8) if long else (12, 4)
    scale = int.from_bytes(head[at : at + 4], "big")
    return scale, _known(head[at + 4 : at + 4 + width])


def _fragments_header(file: BinaryIO, body: int) -> int:
    file.seek(body)
    head = file.read(12)
    return _known(head[4:12] if head[:1] == b"\x01" else head[4:8])


def _known(field: bytes) -> int:
    value = int.from_bytes(field, "big")
    return 0 if value in UNKNOWN else value


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """The ISO base media boxes between two offsets: (type, start, start of the body, declared
    end)."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        size, name, body = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), at + 16
        elif size == 0:
            size = end - at
        if size < body - at:
            return
        yield name, at, body, at + size
        at += size
