"""Whether two pictures are the same, told by the decoder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from PIL import Image, ImageChops, ImageStat

BOX = Image.Resampling.BOX
STRIPE = 256  # rows hashed at once
# Pixels above which a JPEG is compared at an eighth of its size, which decodes every coefficient
# that is coded but costs a tenth of the time and a hundredth of the memory.
DRAFT_FROM = 16_000_000
CELLS = 16  # a side, each of at least CELL pixels
CELL = 8
LOSS = 6.0  # of 255, on average: a lossy format loses less of such cells, even of noise


def pixels_digest(picture: Image.Image, bands: Iterator[Image.Image] | None = None) -> str:
    """A digest of what an opened picture decodes to: mode, size, transparency and every pixel.
    `bands`: its pixels from top to bottom, so that it is not decoded as a whole.

    A JPEG of more than DRAFT_FROM pixels is decoded at an eighth of its size.
    """
    if picture.format == "JPEG" and picture.width * picture.height > DRAFT_FROM:
        picture.draft(picture.mode, (picture.width // 8, picture.height // 8))
    if bands is None:
        picture.load()
    transparent = picture.info.get("transparency")
    if isinstance(transparent, int) and picture.mode == "P":
        # The same said in two ways: one colour of the palette, or the alpha of each.
        transparent = b"\xff" * transparent + b"\0"
    digest = hashlib.sha256(repr((picture.mode, picture.size, transparent)).encode())
    if picture.palette is not None:
        digest.update(bytes(picture.palette.palette))
    for band in bands or ():
        digest.update(band.tobytes())
    for top in range(0, 0 if bands else picture.height, STRIPE):
        box = (0, top, picture.width, min(top + STRIPE, picture.height))
        digest.update(picture.crop(box).tobytes())
    return digest.hexdigest()


def alike(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures of one size look the same but for what a lossy format loses."""
    if one.size != other.size:
        return False
    size = [max(1, min(CELLS, side // CELL)) for side in one.size]
    small = [_few(picture).resize((size[0], size[1]), BOX) for picture in (one, other)]
    difference = ImageStat.Stat(ImageChops.difference(*small).convert("RGB")).mean
    return max(difference) <= LOSS


def _few(picture: Image.Image) -> Image.Image:
    """The picture as RGBA with few pixels, each the mean of a block; no copy of all is made of one
    whose pixels can be averaged as they are."""
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture = picture.convert("RGBA")
    factor = max(1, min(picture.size) // (CELLS * CELL))
    return picture.reduce(factor).convert("RGBA")
