"""The error for a decoder that did not come to its end."""

from __future__ import annotations

from studio.common.translatable import Sentence, phrase
from studio.media.facts import MediaError

REASONS = {
    "time": "too-heavy",
    "memory": "too-heavy",
    "crashed": "broken",
    "killed": "decoder-lost",
    "busy": "decoder-busy",
}


class DecoderEnded(MediaError):
    """`reason` is one of REASONS. time, memory: a limit. crashed: by the file's own bytes. killed:
    by somebody else, twice. busy: it did not begin, too many wait."""

    def __init__(self, reason: str, sentence: Sentence) -> None:
        super().__init__(REASONS[reason], sentence)
        self.reason = reason

    def __reduce__(self) -> tuple[type[MediaError], tuple[str, Sentence]]:
        return DecoderEnded, (self.reason, self.sentence)


def ended(reason: str, megabytes: int = 0) -> DecoderEnded:
    """The error for `reason`, with what was allowed."""
    if reason == "time":
        said = phrase(
            "Working on this file took longer than one file may take here, so it is far too long "
            "or damaged. Cut it shorter or export it again."
        )
    elif reason == "memory":
        said = phrase(
            "Working on this file needs more memory than one file may use here (%(megabytes)s "
            "MB). Make it smaller and upload it again.",
            megabytes=megabytes,
        )
    elif reason == "crashed":
        said = phrase(
            "This file makes the program that reads it crash, so it is damaged. Export it again "
            "from where it came from."
        )
    elif reason == "busy":
        said = phrase(
            "Other files are being worked on, and too many wait already; nothing was done. Try "
            "again in a few seconds."
        )
    else:
        said = phrase(
            "The program that reads files was ended before it had finished, and nothing was "
            "stored. Try again in a minute; if it happens again, use a smaller file."
        )
    return DecoderEnded(reason, said)
