"""Metadata (EXIF, GPS and the like) cut out of pictures without touching a pixel, and the EXIF
orientation of a picture: read, baked into the pixels, and taken out."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageOps, PngImagePlugin

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
            end = scan_end(data, end)
        # APP0 JFIF and APP14 Adobe say how the colours are coded; every other APPn and COM speaks
        # about the picture.
        colour = (marker == 0xE0 and data[at + 4 : at + 9] == b"JFIF\0") or (
            marker == 0xEE and data[at + 4 : at + 9] == b"Adobe"
        )
        if colour or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, b"\xff\xd9"])


def scan_end(data: bytes, at: int) -> int:
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
    view = memoryview(data)  # so that the rows are there twice and not three times
    kept = [view[:8]]
    at = 8
    while at + 12 <= len(data):
        name, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if name in PNG_KEPT:
            kept.append(view[at:end])
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


# ── orientation ──────────────────────────────────────────────────────────────────────────────────

ORIENTATION = 0x0112


def upright_size(picture: Image.Image) -> tuple[int, int]:
    width, height = picture.size
    return (height, width) if orientation(picture) in range(5, 9) else (width, height)


def orientation(picture: Image.Image) -> object:
    """The EXIF orientation, 1 to 8; 1 when there is none. Damaged EXIF is no reason to refuse a
    good picture and counts as none."""
    try:
        if isinstance(picture, PngImagePlugin.PngImageFile):
            return _exif_of_png(picture).get(ORIENTATION, 1)
        return picture.getexif().get(ORIENTATION, 1)
    except (SyntaxError, struct.error, ValueError, LookupError, TypeError):
        return 1


def _exif_of_png(picture: PngImagePlugin.PngImageFile) -> Image.Exif:
    """Its EXIF. That of a PNG may stand behind its rows, and Pillow decodes all of them to look."""
    file = getattr(picture, "fp", None)
    if file is None or {"exif", "Raw profile type exif"} & set(picture.info):
        return picture.getexif()
    was, found = file.tell(), Image.Exif()
    file.seek(8)
    while len(head := file.read(8)) == 8:
        size = int.from_bytes(head[:4], "big")
        if head[4:] == b"eXIf":
            found.load(file.read(size))
            break
        file.seek(size + 4, 1)
    file.seek(was)
    return found


def is_turned(picture: Image.Image) -> bool:
    """Whether its EXIF says that it is to be shown turned or mirrored."""
    return orientation(picture) in range(2, 9)


def upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says; the very same when it stands upright."""
    return ImageOps.exif_transpose(picture) if is_turned(picture) else picture
