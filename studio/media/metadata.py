"""Metadata (EXIF, GPS and the like) cut out of files without touching a pixel or a sample, and the
EXIF orientation of a picture: read, baked into the pixels, and taken out.

Pictures lose their metadata segments; MP4, MOV, WAV and AVI keep every offset, because a metadata
box is only renamed to "free" (or "JUNK") and filled with zeros.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

from studio.common.translatable import phrase
from studio.media.facts import Facts, unreadable
from studio.media.kinds import id3_length

CHUNK = 1 << 20
PNG_KEPT = {
    b"IHDR",
    b"PLTE",
    b"tRNS",
    b"gAMA",
    b"cHRM",
    b"sRGB",
    b"sBIT",
    b"cICP",
    b"IDAT",
    b"IEND",
}
WEBP_KEPT = {b"VP8 ", b"VP8L", b"ALPH"}
BOX_HOMES = {b"moov", b"trak", b"mdia", b"minf", b"moof", b"traf", b"udta"}
BOX_PRIVATE = {b"udta", b"meta", b"uuid"}
RIFF_KEPT = {
    b"fmt ",
    b"data",
    b"fact",
    b"JUNK",
    b"cue ",
    b"smpl",
    b"idx1",
    b"avih",
    b"strh",
    b"strf",
    b"vprp",
    b"indx",
    b"dmlh",
}
RIFF_HOMES = {b"hdrl", b"strl", b"odml"}


def bare_picture(path: str | os.PathLike[str], name: str) -> bytes | None:
    """The bytes of an upright sRGB picture without its metadata; None when there is none to drop,
    so that the file stays as it is."""
    data = Path(path).read_bytes()
    bare = {"jpeg": _bare_jpeg, "png": _bare_png, "webp": _bare_webp, "bmp": _bare_bmp}[name](data)
    return None if bare == data else bare


def _bare_jpeg(data: bytes) -> bytes:
    kept = [b"\xff\xd8"]
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1  # decoders skip stray bytes between segments, and so do we
            continue
        marker = data[at + 1]
        if marker == 0xD9:
            break
        if marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            end = _scan_end(data, end)
        # APP0 JFIF and APP14 Adobe say how the colours are coded; every other APPn and COM speaks
        # about the picture.
        colour = (marker == 0xE0 and data[at + 4 : at + 9] == b"JFIF\0") or (
            marker == 0xEE and data[at + 4 : at + 9] == b"Adobe"
        )
        if colour or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, b"\xff\xd9"])


def _scan_end(data: bytes, at: int) -> int:
    """Where the entropy-coded bytes that start at `at` end: at the next marker that is neither
    stuffing nor a restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        if data[at + 1] != 0xFF and data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 1 if data[at + 1] == 0xFF else 2


def _bare_png(data: bytes) -> bytes:
    kept = [data[:8]]
    at = 8
    while at + 12 <= len(data):
        name, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if name in PNG_KEPT:
            kept.append(data[at:end])
        if name == b"IEND":
            break
        at = end
    return b"".join(kept)


def _bare_webp(data: bytes) -> bytes:
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    extended = b""
    kept = []
    for name, start, stop in _chunks(data, 12, end):
        if name == b"VP8X":
            # Of the flags only transparency (0x10) stays true once profile, EXIF, XMP and animation
            # are gone.
            extended = (
                data[start - 8 : start] + bytes([data[start] & 0x10]) + data[start + 1 : stop]
            )
        elif name in WEBP_KEPT:
            kept.append(data[start - 8 : stop] + b"\0" * ((stop - start) & 1))
    body = b"WEBP" + extended + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunks(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], at + 8, min(at + 8 + size, end)
        at += 8 + size + (size & 1)


def _bare_bmp(data: bytes) -> bytes:
    """A bitmap has no metadata of its own; what stands behind its declared end, and a linked
    profile's path, goes."""
    declared = int.from_bytes(data[2:6], "little")
    header = int.from_bytes(data[14:18], "little")
    pixels = int.from_bytes(data[10:14], "little")
    if header == 124 and data[70:74] in (b"LINK", b"MBED"):
        start, size = (
            int.from_bytes(data[at : at + 4], "little") + shift
            for at, shift in ((126, 14), (130, 0))
        )
        if pixels < start < len(data):
            # "BGRs" is the code for sRGB: the profile behind the pixels is no longer spoken of.
            data = (
                data[:70]
                + b"BGRs"
                + data[74:126]
                + b"\0" * 8
                + data[134:start]
                + b"\0" * min(size, len(data) - start)
                + data[start + size :]
            )
    return data[:declared] if pixels < declared < len(data) else data


def strip_av_metadata(
    path: str | os.PathLike[str], facts: Facts, target: str | os.PathLike[str]
) -> Facts:
    """Copy sound or video to `target` without titles, places and device names; returns the facts of
    the copy (only `size` can differ).

    MP4, MOV, M4A, WAV, AVI: metadata boxes are blanked in the copy, same size, every sample at its
    place. MP3: ID3 tags are left out. AAC, FLAC, Ogg, WebM, MKV: copied as they are. Streamed;
    `target` appears whole or not at all and must not be `path`.
    """
    target = Path(target)
    part = target.with_name(target.name + ".part")
    try:
        if facts.format == "mp3":
            _copy_mp3(path, part)
        else:
            shutil.copyfile(path, part)
            with (
                unreadable(
                    phrase(
                        "This file is damaged inside, so its metadata cannot be removed; export it "
                        "again."
                    )
                ),
                open(part, "r+b") as file,
            ):
                if facts.format in ("mp4", "mov", "m4a"):
                    _blank_boxes(file, 0, os.stat(part).st_size, 0)
                elif facts.format in ("wav", "avi"):
                    _blank_chunks(file, 12, os.stat(part).st_size, 0)
        size = os.stat(part).st_size
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return replace(facts, size=size)


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


def _blank_boxes(file: BinaryIO, start: int, end: int, depth: int) -> None:
    for name, at, body, stop in list(boxes(file, start, end)):
        if name in BOX_PRIVATE:
            file.seek(at + 4)
            file.write(b"free")
            _zero(file, body, min(stop, end))
        elif name in BOX_HOMES and depth < 8:
            _blank_boxes(file, body, min(stop, end), depth + 1)


def _blank_chunks(file: BinaryIO, start: int, end: int, depth: int) -> None:
    at = start
    while at + 8 <= end:
        file.seek(at)
        head = file.read(12)
        name, size, listed = head[:4], int.from_bytes(head[4:8], "little"), head[8:12]
        stop = min(at + 8 + size, end)
        if name in (b"LIST", b"RIFF") and (listed in RIFF_HOMES or name == b"RIFF") and depth < 8:
            _blank_chunks(file, at + 12, stop, depth + 1)
        elif (
            name not in RIFF_KEPT
            and not (name == b"LIST" and listed in (b"movi", b"rec "))
            and not name.startswith(b"ix")
        ):
            file.seek(at)
            file.write(b"JUNK")
            _zero(file, at + 8, stop)
        at += 8 + size + (size & 1)


def _zero(file: BinaryIO, start: int, end: int) -> None:
    file.seek(start)
    while start < end:
        start += file.write(b"\0" * min(CHUNK, end - start))


def _copy_mp3(path: str | os.PathLike[str], part: Path) -> None:
    size = os.stat(path).st_size
    with open(path, "rb") as source, open(part, "wb") as out:
        start = id3_length(source.read(10))
        if size >= 128:
            source.seek(size - 128)
            if source.read(3) == b"TAG":
                size -= 128
        source.seek(start)
        left = size - start
        while left > 0 and (block := source.read(min(CHUNK, left))):
            out.write(block)
            left -= len(block)


# ── orientation ──────────────────────────────────────────────────────────────────────────────────

ORIENTATION = 0x0112


def upright_size(picture: Image.Image) -> tuple[int, int]:
    width, height = picture.size
    return (height, width) if orientation(picture) in range(5, 9) else (width, height)


def orientation(picture: Image.Image) -> object:
    """The EXIF orientation, 1 to 8; 1 when there is none. Damaged EXIF is no reason to refuse a
    good picture and counts as none."""
    try:
        return picture.getexif().get(ORIENTATION, 1)
    except (SyntaxError, struct.error, ValueError, LookupError, TypeError):
        return 1


def is_turned(picture: Image.Image) -> bool:
    """Whether its EXIF says that it is to be shown turned or mirrored."""
    return orientation(picture) in range(2, 9)


def upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says; the very same when it stands upright."""
    return ImageOps.exif_transpose(picture) if is_turned(picture) else picture
