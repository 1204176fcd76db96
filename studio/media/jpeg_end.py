"""JPEGs whose last two bytes are missing, which every viewer shows."""

from __future__ import annotations

import io
import os

from PIL import JpegImagePlugin

from studio.media.metadata import scan_end
from studio.media.pixel_limit import refuse_pixels
from studio.media.same_pixels import pixels_digest

END = b"\xff\xd9"
# Bytes that are no marker: a scan that is not over takes them for its own, each sort otherwise.
FILLERS = [bytes([byte]) * 64 for byte in (0x00, 0x55, 0xAA, 0x7F, 0xFE)]


def mended(path: str | os.PathLike[str]) -> io.BytesIO | None:
    """The JPEG at `path` with the end mark that it lacks; None when it has one, and when more than
    the mark is missing."""
    with open(path, "rb") as file:
        file.seek(-2, os.SEEK_END)
        if file.read() == END:
            return None
        file.seek(0)
        data = file.read()
    if data.endswith(END[:1]):
        data = data[:-1]  # half of the mark
    return io.BytesIO(data + END) if _lacks_end(data) and _is_whole(data) else None


def _is_whole(data: bytes) -> bool:
    """Whether nothing but its end mark is missing: then bytes put before the mark change nothing,
    while a scan that was cut would decode them."""
    digests = set()
    for filler in (b"", *FILLERS):
        with JpegImagePlugin.JpegImageFile(io.BytesIO(data + filler + END)) as picture:
            refuse_pixels(*picture.size)
            try:
                digests.add(pixels_digest(picture))
            except OSError:
                return False
        if len(digests) > 1:
            return False
    return True


def _lacks_end(data: bytes) -> bool:
    """Whether the segments of a JPEG go on to its last byte and a scan is the last of them."""
    at, scanned = 2, False
    while at + 2 <= len(data):
        if data[at] != 0xFF or data[at + 1] in (0x00, 0xFF) or 0xD0 <= data[at + 1] <= 0xD8:
            at += 1
            continue
        marker = data[at + 1]
        if marker == END[1]:
            return False
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data):
            return False  # cut in a header
        if marker == 0xDA:
            end, scanned = scan_end(data, end), True
        at = end
    return scanned
