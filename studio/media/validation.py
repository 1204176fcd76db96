"""Whether a file is taken: its format, and that it is whole, from its bytes alone. What each model
takes of it is in the catalogue (jobs/catalogue/limits.py)."""

from __future__ import annotations

import os

from studio.media.facts import Facts
from studio.media.kinds import sniff
from studio.media.picture import probe_picture
from studio.media.video import probe_video


def probe(path: str | os.PathLike[str]) -> Facts:
    """What the file at `path` is, read from its bytes.

    A picture is decoded in full (a cut JPEG does not pass), a video gives its first frame, sound
    gives its first samples. Lengths are in seconds, sides in pixels as displayed. Raises MediaError
    with a code and a sentence for anything else.
    """
    found = sniff(path)
    return probe_picture(path, found) if found.kind == "image" else probe_video(path, found)
