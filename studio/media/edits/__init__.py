"""Files fixed in place: a picture straightened, cropped and scaled; sound cut and parted; a video
made anew or given a sound.

Nothing here knows Django, a model or a request. Every function takes a path on the local disk,
writes `target` whole or not at all (`target` may be the source) and answers the `Facts` of what it
wrote. It raises `MediaError` for a file that cannot be used, and `EditError`, which is one, for a
good file and a wish that it cannot meet. Sound and videos are streamed.

May import media and common.
"""

from __future__ import annotations

from studio.media.edits.behind import BEHIND
from studio.media.edits.picture import edit_picture, frame_for, straight_size
from studio.media.edits.refusal import EDIT_CODES, EditError
from studio.media.edits.sound import Silences, cut_sound, find_silences, split_points, without
from studio.media.edits.video import held_seconds, remake_video, with_sound

__all__ = [
    "BEHIND",
    "EDIT_CODES",
    "EditError",
    "Silences",
    "cut_sound",
    "edit_picture",
    "find_silences",
    "frame_for",
    "held_seconds",
    "remake_video",
    "split_points",
    "straight_size",
    "with_sound",
    "without",
]
