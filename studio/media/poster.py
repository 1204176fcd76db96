"""A picture of a video: its poster and its thumbnail, from a frame that shows something."""

from __future__ import annotations

import os
import time
from typing import Any

from PIL import Image, ImageStat

from studio.common.translatable import phrase
from studio.media.display_matrix import Turn, turn_of
from studio.media.facts import MediaError
from studio.media.frame_shaper import FrameShaper
from studio.media.kinds import sniff
from studio.media.picture import THUMBNAIL_QUALITY, write_webp
from studio.media.pixel_limit import refuse_pixels
from studio.media.tone import needs_mapping
from studio.media.tracks import streams
from studio.media.video import PROBE_SECONDS, check, first_frame, opened

POSTER_FRAMES = 50


POSTER_CONTRAST = (
    12.0  # of 255: standard deviation below which a frame is a plain card (black, white, a fade)
)


POSTER_QUALITY = 85


def poster(path: str | os.PathLike[str], target: str | os.PathLike[str]) -> tuple[int, int]:
    """Write the video's first good frame upright to `target` as WebP; returns its size in pixels.

    A plain card (black, white, a fade) is passed over when a better frame follows within
    POSTER_FRAMES.
    """
    return write_webp(_good_frame(path), target, POSTER_QUALITY)


def video_thumbnail(
    path: str | os.PathLike[str], target: str | os.PathLike[str], box: int
) -> tuple[int, int]:
    """The poster within `box` x `box` pixels, as WebP; returns its size."""
    picture = _good_frame(path)
    picture.thumbnail((box, box))
    return write_webp(picture, target, THUMBNAIL_QUALITY)


def _good_frame(path: str | os.PathLike[str]) -> Image.Image:
    best: Any
    kind = sniff(path)
    if kind.kind == "image":
        raise MediaError(
            "no-stream", phrase("A still picture has no poster frame; use its thumbnail instead.")
        )
    deadline = time.monotonic() + PROBE_SECONDS
    with opened(path, kind) as container:
        video, _ = streams(container)
        if video is None:
            raise MediaError(
                "no-stream",
                phrase(
                    "This file holds sound and no video, so it has no frame to show; show its "
                    "waveform instead."
                ),
            )
        best = first_frame(container, video, deadline)
        best_contrast = _contrast(best)
        for count, frame in enumerate(container.decode(video)):
            if best_contrast >= POSTER_CONTRAST or count >= POSTER_FRAMES:
                break
            check(deadline)
            contrast = _contrast(frame)
            if contrast > best_contrast:
                best, best_contrast = frame, contrast
        refuse_pixels(best.width, best.height)
        return _shown(best)


def _shown(frame: Any) -> Image.Image:
    """The frame upright, in the colours that were seen: a bright recording taken for sRGB, as
    browsers take a WebP, would look dull."""
    turn = turn_of(frame)
    if needs_mapping(int(frame.color_primaries), int(frame.color_trc)):
        size = frame.width, frame.height
        frame = FrameShaper(*(size[::-1] if turn.swaps_sides else size)).shape(frame)
        turn = Turn()
    picture: Image.Image = frame.to_image()
    return turn.upright(picture)


def _contrast(frame: Any) -> float:
    """Standard deviation of the frame's brightness, 0 to 127, measured small."""
    return float(
        ImageStat.Stat(
            frame.reformat(width=32, height=32, format="rgb24").to_image().convert("L")
        ).stddev[0]
    )
