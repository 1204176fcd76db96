"""A large picture that is decoded as a whole and worked on in stripes: cropped, scaled, brought
into sRGB and saved as JPEG without a second copy of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from studio.media.metadata import is_turned
from studio.media.stripes import LARGE, Box, Opener, Stripes

Convert = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels as a decoder hands them out: RGB, `stride` bytes a row. A third of the memory less
    than Pillow keeps them in."""

    data: bytes | memoryview
    size: tuple[int, int]
    stride: int

    def rows(self, top: int, bottom: int) -> Image.Image:
        """The rows [top, bottom) as a picture of their own."""
        part = bytes(memoryview(self.data)[top * self.stride : bottom * self.stride])
        return Image.frombytes("RGB", (self.size[0], bottom - top), part, "raw", "RGB", self.stride)


class DecodedRows(Stripes):
    """`Decoded` pixels in stripes; `convert` brings each into sRGB."""

    def __init__(self, decoded: Decoded, convert: Convert) -> None:
        self.decoded, self.convert = decoded, convert
        self.size = self.width, self.height = decoded.size

    def stripe(self, top: int, bottom: int) -> Image.Image:
        return self.convert(self.decoded.rows(top, bottom))

    def reduced(self, factor: int) -> Image.Image:
        """All of it, `factor` times smaller on each side, rounded up."""
        size = (-(-self.width // factor), -(-self.height // factor))
        small = Image.new("RGB", size)
        for top in range(0, self.height, 16 * factor):
            stripe = self.stripe(top, min(top + 16 * factor, self.height))
            small.paste(stripe.reduce(factor), (0, top // factor))
        return small


class PictureRows(Stripes):
    """The part `box` of a decoded `picture` in the size `size`; `convert` brings a stripe of it
    into the mode and colours that are saved."""

    def __init__(
        self,
        picture: Image.Image,
        convert: Convert,
        box: Box | None = None,
        size: tuple[int, int] | None = None,
        resample: Image.Resampling = Image.Resampling.LANCZOS,
    ) -> None:
        self.picture, self.convert, self.resample = picture, convert, resample
        self.box = box or (0, 0, *picture.size)
        whole = (self.box[2] - self.box[0], self.box[3] - self.box[1])
        self.size = self.width, self.height = size or whole
        self.scaled = self.size != whole

    def crop(self, box: Box) -> PictureRows:
        """The part (left, top, right, bottom) of one that is not scaled yet."""
        left, top = self.box[:2]
        inside = (left + box[0], top + box[1], left + box[2], top + box[3])
        return PictureRows(self.picture, self.convert, inside)

    def resize(self, size: tuple[int, int], resample: Image.Resampling) -> PictureRows:
        """The same part in another size, taken from the source again."""
        return PictureRows(self.picture, self.convert, self.box, size, resample)

    def stripe(self, top: int, bottom: int) -> Image.Image:
        left, first, right, last = self.box
        if not self.scaled:
            return self.convert(self.picture.crop((left, first + top, right, first + bottom)))
        # A row is weighed from the rows around it, also from those of the stripe beside.
        step = (last - first) / self.height
        rows = (left, first + top * step, right, min(first + bottom * step, last))
        size = (self.width, bottom - top)
        return self.convert(self.picture.resize(size, self.resample, box=rows))


def in_rows(
    open_again: Opener, convert: Convert, part: Callable[[tuple[int, int]], Box]
) -> PictureRows | None:
    """The large picture that `open_again` opens, of which `part` is asked for the box that is
    wanted; None of a small one, one that is to be turned and one that may be transparent: Pillow
    scales that through a copy of all of it. Raises what decoding raises."""
    with open_again() as opened:
        few = opened.width * opened.height < LARGE
        odd = opened.mode not in ("L", "RGB") or "transparency" in opened.info
        if few or odd or is_turned(opened):
            return None
        opened.load()
        picture = opened.copy() if opened.readonly else opened._new(opened.im)
    return PictureRows(picture, convert, part(picture.size))
