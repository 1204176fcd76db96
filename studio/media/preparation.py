"""What a file must be to be kept: probed from its bytes, cleaned of metadata, with its small
picture or waveform. A refusal is a MediaError with a sentence.

`prepare` decodes, so it runs in a decoder (`studio.media.decoders.prepare`)."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio import media
from studio.media.edits.sound import find_silences
from studio.media.facts import Facts, MediaError
from studio.media.sound import sketched_peaks
from studio.media.validation import refuse_long
from studio.media.voice import hears_voice

log = logging.getLogger("footlight.preparation")
PEAKS = 200
LISTENED = 600  # seconds of sound that are listened to while somebody waits for an upload


@dataclass(frozen=True, slots=True)
class Prepared:
    """What goes into the store: a file of our own in the working folder, what is known of it, and
    its small picture or waveform."""

    path: Path
    facts: Facts
    sha256: str
    thumb: Path | None
    peaks: list[int]
    sound: dict[str, Any]


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The sha256 of a file's content as 64 hex digits, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def prepare(
    path: Path, digest: str, folder: Path, *, clean: bool, preview: bool = True
) -> Prepared:
    """The file at `path` (of sha256 `digest`) as it is to be stored, in `folder`; without metadata
    and upright with `clean`; without its small picture or waveform unless `preview`. MediaError."""
    facts = media.probe(path, kept_next=clean)
    if clean:
        refuse_long(facts)
    ours = folder / f"file.{facts.extension}"
    if not clean:
        shutil.copyfile(path, ours)
    elif facts.kind == "image":
        facts = media.normalise_image(path, facts, ours)
        digest = sha256_of(ours)
    else:
        facts = media.strip_av_metadata(path, facts, ours)
        digest = sha256_of(ours)
    # A picture may be kept in another format than it came in.
    ours = ours.rename(ours.with_suffix(f".{facts.extension}"))
    thumb: Path | None = folder / "thumb.webp"
    peaks: list[int] = []
    sound: dict[str, Any] = {}
    # A video that was paid for is kept even when no small picture of it can be drawn.
    try:
        if not preview:
            thumb = None
        elif facts.kind == "audio":
            thumb, peaks = None, _drawn(ours, facts)
            # What was cut out of a recording was listened to there, and a click waits for it.
            sound = _heard(ours) if clean and facts.seconds <= LISTENED else {}
        elif thumb is not None:
            media.thumbnail(ours, facts, thumb)
    except MediaError as error:
        if clean:
            raise
        log.warning("no preview of %s: %s", digest, error)
        thumb = None
    return Prepared(ours, facts, digest, thumb, peaks, sound)


def _drawn(path: Path, facts: Facts) -> list[int]:
    """Its waveform: of all of it, or of moments all over it when that would take minutes."""
    if facts.seconds <= LISTENED:
        return media.peaks(path, PEAKS)
    return sketched_peaks(path, facts.seconds, PEAKS)


def _heard(path: Path) -> dict[str, Any]:
    """What one hears in a sound file, as `Asset.sound` keeps it; {} when that cannot be told."""
    try:
        heard = find_silences(path)
        return asdict(heard) | {"voice": hears_voice(path, heard.seconds)}
    except MediaError as error:
        log.warning("not listened to: %s", error)
        return {}
