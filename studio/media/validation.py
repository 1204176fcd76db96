"""Whether an upload is taken: its format, that it is whole, and how long it may be, from its bytes
alone. How large it may be is in `pixel_limit` and in studio/files/uploads.py; what each model takes
of it in the catalogue (jobs/catalogue/limits.py)."""

from __future__ import annotations

import os

from studio.common.translatable import phrase
from studio.media.facts import TAKEN, Facts, MediaError
from studio.media.kinds import sniff
from studio.media.picture import probe_picture
from studio.media.video import probe_video


def probe(path: str | os.PathLike[str], *, kept_next: bool = False) -> Facts:
    """What the file at `path` is, read from its bytes.

    A picture is decoded in full (a cut JPEG does not pass), a video gives its first frame, sound
    gives its first samples. `kept_next`: what cleaning decodes anyway (HEIF) is only opened.
    Lengths are in seconds, sides in pixels as displayed. Raises MediaError with a code and a
    sentence for anything else.
    """
    found = sniff(path)
    if found.kind == "image":
        return probe_picture(path, found, kept_next=kept_next)
    return probe_video(path, found)


def refuse_long(facts: Facts) -> None:
    """MediaError("too-long") for what nobody would wait for to be read."""
    if facts.seconds > TAKEN:
        raise MediaError(
            "too-long",
            phrase(
                "This file plays for more than %(hours)s hours, and models take a minute. Cut out "
                "the part that you need and upload that.",
                hours=f"{TAKEN / 3600:g}",
            ),
        )
