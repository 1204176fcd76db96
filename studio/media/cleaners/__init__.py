"""Sound and video without titles, places and device names, each format by its own rules.

A cleaner writes a copy in which the same sound and pictures are; `same_tracks` compares the two
before the copy is used, so that a file that a cleaner misreads is refused and never stored damaged.

May import the modules directly in media, and common.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from studio.common.translatable import phrase
from studio.media.cleaners.avi import blank_avi, blank_avi_uncut
from studio.media.cleaners.flac import copy_flac, same_flac
from studio.media.cleaners.frames import copy_ends, copy_frames, same_frames
from studio.media.cleaners.matroska import void_matroska, void_matroska_uncut
from studio.media.cleaners.mp4 import blank_mp4, blank_mp4_boxes
from studio.media.cleaners.ogg import blank_ogg
from studio.media.cleaners.same_tracks import same_tracks
from studio.media.cleaners.wav import copy_wav
from studio.media.facts import Facts, MediaError, unreadable
from studio.media.kinds import KINDS, Kind
from studio.media.video import probe_video

Copier = Callable[[Path, Path, Kind], None]
Check = Callable[[Path, Path, Kind], bool]


def _in_place(blank: Callable[[Path], None]) -> Copier:
    """A cleaner that keeps every byte at its place and blanks those of metadata."""

    def copy(path: Path, part: Path, kind: Kind) -> None:
        shutil.copyfile(path, part)
        with unreadable(DAMAGED):
            blank(part)

    return copy


DAMAGED = phrase("This file is damaged inside, so its metadata cannot be removed; export it again.")
# By format: how it is cleaned and what proves that nothing was lost, one way after the other.
CLEANERS: dict[str, tuple[tuple[Copier, Check], ...]] = {
    "mp3": ((copy_frames, same_frames), (copy_ends, same_tracks)),
    "aac": ((copy_frames, same_frames), (copy_ends, same_tracks)),
    "wav": ((copy_wav, same_tracks),),
    "avi": ((_in_place(blank_avi), same_tracks), (_in_place(blank_avi_uncut), same_tracks)),
    "flac": ((copy_flac, same_flac),),
    "ogg": ((_in_place(blank_ogg), same_tracks),),
    **{
        name: ((_in_place(blank_mp4), same_tracks), (_in_place(blank_mp4_boxes), same_tracks))
        for name in ("mp4", "mov", "m4a")
    },
    **{
        name: (
            (_in_place(void_matroska), same_tracks),
            (_in_place(void_matroska_uncut), same_tracks),
        )
        for name in ("webm", "mkv")
    },
}
ANEW = ("mp3", "aac", "wav", "flac")  # formats whose copies have another layout than their sources


def strip_av_metadata(
    path: str | os.PathLike[str], facts: Facts, target: str | os.PathLike[str]
) -> Facts:
    """Copy sound or video to `target` without titles, covers, chapters, places and device names;
    returns the facts of the copy.

    MP4, MOV, M4A, AVI, Ogg, WebM, MKV: metadata is blanked in the copy, same size, every sample at
    its place. FLAC: so too, and without tags around it. MP3, AAC: their frames and nothing else.
    WAV: format and samples, with the sizes that are true. The copy holds the same coded sound and
    pictures, in the same order and at the same times; otherwise the file is refused. Streamed;
    `target` appears whole or not at all and must not be `path`. Raises MediaError (broken).
    """
    target, source = Path(target), Path(path)
    part = target.with_name(target.name + ".part")
    kind = KINDS[facts.format]
    try:
        for clean, same in CLEANERS[facts.format]:
            clean(source, part, kind)
            if same(source, part, kind):
                break
        else:
            raise MediaError("broken", DAMAGED)
        if facts.format in ANEW:
            new = probe_video(part, kind)
        else:
            new = replace(facts, size=os.stat(part).st_size)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return new
