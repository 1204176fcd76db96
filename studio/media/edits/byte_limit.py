"""A picture saved below a limit of bytes: as it is, by JPEG quality, and by fewer pixels last."""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image

from studio.common.translatable import phrase
from studio.media.edits.behind import OnWhite, with_behind
from studio.media.edits.refusal import EditError
from studio.media.png_stripes import striped_png
from studio.media.rows import smaller
from studio.media.stripes import HALVED, Stripes

QUALITIES = (95, 90, 85, 80, 75, 70, 65, 60)
SMALLER_QUALITIES = (85, 75, 60)  # once the picture is scaled down
PNG = (0,)  # it has no qualities
SHRINK = 0.85  # the most of its sides that a picture keeps from one try to the next
JPEG_SIDE = 65_000  # a JPEG counts its sides in sixteen bits


def below(
    picture: Image.Image | Stripes,
    name: str,
    format: str,
    max_bytes: int | None,
    min_side: int | None,
) -> tuple[str, bytes]:
    """The picture in the format `name`, or as JPEG when it is not asked for by `format` and does
    not fit: the format and its bytes. EditError: too-large."""
    last = b""
    for tried, candidate, qualities in _tries(picture, name, format, max_bytes, min_side):
        if tried == "jpeg" and max(candidate.size) > JPEG_SIDE:
            continue
        last, fits = _best(candidate, tried, qualities, max_bytes)
        if fits:
            return tried, last
    if not last:
        raise EditError(
            "too-large",
            phrase(
                "The picture is %(width)s × %(height)s px, and a JPEG has at most %(jpeg_side)s px "
                "a side; crop it or scale it down.",
                width=picture.width,
                height=picture.height,
                jpeg_side=JPEG_SIDE,
            ),
        )
    most, has = f"{max_bytes or 0:,}", f"{len(last):,}"
    if not min_side:
        said = phrase(
            "The picture does not fit into %(most)s bytes; at its smallest it has %(has)s. Crop it "
            "or use a simpler one.",
            most=most,
            has=has,
        )
    else:
        said = phrase(
            "The picture does not fit into %(most)s bytes and %(side)s px on its short side; at "
            "its smallest it has %(has)s. "
            "Crop it or use a simpler one.",
            most=most,
            side=min_side,
            has=has,
        )
    raise EditError("too-large", said)


def _best(
    picture: Image.Image | Stripes, name: str, qualities: tuple[int, ...], max_bytes: int | None
) -> tuple[bytes, bool]:
    """The bytes in the best quality that stays below the limit, and True; in the worst quality, and
    False, when none does. Not every quality is tried, since a large picture takes seconds a try: a
    better one has more bytes."""
    if qualities in (QUALITIES, PNG):  # most pictures fit as they are
        data = _saved(picture, name, qualities[0])
        if max_bytes is None or len(data) < max_bytes:
            return data, True
        if qualities == PNG:
            return data, False
        del data
        qualities = qualities[1:]
    best = _saved(picture, name, qualities[-1])
    if max_bytes is not None and len(best) >= max_bytes:
        return best, False
    low, high = 0, len(qualities) - 1  # the one that is looked for is from low to high
    while low < high:
        middle = (low + high) // 2
        data = _saved(picture, name, qualities[middle])
        if max_bytes is None or len(data) < max_bytes:
            best, high = data, middle
        else:
            low = middle + 1
    return best, True


def _tries(
    picture: Image.Image | Stripes,
    name: str,
    format: str,
    max_bytes: int | None,
    min_side: int | None,
) -> Iterator[tuple[str, Image.Image | Stripes, tuple[int, ...]]]:
    """What to try, best picture first: (format, picture, qualities). Pixels are worth more than a
    format without loss."""
    if name == "png":
        yield "png", picture, PNG
        if max_bytes is None:
            return
        if not format:
            name = "jpeg"
    if name == "jpeg":
        picture = _on_white(picture)
        yield "jpeg", picture, QUALITIES
    if max_bytes is None:
        return
    least = max(1, min_side or 1)
    small = source = picture
    while min(small.size) > least:
        # Never straight past the least side: its own size is the last try.
        keep = max(SHRINK, least / min(small.size))
        # Rounding down always comes nearer to the end.
        size = (max(least, int(small.width * keep)), max(least, int(small.height * keep)))
        small = smaller(source, size)
        if isinstance(source, Stripes) and isinstance(small, Image.Image):
            source = small  # all of the large one would be scaled for each size
        yield name, small, SMALLER_QUALITIES if name == "jpeg" else PNG


def _on_white(picture: Image.Image | Stripes) -> Image.Image | Stripes:
    if isinstance(picture, Stripes):
        return OnWhite(picture)
    return with_behind(picture, "white")


def _saved(picture: Image.Image | Stripes, name: str, quality: int) -> bytes:
    out = io.BytesIO()
    # Full colour at the highest quality, as cameras keep it; below it every byte counts.
    sampling = 0 if quality >= 90 else HALVED
    if isinstance(picture, Stripes):
        if name == "png":
            return striped_png(picture)
        return picture.jpeg(quality=quality, subsampling=sampling)
    if name == "png":
        picture.save(out, "PNG")
    else:
        # Not optimized: that asks for all of the data in one buffer, whose size Pillow guesses too
        # small for noise.
        picture.save(out, "JPEG", quality=quality, subsampling=sampling)
    return out.getvalue()
