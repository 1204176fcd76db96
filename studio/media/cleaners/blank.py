"""Bytes of a file overwritten with zeros."""

from __future__ import annotations

from typing import BinaryIO

BLOCK = 1 << 20


def blank_range(file: BinaryIO, start: int, end: int) -> None:
    """Write zeros over the bytes `start` up to, not including, `end`."""
    file.seek(start)
    while start < end:
        start += file.write(b"\0" * min(BLOCK, end - start))
