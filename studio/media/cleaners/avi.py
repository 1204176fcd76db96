"""An AVI whose lists of titles and dates are blanked in place, without what stands behind it."""

from __future__ import annotations

import os
from collections.abc import Set
from pathlib import Path
from typing import BinaryIO

from studio.media.cleaners.blank import blank_range

SETUP = {b"idx1", b"avih", b"strh", b"strf", b"vprp", b"indx", b"dmlh"}
HOMES = {b"hdrl", b"strl", b"odml"}
FRAMES = frozenset({b"movi", b"rec "})
PARTS = {b"AVI ", b"AVIX"}  # the first, and those that go on (OpenDML)
DEEPEST = 8


def blank_avi(path: Path) -> None:
    """Blank what is neither set-up nor frames nor index in the AVI at `path`, keeping every
    offset, and cut what stands behind it."""
    with open(path, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        end = _end(file, size)
        _blank(file, 12, end, 0, FRAMES)
        file.truncate(end)


def blank_avi_uncut(path: Path) -> None:
    """The same of an AVI that says it is shorter than it is, as a recorder leaves it that was
    switched off: its frames are gone through one by one, to where the file ends."""
    with open(path, "r+b") as file:
        _blank(file, 12, os.fstat(file.fileno()).st_size, 0, frozenset())


def _end(file: BinaryIO, size: int) -> int:
    """Where the last of its parts ends; `size` of a file whose parts do not say so."""
    end = 0
    while True:
        file.seek(end)
        head = file.read(12)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or head[8:12] not in PARTS:
            return end or size
        stop = end + 8 + length + (length & 1)
        if length <= 4 or stop > size + 1:
            return size
        end = min(stop, size)


def _blank(file: BinaryIO, start: int, end: int, depth: int, passed: Set[bytes]) -> None:
    """`passed`: the lists of frames whose sizes are believed; others are entered."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        head = file.read(12)
        name, size, listed = head[:4], int.from_bytes(head[4:8], "little"), head[8:12]
        stop = at + 8 + size
        if name == b"LIST" and listed in FRAMES - passed:
            at += 12
            continue
        if name == b"LIST" and listed in FRAMES and (size <= 4 or stop > end):
            # Written to a pipe: the frames go on to the end of the file.
            return
        if not name.isalnum() and not name.strip().isalnum():
            return  # no name of a chunk: the sizes before it were not true
        if (name == b"RIFF" or (name == b"LIST" and listed in HOMES)) and depth < DEEPEST:
            inner = end if size == 0 or stop > end else stop
            _blank(file, at + 12, inner, depth + 1, passed)
            if inner != stop:
                return
        elif not (
            name in SETUP
            or name.startswith(b"ix")
            or name[:2].isdigit()  # frames of a track
            or (name == b"LIST" and listed in FRAMES)
        ):
            blank_range(file, at + 8, min(stop, end))
            file.seek(at)
            file.write(b"JUNK")
        at = stop + (size & 1)
