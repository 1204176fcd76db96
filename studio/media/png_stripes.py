"""A large picture written as PNG stripe by stripe, so that its pixels are never there as a whole.

A row of a PNG is coded by the row above it. Each stripe is handed to the encoder with the last row
of the stripe before on top, and of what it codes that row is left out; the rest goes on in one
stream, which the encoder would have made of the whole picture. Source: PNG (third edition) §7.3,
§9.2, §10.1.
"""

from __future__ import annotations

import io
import zlib

from PIL import Image

from studio.media.png_bands import SAMPLES, SIGNATURE, chunk, head_of
from studio.media.rows import stacked
from studio.media.stripes import STRIPE, Stripes

COLOURS = {"L": 0, "RGB": 2, "RGBA": 6}  # type of colour, by mode
PIECE = 1 << 20  # bytes of a chunk, about


def striped_png(picture: Stripes) -> bytes:
    """The picture as PNG of eight bits; its stripes are L, RGB or RGBA, all of one mode."""
    out = io.BytesIO()
    out.write(SIGNATURE)
    packed = bytearray()
    # What Pillow uses, so that a file is as long as if it had been written at once.
    packer = zlib.compressobj(-1, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
    above: Image.Image | None = None
    for top in range(0, picture.height, STRIPE):
        stripe = picture.stripe(top, min(top + STRIPE, picture.height))
        if above is None:
            colour = COLOURS[stripe.mode]
            sides = b"".join(side.to_bytes(4, "big") for side in picture.size)
            out.write(chunk(b"IHDR", sides + bytes((8, colour, 0, 0, 0))))
        packed += packer.compress(_filtered(stripe, above))
        if len(packed) >= PIECE:
            out.write(chunk(b"IDAT", bytes(packed)))
            packed.clear()
        above = stripe.crop((0, stripe.height - 1, stripe.width, stripe.height))
    if above is None:
        raise ValueError("a picture without rows")
    out.write(chunk(b"IDAT", bytes(packed) + packer.flush()) + chunk(b"IEND", b""))
    return out.getvalue()


def _filtered(stripe: Image.Image, above: Image.Image | None) -> bytes:
    """The rows of `stripe` as a PNG holds them before they are packed, below the row `above`."""
    joined = stripe if above is None else stacked(above, stripe)
    file = io.BytesIO()
    joined.save(file, "PNG", compress_level=0)
    file.seek(len(SIGNATURE))
    inflate, rows = zlib.decompressobj(), bytearray()
    while (head := head_of(file))[1] != b"IEND":
        body = file.read(head[0])
        if head[1] == b"IDAT":
            rows += inflate.decompress(body)
        file.seek(4, io.SEEK_CUR)  # its checksum
    left_out = 0 if above is None else 1 + stripe.width * SAMPLES[COLOURS[stripe.mode]]
    return bytes(memoryview(rows)[left_out:])
