"""A large PNG in bands of rows, of which only one is in memory.

A row of a PNG is coded by what the row above it decodes to, so a part of the coded rows means
nothing by itself. Each band is handed to the decoder as a small PNG of its own: the row above it as
it is, and then the coded rows. Source: PNG (third edition) §7.3, §9.2, §11.2.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image, PngImagePlugin

from studio.media.stripes import LARGE

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by type of colour
BAND = 4_000_000  # bytes of decoded rows, about
READ = 1 << 16


def bands(source: bytes | str | os.PathLike[str]) -> Iterator[Image.Image] | None:
    """The pixels of the large PNG in these bytes or at this path from top to bottom, in its own
    mode and with its palette and transparency; None of one that is small, interlaced, or of another
    depth than eight bits. Raises what decoding damaged bytes raises."""
    with _opened(source) as file:
        if file.read(8) != SIGNATURE:
            return None
        name, body = _chunk(file)
        if name != b"IHDR" or len(body) != 13:
            return None
        width, height = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        depth, colour, interlaced = body[8], body[9], body[12]
    if width * height < LARGE or depth != 8 or interlaced or colour not in SAMPLES:
        return None
    return _bands(source, width, height, body)


def _opened(source: bytes | str | os.PathLike[str]) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")


def _bands(
    source: bytes | str | os.PathLike[str], width: int, height: int, head: bytes
) -> Iterator[Image.Image]:
    stride = width * SAMPLES[head[9]]
    most = max(16, BAND // stride)
    with _opened(source) as file:
        file.seek(8)
        meaning = b""  # of palette and transparency
        name, body = _chunk(file)
        while name != b"IDAT":
            if name in (b"PLTE", b"tRNS"):
                meaning += _coded(name, body)
            name, body = _chunk(file)
        rows = _Rows(file, body)
        above = bytes(stride)
        for top in range(0, height, most):
            count = min(most, height - top)
            coded = rows.take(count * (stride + 1))
            pixels = zlib.compress(b"\0" + above + coded, 0)
            size = width.to_bytes(4, "big") + (count + 1).to_bytes(4, "big")
            data = _coded(b"IHDR", size + head[8:]) + meaning + _coded(b"IDAT", pixels)
            with PngImagePlugin.PngImageFile(
                io.BytesIO(SIGNATURE + data + _coded(b"IEND", b""))
            ) as small:
                small.load()
                band = small.crop((0, 1, width, count + 1))
                above = band.crop((0, count - 1, width, count)).tobytes()
                band.info = dict(small.info)
            yield band


class _Rows:
    """The coded rows of the data chunks from here on."""

    def __init__(self, file: BinaryIO, first: bytes) -> None:
        self.file, self.waiting = file, first
        self.inflate = zlib.decompressobj()

    def take(self, number: int) -> bytes:
        """The next `number` bytes; OSError when they are not there."""
        parts, got = [], 0
        while got < number:
            if not self.waiting:
                name, self.waiting = _chunk(self.file)
                if name != b"IDAT":
                    raise OSError("the rows of a PNG end before the picture does")
                continue
            part = self.inflate.decompress(self.waiting, number - got)
            self.waiting = self.inflate.unconsumed_tail
            parts.append(part)
            got += len(part)
            if self.inflate.eof and got < number:
                raise OSError("the rows of a PNG end before the picture does")
        return b"".join(parts)


def _chunk(file: BinaryIO) -> tuple[bytes, bytes]:
    """The type and the body of the next chunk; OSError when it is not whole."""
    head = file.read(8)
    size = int.from_bytes(head[:4], "big")
    if len(head) < 8 or size > 1 << 31:
        raise OSError("a PNG that ends in the middle")
    body = file.read(size)
    check = file.read(4)
    if len(body) < size or len(check) < 4:
        raise OSError("a PNG that ends in the middle")
    if zlib.crc32(body, zlib.crc32(head[4:])) != int.from_bytes(check, "big"):
        raise OSError("a PNG with a part that was changed")
    return head[4:], body


def _coded(name: bytes, body: bytes) -> bytes:
    check = zlib.crc32(body, zlib.crc32(name))
    return len(body).to_bytes(4, "big") + name + body + check.to_bytes(4, "big")
