"""An Ogg file whose comments are blanked in place.

Source: RFC 3533 (pages), RFC 7845 §5.2 (OpusTags), Vorbis I §5 (comment header).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from studio.media.cleaners.blank import blank_range

MARKS = (b"OpusTags", b"\x03vorbis", b"\x81theora")
MOST = 16 << 20  # bytes of one comment header that are taken for one
PAGES = 4096
BEHIND = 1 << 20  # bytes at the end in which the last page is looked for


def blank_ogg(path: Path) -> None:
    """Empty the comment header of every stream: no vendor, no comments, as many bytes as before."""
    with open(path, "r+b") as file:
        pages = _Pages(file)
        pages.blank()
        pages.blank_behind()


class _Pages:
    """The pages at the start of an Ogg file, up to the first that holds no header."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = os.fstat(file.fileno()).st_size

    def blank(self) -> None:
        """Walk the first packets of each stream; a comment is the second of its stream."""
        open_packets: dict[bytes, list[tuple[int, int]]] = {}
        counts: dict[bytes, int] = {}
        at = 0
        for _ in range(PAGES):
            page = self._page(at)
            if page is None:
                return
            serial, lacing, body, stop = page
            start = body
            length = 0
            for value in lacing:
                length += value
                if value == 255:
                    continue
                ranges = [*open_packets.pop(serial, []), (start, start + length)]
                counts[serial] = counts.get(serial, 0) + 1
                if counts[serial] == 2:
                    self._empty(ranges)
                start, length = start + length, 0
            if length:
                open_packets.setdefault(serial, []).append((start, start + length))
            if counts and all(count >= 2 for count in counts.values()):
                return
            at = stop

    def blank_behind(self) -> None:
        """Blank what stands behind the last page: tags of other formats, whatever was appended."""
        first = max(0, self.size - BEHIND)
        self.file.seek(first)
        at = self.file.read(BEHIND).rfind(b"OggS")
        page = self._page(first + at) if at >= 0 else None
        if page is not None and page[3] < self.size:
            blank_range(self.file, page[3], self.size)

    def _page(self, at: int) -> tuple[bytes, bytes, int, int] | None:
        """(serial number, lacing, start of the body, end) of the page at `at`."""
        self.file.seek(at)
        head = self.file.read(27)
        if len(head) < 27 or not head.startswith(b"OggS"):
            return None
        lacing = self.file.read(head[26])
        body = at + 27 + len(lacing)
        return head[14:18], lacing, body, body + sum(lacing)

    def _empty(self, ranges: list[tuple[int, int]]) -> None:
        """Write the packet that lies in `ranges` anew and without words, when it is a comment."""
        length = sum(stop - start for start, stop in ranges)
        if length > MOST:
            return
        data = b"".join(self._read(start, stop) for start, stop in ranges)
        mark = next((mark for mark in MARKS if data.startswith(mark)), None)
        if mark is None:
            return
        framing = b"\x01" if mark == b"\x03vorbis" else b""
        vendor = length - len(mark) - 8 - len(framing)
        if vendor < 0:
            return
        fresh = mark + vendor.to_bytes(4, "little") + bytes(vendor) + bytes(4) + framing
        at = 0
        for start, stop in ranges:
            self.file.seek(start)
            self.file.write(fresh[at : at + stop - start])
            at += stop - start
        self._sum_up(ranges)

    def _read(self, start: int, stop: int) -> bytes:
        self.file.seek(start)
        return self.file.read(stop - start)

    def _sum_up(self, ranges: list[tuple[int, int]]) -> None:
        """Write the checksums of the pages that hold `ranges`."""
        at = 0
        last = ranges[-1][1]
        while at < last and (page := self._page(at)) is not None:
            stop = page[3]
            if any(at < end and start < stop for start, end in ranges):
                data = bytearray(self._read(at, stop))
                data[22:26] = bytes(4)
                self.file.seek(at + 22)
                self.file.write(_checksum(bytes(data)).to_bytes(4, "little"))
            at = stop


def _table() -> list[int]:
    table = []
    for value in range(256):
        sum_ = value << 24
        for _ in range(8):
            sum_ = (sum_ << 1 ^ 0x04C11DB7 if sum_ & 0x80000000 else sum_ << 1) & 0xFFFFFFFF
        table.append(sum_)
    return table


TABLE = _table()


def _checksum(data: bytes) -> int:
    """CRC-32 of an Ogg page: polynomial 0x04C11DB7, no reflection, begun and ended with 0."""
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFFFFFF) ^ TABLE[value >> 24 ^ byte]
    return value
