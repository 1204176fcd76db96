"""Pictures, sound and video from their bytes: what they are, whether they are whole, and a clean
copy without private metadata.

Nothing here knows Django, a model or a request. Every function takes a path on the local disk and
either answers or raises `MediaError`, whatever the bytes are; a path that does not exist raises
`FileNotFoundError`, because that is the caller's mistake and not the file's. A file name or a
declared type is never looked at. Video and sound are streamed: a 200 MB file costs a few megabytes
of memory.

May import common only.
"""

from __future__ import annotations

import os

from studio.common.translatable import phrase
from studio.media.cleaners import strip_av_metadata
from studio.media.facts import Facts, MediaError
from studio.media.picture import normalise_image, picture_thumbnail
from studio.media.pixel_limit import MAX_PIXELS
from studio.media.poster import poster, video_thumbnail
from studio.media.sound import peaks
from studio.media.validation import probe
from studio.media.video import verify_video

__all__ = [
    "MAX_PIXELS",
    "Facts",
    "MediaError",
    "normalise_image",
    "peaks",
    "poster",
    "probe",
    "strip_av_metadata",
    "thumbnail",
    "verify_video",
]


def thumbnail(
    path: str | os.PathLike[str], facts: Facts, target: str | os.PathLike[str], box: int = 480
) -> tuple[int, int]:
    """Write a WebP that fits a square of `box` pixels to `target`, from a picture or from a video's
    first good frame.

    Returns its (width, height) in pixels. A smaller picture keeps its size. Sound has no picture:
    MediaError("no-stream").
    """
    if facts.kind == "image":
        return picture_thumbnail(path, facts, target, box)
    if facts.kind == "video":
        return video_thumbnail(path, target, box)
    raise MediaError(
        "no-stream",
        phrase("A sound file has no picture to make a thumbnail from; show its waveform instead."),
    )
