"""A large picture of which what is wanted is decoded and worked on in stripes: cropped, scaled,
brought into sRGB and saved without a second copy of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from studio.media.metadata import is_turned
from studio.media.png_bands import bands
from studio.media.stripes import LARGE, Box, Opener, Stripes

REDUCED_ROWS = 8  # of a small picture that are made at once
WEIGHED_ROWS = 512  # of a picture that are converted at once to be scaled, about
FEW = 256  # pixels a side of the small picture that tells colours only
REACH = 3  # rows of the result by which the rows lie apart that LANCZOS weighs, to each side
Convert = Callable[[Image.Image], Image.Image]
Ground = Callable[[Box], Image.Image]  # a new RGB picture of the size of the box


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
    into the mode and colours that are saved. `ground`: what is put behind a box of `picture`."""

    def __init__(
        self,
        picture: Image.Image,
        convert: Convert,
        box: Box | None = None,
        *,
        ground: Ground | None = None,
        size: tuple[int, int] | None = None,
        resample: Image.Resampling = Image.Resampling.LANCZOS,
    ) -> None:
        self.picture, self.convert, self.resample = picture, convert, resample
        self.box, self.ground = box or (0, 0, *picture.size), ground
        whole = (self.box[2] - self.box[0], self.box[3] - self.box[1])
        self.size = self.width, self.height = size or whole
        self.scaled = self.size != whole
        # Numbers of a palette cannot be weighed, and neither can one colour that is transparent.
        self.plain = picture.mode in ("L", "RGB") and "transparency" not in picture.info

    def crop(self, box: Box) -> PictureRows:
        """The part (left, top, right, bottom) of one that is not scaled yet."""
        left, top = self.box[:2]
        inside = (left + box[0], top + box[1], left + box[2], top + box[3])
        return PictureRows(self.picture, self.convert, inside, ground=self.ground)

    def resize(self, size: tuple[int, int], resample: Image.Resampling) -> PictureRows:
        """The same part in another size, taken from the source again."""
        return PictureRows(
            self.picture,
            self.convert,
            self.box,
            ground=self.ground,
            size=size,
            resample=resample,
        )

    def stripe(self, top: int, bottom: int) -> Image.Image:
        left, first, right, last = self.box
        if not self.scaled:
            return self._converted((left, first + top, right, first + bottom))
        if not self.plain:
            return self._weighed(top, bottom)
        # A row is weighed from the rows around it, also from those of the stripe beside.
        step = (last - first) / self.height
        rows = (left, first + top * step, right, min(first + bottom * step, last))
        size = (self.width, bottom - top)
        return self.convert(self.picture.resize(size, self.resample, box=rows))

    def _converted(self, box: Box) -> Image.Image:
        part = self.convert(self.picture.crop(box))
        if self.ground is None or part.mode != "RGBA":
            return part
        return laid(part, self.ground(box))

    def _weighed(self, top: int, bottom: int) -> Image.Image:
        """Its rows [top, bottom), scaled from pixels that are converted before. Of what is
        transparent Pillow makes a copy to scale it, so that is done with few rows at once."""
        left, first, right, last = self.box
        step = (last - first) / self.height
        if (bottom - top) * step > WEIGHED_ROWS and bottom - top > 1:
            middle = (top + bottom) // 2
            return stacked(self._weighed(top, middle), self._weighed(middle, bottom))
        start, stop = top * step, min(bottom * step, last - first)
        reach = REACH * max(1.0, step) + 1
        above = max(0, math.floor(start - reach))
        below = min(last - first, math.ceil(stop + reach))
        part = self._converted((left, first + above, right, first + below))
        rows = (0, start - above, part.width, stop - above)
        return part.resize((self.width, bottom - top), self.resample, box=rows)


def laid(picture: Image.Image, ground: Image.Image) -> Image.Image:
    """An RGBA picture on a ground of its size, which becomes the picture."""
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def in_rows(
    open_again: Opener,
    convert: Convert,
    part: Callable[[tuple[int, int]], Box],
    ground: Ground | None = None,
) -> PictureRows | None:
    """The large picture that `open_again` opens, of which `part` is asked for the box that is
    wanted, and `ground` for what is behind a box of it; None of a small one and one that is to be
    turned. Raises what decoding raises."""
    with open_again() as opened:
        if not is_for_rows(opened):
            return None
        box = part(opened.size)
        parts = _parts(opened)
        if parts is not None:
            picture = _cut(parts, box)
            picture.info = dict(opened.info)
            behind = None if ground is None else _moved(ground, box)
            return PictureRows(picture, convert, ground=behind)
        opened.load()
        picture = opened.copy() if opened.readonly else opened._new(opened.im)
    return PictureRows(picture, convert, box, ground=ground)


def is_for_rows(opened: Image.Image) -> bool:
    """Whether it is large, and not to be turned."""
    return opened.width * opened.height >= LARGE and not is_turned(opened)


def _moved(ground: Ground, part: Box) -> Ground:
    """The ground behind boxes of the part."""
    left, top = part[:2]
    return lambda box: ground((left + box[0], top + box[1], left + box[2], top + box[3]))


def few_pixels(open_again: Opener, convert: Convert) -> Image.Image | None:
    """The picture that `open_again` opens, brought down to the mean colours of a grid of FEW by FEW
    or a few more; None when `convert` makes no RGBA of it, so that nothing shows through. Raises
    what decoding raises."""
    with open_again() as opened:
        factor = (max(1, opened.width // FEW), max(1, opened.height // FEW))
        size = (-(-opened.width // factor[0]), -(-opened.height // factor[1]))
        small, rows = Image.new("RGBA", size), max(1, REDUCED_ROWS // factor[1]) * factor[1]
        parts = _parts(opened)
        stripes = _stripes(opened, rows) if parts is None else _joined(parts, rows)
        for number, stripe in enumerate(stripes):
            stripe.info = dict(opened.info)
            stripe = convert(stripe)
            if stripe.mode != "RGBA":
                return None
            small.paste(stripe.reduce(factor), (0, number * (rows // factor[1])))
    return small


def _parts(opened: Image.Image) -> Iterator[Image.Image] | None:
    return bands(opened.filename, deep=True) if isinstance(opened, PngImageFile) else None


def _cut(parts: Iterator[Image.Image], box: Box) -> Image.Image:
    """The part `box` of a picture whose pixels come from top to bottom; all of them are read, so
    that damage anywhere shows."""
    left, first, right, last = box
    cut: Image.Image | None = None
    top = 0
    for part in parts:
        if cut is None:
            cut = _blank(part, (right - left, last - first))
        above, below = max(first, top), min(last, top + part.height)
        if above < below:
            cut.paste(part.crop((left, above - top, right, below - top)), (0, above - first))
        top += part.height
    if cut is None:
        raise ValueError("a picture without rows")
    return cut


def smaller(picture: Image.Image | Stripes, size: tuple[int, int]) -> Image.Image | Stripes:
    """The picture in another size, as a whole when that is not large: one in stripes is scaled
    anew for each time that it is encoded."""
    made = picture.resize(size, Image.Resampling.LANCZOS)
    if isinstance(made, Stripes) and size[0] * size[1] < LARGE:
        return made.whole()
    return made


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
        joined = part if kept is None else stacked(kept, part)
        whole = joined.height - joined.height % rows
        for top in range(0, whole, rows):
            yield joined.crop((0, top, joined.width, top + rows))
        rest = joined.crop((0, whole, joined.width, joined.height))
        kept = rest if rest.height else None
    if kept is not None:
        yield kept


def stacked(above: Image.Image, below: Image.Image) -> Image.Image:
    """Two pictures of one width, mode and palette as one."""
    joined = _blank(above, (above.width, above.height + below.height))
    joined.paste(above, (0, 0))
    joined.paste(below, (0, above.height))
    return joined


def _blank(like: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A new picture that can hold the pixels of another."""
    made = Image.new(like.mode, size)
    if like.mode == "P":
        made.putpalette(like.getpalette() or [])
    return made
