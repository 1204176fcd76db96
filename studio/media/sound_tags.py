"""Tags that people's programs put into streams of MP3 and AAC frames: before them, behind them and,
where recordings were joined, between them.

Sources: ID3v2.3 §3.1 and ID3v2.4 §3; APEv2 “APE Tags Header”; Lyrics3 v2.00.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, Literal, Protocol

PEEK = 64  # bytes of a tag that tell its length
APE_FOOTER = 32
LYRICS1_MOST = 5100 + 11 + 9  # Lyrics3 v1: at most so many bytes with its two marks
LOOKED_BACK = 64  # tags looked for at the end; more are none


class Bytes(Protocol):
    """A file mapped into memory, or its bytes."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> bytes: ...
    def find(self, part: bytes, start: int = ..., stop: int = ..., /) -> int: ...
    def rfind(self, part: bytes, start: int = ..., stop: int = ..., /) -> int: ...


def id3_length(head: bytes) -> int:
    """Bytes of the ID3v2 tag at the start of `head`, header and footer included; 0 when there is
    none."""
    if len(head) < 10 or not head.startswith(b"ID3") or head[3] not in (2, 3, 4):
        return 0
    size = sum(
        (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
    )
    return 10 + size + (10 if head[5] & 0x10 else 0)


def tag_length(head: bytes) -> int:
    """Bytes of the tag that begins with `head` (PEEK bytes of it); 0 when none does or when only
    its end tells."""
    if head.startswith(b"ID3"):
        return id3_length(head)
    if head.startswith(b"APETAGEX") and len(head) >= APE_FOOTER:
        size = int.from_bytes(head[12:16], "little")  # of the items and the footer
        return APE_FOOTER + size if head[23] & 0x20 else APE_FOOTER
    return 0


def after_tags(file: BinaryIO) -> int:
    """Where the sound of `file` begins: behind every tag that stands before it."""
    at, size = 0, os.fstat(file.fileno()).st_size
    while at < size:
        file.seek(at)
        step = tag_length(file.read(PEEK))
        if not step:
            break
        at += step
    return min(at, size)


def before_tags(data: Bytes) -> int:
    """Where the sound of `data` ends: before every tag that stands behind it."""
    end = len(data)
    for _ in range(LOOKED_BACK):
        start = _last_tag(data, end)
        if not 0 <= start < end:
            break
        end = start
    return end


def _last_tag(data: Bytes, end: int) -> int:
    """Where the tag that ends at `end` starts; `end` when there is none."""
    if data[max(0, end - 128) : end][:3] == b"TAG" and end >= 128:
        start = end - 128
        return start - 227 if data[max(0, start - 227) : start][:4] == b"TAG+" else start
    footer = data[max(0, end - APE_FOOTER) : end]
    if footer.startswith(b"APETAGEX"):
        size = int.from_bytes(footer[12:16], "little")
        return end - max(size, APE_FOOTER) - (APE_FOOTER if footer[23] & 0x80 else 0)
    if data[max(0, end - 9) : end] == b"LYRICS200":
        length = data[max(0, end - 15) : end - 9]
        return end - 15 - int(length) if length.isdigit() else end
    if data[max(0, end - 9) : end] == b"LYRICSEND":
        start = data.rfind(b"LYRICSBEGIN", max(0, end - LYRICS1_MOST), end)
        return start if start >= 0 else end
    if data[max(0, end - 10) : end][:3] == b"3DI":
        return end - id3_length(b"ID3" + data[end - 7 : end])
    return end


def pieces(
    data: Bytes, length: Callable[[bytes], int]
) -> Iterator[tuple[int, int, Literal["frames", "tag"]]]:
    """The (start, stop, what) of every run of whole frames in `data` and of every tag; what is
    neither is passed over.

    `length` answers the bytes of the frame that a head of six bytes begins, 0 when it begins none.
    A frame after something else counts when another one, a tag or the end follows it.
    """
    at, end, start = 0, before_tags(data), -1
    while at < end:
        step = length(data[at : at + 6])
        if step and at + step <= end and (start >= 0 or _followed(data, at + step, end, length)):
            start = at if start < 0 else start
            at += step
            continue
        if start >= 0:
            yield start, at, "frames"
            start = -1
        if step := tag_length(data[at : at + PEEK]):
            yield at, min(at + step, end), "tag"
            at += step
        else:
            at = _next_start(data, at + 1, end)
    if start >= 0:
        yield start, min(at, end), "frames"
    if end < len(data):
        yield end, len(data), "tag"


def _followed(data: Bytes, at: int, end: int, length: Callable[[bytes], int]) -> bool:
    return at >= end or bool(length(data[at : at + 6]) or tag_length(data[at : at + PEEK]))


def _next_start(data: Bytes, at: int, end: int) -> int:
    """The next place at which a frame or a tag may begin."""
    place = data.find(b"\xff", at, end)
    place = end if place < 0 else place
    found = [data.find(sign, at, place) for sign in (b"ID3", b"APETAGEX")]
    return min([one for one in found if one >= 0], default=place)
