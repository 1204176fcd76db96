"""A FLAC whose tags and pictures are blanked in place."""

from __future__ import annotations

import os
from pathlib import Path

from studio.media.cleaners.blank import blank_range

STREAM_INFO, PADDING, SEEK_TABLE = 0, 1, 3  # RFC 9639 §8.1


def blank_flac(path: Path) -> None:
    """Make padding of every metadata block but the set-up and the seek table."""
    with open(path, "r+b") as file:
        size, at, last = os.fstat(file.fileno()).st_size, 4, False
        while not last and at + 4 <= size:
            file.seek(at)
            head = file.read(4)
            last, kind = bool(head[0] & 0x80), head[0] & 0x7F
            stop = at + 4 + int.from_bytes(head[1:], "big")
            if kind not in (STREAM_INFO, SEEK_TABLE):
                file.seek(at)
                file.write(bytes([head[0] & 0x80 | PADDING]))
                blank_range(file, at + 4, min(stop, size))
            at = stop
