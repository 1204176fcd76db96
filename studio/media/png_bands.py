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
# By type of colour: the lower eight of sixteen bits, as Pillow names what it decodes.
LOWER = {2: "RGB;16L", 6: "RGBA;16L"}
BAND = 4_000_000  # bytes of decoded rows, about
READ = 1 << 16  # bytes of the file at once
ENDS = "a PNG that ends in the middle"
LONGEST = 1024  # bytes of a palette, or of transparency


def bands(
    source: bytes | str | os.PathLike[str], *, deep: bool = False
) -> Iterator[Image.Image] | None:
    """The pixels of the large PNG in these bytes or at this path from top to bottom, in its own
    mode and with its palette and transparency; None of one that is small, interlaced, or of another
    depth than eight bits. With `deep` also of one of sixteen bits of colour, of which the decoder
    keeps the upper eight: each band is decoded twice. Raises what decoding damaged bytes raises."""
    with _opened(source) as file:
        if file.read(8) != SIGNATURE:
            return None
        if head_of(file) != (13, b"IHDR"):
            return None
        body = _body(file, 13, b"IHDR")
        width, height = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        depth, colour, interlaced = body[8], body[9], body[12]
    known = colour in SAMPLES if depth == 8 else deep and depth == 16 and colour in LOWER
    if width * height < LARGE or interlaced or not known:
        return None
    return _bands(source, width, height, body)


def _opened(source: bytes | str | os.PathLike[str]) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")


def _bands(
    source: bytes | str | os.PathLike[str], width: int, height: int, head: bytes
) -> Iterator[Image.Image]:
    deep = head[8] == 16
    stride = width * SAMPLES[head[9]] * (2 if deep else 1)
    most = max(16, BAND // stride)
    with _opened(source) as file:
        file.seek(8)
        meaning = b""  # of palette and transparency
        file.seek(25, os.SEEK_CUR)  # its head
        size, name = head_of(file)
        while name != b"IDAT":
            if name in (b"PLTE", b"tRNS"):
                meaning += chunk(name, _body(file, size, name))
            else:
                file.seek(size + 4, os.SEEK_CUR)
            size, name = head_of(file)
        rows = _Rows(file, size)
        above = bytes(stride)
        for top in range(0, height, most):
            count = min(most, height - top)
            coded = rows.take(count * (stride + 1))
            pixels = zlib.compress(b"\0" + above + coded, 0)
            sides = width.to_bytes(4, "big") + (count + 1).to_bytes(4, "big")
            data = chunk(b"IHDR", sides + head[8:]) + meaning + chunk(b"IDAT", pixels)
            data = SIGNATURE + data + chunk(b"IEND", b"")
            band = _decoded(data)
            above = _last(band)
            if deep:
                both = bytearray(stride)
                both[::2], both[1::2] = above, _last(_decoded(data, LOWER[head[9]]))
                above = bytes(both)
            yield band
        rows.end()


def _decoded(data: bytes, samples: str = "") -> Image.Image:
    """The PNG but for its first row; `samples`: what the decoder takes of each, as it names it."""
    with PngImagePlugin.PngImageFile(io.BytesIO(data)) as small:
        if samples:
            small.tile = [tile._replace(args=samples) for tile in small.tile]
        small.load()
        band = small.crop((0, 1, *small.size))
        band.info = dict(small.info)
        return band


def _last(band: Image.Image) -> bytes:
    return band.crop((0, band.height - 1, *band.size)).tobytes()


class _Rows:
    """The coded rows of the data chunks from here on, the first of which has `size` bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.left, self.check = file, size, zlib.crc32(b"IDAT")
        self.inflate = zlib.decompressobj()

    def take(self, number: int) -> bytes:
        """The next `number` bytes; OSError when they are not there."""
        parts, got = [], 0
        while got < number:
            waiting = self.inflate.unconsumed_tail or self._read()
            part = self.inflate.decompress(waiting, number - got)
            parts.append(part)
            got += len(part)
            if self.inflate.eof and got < number:
                raise OSError("the rows of a PNG end before the picture does")
        return b"".join(parts)

    def end(self) -> None:
        """OSError when the chunk in which the rows end was changed."""
        while self.left:
            self._read()
        _compare(self.file, self.check)

    def _read(self) -> bytes:
        """The next bytes of the file; OSError when no data chunk has more, or one was changed."""
        while not self.left:
            _compare(self.file, self.check)
            self.left, name = head_of(self.file)
            if name != b"IDAT":
                raise OSError("the rows of a PNG end before the picture does")
            self.check = zlib.crc32(name)
        some = _whole(self.file, min(self.left, READ))
        self.left -= len(some)
        self.check = zlib.crc32(some, self.check)
        return some


def head_of(file: BinaryIO) -> tuple[int, bytes]:
    """The size of the next chunk's body in bytes, and its type; OSError when it is not whole."""
    head = _whole(file, 8)
    size = int.from_bytes(head[:4], "big")
    if size > 1 << 31:
        raise OSError(ENDS)
    return size, head[4:]


def _body(file: BinaryIO, size: int, name: bytes) -> bytes:
    """The body of the chunk `name`, of `size` bytes; OSError when it is not as it was written."""
    if size > LONGEST:
        raise OSError("a PNG with too long a palette")
    body = _whole(file, size)
    _compare(file, zlib.crc32(body, zlib.crc32(name)))
    return body


def _compare(file: BinaryIO, check: int) -> None:
    """OSError when the checksum of a chunk, which is next in `file`, is not `check`."""
    if int.from_bytes(_whole(file, 4), "big") != check:
        raise OSError("a PNG with a part that was changed")


def _whole(file: BinaryIO, size: int) -> bytes:
    some = file.read(size)
    if len(some) < size:
        raise OSError(ENDS)
    return some


def chunk(name: bytes, body: bytes) -> bytes:
    """The chunk `name` as a file holds it."""
    check = zlib.crc32(body, zlib.crc32(name))
    return len(body).to_bytes(4, "big") + name + body + check.to_bytes(4, "big")
