"""How many pixels may be decoded."""

from __future__ import annotations

from studio.common.translatable import phrase
from studio.media.facts import MediaError

# a 7000 x 7000 portrait (CONTRACT §2) has 49 million; decoded it takes four bytes each
MAX_PIXELS = 64_000_000


def refuse_pixels(width: int, height: int) -> None:
    """Raise MediaError("too-large-picture") when decoding so many pixels would cost too much
    memory."""
    if width * height > MAX_PIXELS:
        raise MediaError(
            "too-large-picture",
            phrase(
                "The picture is %(width)s×%(height)s pixels, more than the %(max_pixels)s million "
                "the studio opens; make it "
                "smaller and upload it again.",
                width=width,
                height=height,
                max_pixels=MAX_PIXELS // 1_000_000,
            ),
        )
