"""The EXIF orientation of a picture: read, baked into the pixels, and taken out."""

from __future__ import annotations

import struct

from PIL import (
    Image,
    ImageOps,
)

ORIENTATION = 0x0112


def upright_size(picture: Image.Image) -> tuple[int, int]:
    width, height = picture.size
    return (height, width) if orientation(picture) in range(5, 9) else (width, height)


def orientation(picture: Image.Image) -> object:
    """The EXIF orientation, 1 to 8; 1 when there is none. Damaged EXIF is no reason to refuse a
    good picture and counts as none."""
    try:
        return picture.getexif().get(ORIENTATION, 1)
    except (SyntaxError, struct.error, ValueError, LookupError, TypeError):
        return 1


def is_turned(picture: Image.Image) -> bool:
    """Whether its EXIF says that it is to be shown turned or mirrored."""
    return orientation(picture) in range(2, 9)


def upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says; the very same when it stands upright."""
    return ImageOps.exif_transpose(picture) if is_turned(picture) else picture
