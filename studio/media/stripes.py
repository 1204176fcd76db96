"""Large photographs without their whole picture in memory: decoded as brightness and half-size
colours, handed out as stripes, and encoded as JPEG stripe by stripe.

A picture of 63 million pixels takes 252 MB as Pillow keeps it and 126 MB like this. It works for
what cameras and phones make: JPEG whose colours are stored at half of its width and height
(4:2:0), with even sides. Nothing is lost by it: the stored colours have no more than that.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from PIL import Image, JpegImagePlugin

from studio.media.metadata import orientation

LARGE = 12_000_000  # pixels from which on it is worth the trouble
HALVED = 2  # what Pillow calls 4:2:0
STRIPE = 128  # rows, a multiple of every height of a block
BLOCKS = 65_535  # between two restarts, which a JPEG counts in sixteen bits
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
LYING = {TURNS[number] for number in (5, 6, 7, 8)}
Opener = Callable[[], Image.Image]
Box = tuple[int, int, int, int]


class Stripes:
    """A picture in sRGB, upright, that is never there as a whole. `size` in pixels."""

    mode = "RGB"

    def __init__(
        self,
        bright: Image.Image,
        colour: Image.Image,
        convert: Callable[[Image.Image], Image.Image],
        box: Box | None = None,
    ) -> None:
        self.bright, self.colour, self.convert = bright, colour, convert
        self.box = box or (0, 0, *bright.size)
        self.width, self.height = self.box[2] - self.box[0], self.box[3] - self.box[1]
        self.size = (self.width, self.height)
        self.ratio = (colour.width / bright.width, colour.height / bright.height)

    def crop(self, box: Box) -> Stripes:
        """The part (left, top, right, bottom), which lies inside."""
        left, top = self.box[:2]
        inside = (left + box[0], top + box[1], left + box[2], top + box[3])
        return Stripes(self.bright, self.colour, self.convert, inside)

    def stripe(self, top: int, bottom: int) -> Image.Image:
        """Its rows [top, bottom), as RGB."""
        left, first, right, _ = self.box
        box = (left, first + top, right, first + bottom)
        bright = self.bright.crop(box)
        # Colours lie between four pixels each; the same weights as the decoder's own.
        across, down = self.ratio
        half = (
            left * across,
            (first + top) * down,
            min(right * across, self.colour.width),
            min((first + bottom) * down, self.colour.height),
        )
        colour = self.colour.resize(bright.size, Image.Resampling.BILINEAR, box=half)
        _, blue, red = colour.split()
        return self.convert(Image.merge("YCbCr", (bright, blue, red)).convert("RGB"))

    def resize(self, size: tuple[int, int], resample: Image.Resampling) -> Stripes:
        """The picture in another size. Brightness and colours are scaled apart, which is the same
        as scaling what they make."""
        across, down = self.ratio
        left, top, right, bottom = self.box
        half = (left * across, top * down, right * across, bottom * down)
        # No more colours than there are, and no fewer than the result shows.
        small = (
            max(1, min(size[0], round(self.width * across))),
            max(1, min(size[1], round(self.height * down))),
        )
        return Stripes(
            self.bright.resize(size, resample, box=self.box),
            self.colour.resize(small, resample, box=half),
            self.convert,
        )

    def whole(self) -> Image.Image:
        """All of it after all, for formats that are not written in stripes."""
        made: Image.Image | None = None
        for top in range(0, self.height, STRIPE):
            stripe = self.stripe(top, min(top + STRIPE, self.height))
            made = made or Image.new(stripe.mode, self.size)
            made.paste(stripe, (0, top))
        if made is None:
            raise ValueError("a picture without rows")
        return made

    def jpeg(
        self, *, quality: int, subsampling: int, tables: dict[int, Sequence[int]] | None = None
    ) -> bytes:
        """The picture as JPEG. `tables`: of another JPEG, instead of those of `quality`."""
        # Of blocks of eight rows, so that it is a multiple of those of sixteen too.
        rows = min(STRIPE, max(1, BLOCKS // -(-self.width // 8) // 2) * 16)
        out = io.BytesIO()
        for number, top in enumerate(range(0, self.height, rows)):
            stripe, part = self.stripe(top, min(top + rows, self.height)), io.BytesIO()
            if tables:
                stripe.save(part, "JPEG", qtables=tables, subsampling=subsampling)
            else:
                stripe.save(part, "JPEG", quality=quality, subsampling=subsampling)
            head, start, coded = _parts(part.getvalue())
            if number:
                out.write(bytes([0xFF, 0xD0 + (number - 1) % 8]))
            else:
                at = head.index(b"\xff\xc0") + 5
                out.write(head[:at] + self.height.to_bytes(2, "big") + head[at + 2 :])
                # Grey has no colours that could be stored at half of its size.
                block = 16 if subsampling and stripe.mode != "L" else 8
                blocks = -(-self.width // block) * (rows // block)
                out.write(b"\xff\xdd\0\4" + blocks.to_bytes(2, "big") + start)
            out.write(coded)
        out.write(b"\xff\xd9")
        return out.getvalue()


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """A JPEG of one scan: what stands before it, its header, and its coded blocks."""
    at = 2
    while data[at + 1] != 0xDA:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    coded = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[:at], data[at:coded], data[coded:-2]


def in_stripes(
    open_again: Opener,
    to_srgb: Callable[[Image.Image], Image.Image],
    part: Callable[[tuple[int, int]], Box] | None = None,
) -> Stripes | None:
    """The large JPEG that `open_again` opens, upright and in sRGB; None when it is no such one.
    `to_srgb` gets stripes that carry its profile; `part` is asked for the box of the upright
    picture, of this size, that is wanted. Raises what decoding raises."""
    with open_again() as picture:
        if not _splits(picture):
            return None
        turn, info = TURNS.get(int(str(orientation(picture)))), dict(picture.info)
        width, height = picture.size
        lies = turn in LYING
    box = part((height, width) if lies else (width, height)) if part else None
    # Whole pairs of pixels, which share a colour.
    left, top, right, bottom = box or (0, 0, *((height, width) if lies else (width, height)))
    kept = (left // 2, top // 2, -(-right // 2), -(-bottom // 2))
    bright = _turned(_decoded(open_again, "L", (width, height)), turn)
    bright = bright.crop((kept[0] * 2, kept[1] * 2, kept[2] * 2, kept[3] * 2))
    colour = _turned(_decoded(open_again, "YCbCr", (width // 2, height // 2)), turn).crop(kept)
    inside = (left % 2, top % 2, left % 2 + right - left, top % 2 + bottom - top)

    def convert(stripe: Image.Image) -> Image.Image:
        if "icc_profile" in info:
            stripe.info["icc_profile"] = info["icc_profile"]
            stripe = to_srgb(stripe)
            stripe.info = {}
        return stripe

    return Stripes(bright, colour, convert, inside)


def _splits(picture: Image.Image) -> bool:
    return (
        isinstance(picture, JpegImagePlugin.JpegImageFile)
        and picture.mode == "RGB"
        and picture.width * picture.height >= LARGE
        and picture.width % 2 == picture.height % 2 == 0
        and JpegImagePlugin.get_sampling(picture) == HALVED
        and picture.info.get("adobe_transform", 1) == 1  # 0: stored as red, green and blue
    )


def _decoded(open_again: Opener, mode: str, size: tuple[int, int]) -> Image.Image:
    with open_again() as picture:
        picture.draft(mode, size)
        picture.load()
        if (picture.mode, picture.size) != (mode, size):
            raise ValueError("a JPEG that is not decoded as it says")
        return picture.copy() if picture.readonly else _detached(picture)


def _detached(picture: Image.Image) -> Image.Image:
    """The pixels without the file, and without a copy of them."""
    return picture._new(picture.im)


def _turned(picture: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return picture if turn is None else picture.transpose(turn)
