"""A large picture that is decoded as a whole and worked on in stripes: cropped, scaled, brought
into sRGB and saved as JPEG without a second copy of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from studio.media.metadata import is_turned
from studio.media.png_bands import bands
from studio.media.stripes import LARGE, Box, Opener, Stripes

REDUCED_ROWS = 8  # of a small picture that are made at once
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
        box = part(opened.size)
        parts = bands(opened.filename) if isinstance(opened, PngImageFile) else None
        if parts is not None:
            picture = _cut(parts, box)
            picture.info = dict(opened.info)
            return PictureRows(picture, convert)
        opened.load()
        picture = opened.copy() if opened.readonly else opened._new(opened.im)
    return PictureRows(picture, convert, box)


def _cut(parts: Iterator[Image.Image], box: Box) -> Image.Image:
    """The part `box` of a picture whose pixels come from top to bottom; all of them are read, so
    that damage anywhere shows."""
    left, first, right, last = box
    cut: Image.Image | None = None
    top = 0
    for part in parts:
        cut = cut or Image.new(part.mode, (right - left, last - first))
        above, below = max(first, top), min(last, top + part.height)
        if above < below:
            cut.paste(part.crop((left, above - top, right, below - top)), (0, above - first))
        top += part.height
    if cut is None:
        raise ValueError("a picture without rows")
    return cut


def reduced(picture: Image.Image, side: int, parts: Iterator[Image.Image] | None) -> Image.Image:
    """A large picture brought down to no less than `side` pixels a side, stripe by stripe: one with
    transparency would be copied as a whole for that. `parts`: its pixels from top to bottom, so
    that it is never decoded as a whole."""
    factor = min(picture.size) // side
    if factor < 2 or picture.mode not in ("L", "LA", "RGB", "RGBA"):
        return picture
    size = (-(-picture.width // factor), -(-picture.height // factor))
    small = Image.new(picture.mode, size)
    small.info = dict(picture.info)
    rows = REDUCED_ROWS * factor
    stripes = _joined(parts, rows) if parts is not None else _stripes(picture, rows)
    for number, stripe in enumerate(stripes):
        small.paste(stripe.reduce(factor), (0, number * REDUCED_ROWS))
    return small


def _stripes(picture: Image.Image, rows: int) -> Iterator[Image.Image]:
    for top in range(0, picture.height, rows):
        yield picture.crop((0, top, picture.width, min(top + rows, picture.height)))


def _joined(parts: Iterator[Image.Image], rows: int) -> Iterator[Image.Image]:
    """The same pixels in stripes of `rows` rows, the last one shorter."""
    kept: Image.Image | None = None
    for part in parts:
        joined = part
        if kept is not None:
            joined = Image.new(part.mode, (part.width, kept.height + part.height))
            joined.paste(kept, (0, 0))
            joined.paste(part, (0, kept.height))
        whole = joined.height - joined.height % rows
        for top in range(0, whole, rows):
            yield joined.crop((0, top, joined.width, top + rows))
        rest = joined.crop((0, whole, joined.width, joined.height))
        kept = rest if rest.height else None
    if kept is not None:
        yield kept
