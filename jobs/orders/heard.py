"""What speaks against paying for a video of a sound, as far as it was listened to: it is silent, or
nobody speaks in it."""

from __future__ import annotations

from dataclasses import dataclass

from studio.common.translatable import Sentence, phrase
from studio.models import Asset

QUIET_DB = -33.0  # loudness below which a speech is faint
SILENT, OPPOSITE, NO_VOICE, FAINT, CLIPPED = "silent", "opposite", "no-voice", "faint", "clipped"
# With these a video would show a closed mouth.
USELESS = (SILENT, OPPOSITE)


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that speaks against a video, worst first. `sentence`: what, and what to do."""

    code: str
    sentence: Sentence


def is_silent(asset: Asset) -> bool:
    """Whether nothing can be heard in the whole of it; False while it was not listened to."""
    sound = asset.sound
    return bool(sound) and not sound["pauses"] and sound["lead"] >= sound["seconds"]


def doubts(asset: Asset) -> list[Doubt]:
    """What speaks against a video of this sound; nothing while it was not listened to."""
    sound = asset.sound
    if not sound:
        return []
    if is_silent(asset):
        said = phrase(
            "Nothing can be heard in the sound, so the mouth would not move. Use another."
        )
        return [Doubt(SILENT, said)]
    found = []
    if sound.get("antiphase"):
        said = phrase(
            "The two channels of the sound cancel each other: mixed into one, as the model does, "
            "they are silent. Record it anew, or export one channel alone."
        )
        found.append(Doubt(OPPOSITE, said))
    if sound.get("voice") is False:
        said = phrase(
            "No voice was heard in the sound, only music or noise. Use a recording in which "
            "somebody speaks or sings."
        )
        found.append(Doubt(NO_VOICE, said))
    if sound["loudness_db"] < QUIET_DB:
        said = phrase("The sound is faint. Record it closer to the microphone.")
        found.append(Doubt(FAINT, said))
    if sound.get("clipped"):
        said = phrase(
            "The loudest peaks of the sound are cut off and sound harsh. Record it with less gain."
        )
        found.append(Doubt(CLIPPED, said))
    return found


def useless(asset: Asset | None) -> Sentence | None:
    """Why no video of this sound could be worth its price; None when one may be, or without one."""
    found = doubts(asset) if asset is not None else []
    return next((doubt.sentence for doubt in found if doubt.code in USELESS), None)
