"""What is known of a media file, and the error that says why nothing can be known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

from studio.common.translatable import Sentence

TRANSPARENT = "transparent"
CODES = (
    "empty",
    "unknown-type",
    "broken",
    "too-large-picture",
    "too-long",
    "too-heavy",
    "no-stream",
    "not-supported",
    "decoder-lost",
    "decoder-busy",
    "over-quota",
)

# Seconds that an upload plays at most: an hour's speech is parted into videos of a minute, and what
# is longer is for an editor. Packets are counted up to here.
TAKEN = 3 * 3600.0


class MediaError(ValueError):
    """A file that cannot be used. `code` is one of CODES; `sentence` is for people: what, why, what
    to do.

    empty: no bytes. unknown-type: not a picture, a sound or a video. not-supported: one, but of a
    kind the studio does not take. broken: of a known kind, cut or damaged. too-large-picture: more
    pixels than may be decoded. too-long: plays longer than anything here needs. too-heavy: it needs
    more time or memory than one file may use. no-stream: nothing to see or hear in it.
    decoder-lost, decoder-busy: nothing is wrong with the file (`studio.media.decoders`).
    over-quota: a team or person has used all that it may (studio/teams/quotas.py).
    """

    def __init__(self, code: str, sentence: Sentence) -> None:
        if code not in CODES:
            raise AssertionError(f"{code!r} is not a code of MediaError")
        super().__init__(sentence)
        self.code, self.sentence = code, sentence

    def __reduce__(self) -> tuple[type[MediaError], tuple[str, Sentence]]:
        return MediaError, (self.code, self.sentence)


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of one media file. `size` in bytes, `width` and `height` in pixels as displayed,
    `seconds` of playing time, `fps` on average.

    `kind`: image, audio or video. `format`: jpeg, png, bmp, webp; wav, mp3, aac, m4a, flac, ogg;
    mp4, mov, avi, webm, mkv (a webm or mkv with sound only is audio). `extension` has no dot.
    `codec`: of the video, or of the sound when there is no video; TRANSPARENT for a picture through
    which something shows, "" for others. `audio_codec`:
    "" when there is no sound. `sound_seconds`: of a video, how long after its first picture its
    sound ends; its pictures may end before. What does not apply is 0, "" or False.
    """

    kind: str
    format: str
    mime: str
    extension: str
    size: int
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    codec: str = ""
    audio_codec: str = ""
    has_audio: bool = False
    sound_seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The facts as a dict of JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Facts:
        """The inverse of `as_dict`; names it does not know are ignored, so that stored facts
        outlive a changed class."""
        return cls(**{field.name: data[field.name] for field in fields(cls) if field.name in data})


# What decoders say when their process may have no more: memory, or another thread (EAGAIN).
NO_MEMORY = (MemoryError, BlockingIOError)


@contextmanager
def unreadable(sentence: Sentence) -> Iterator[None]:
    """Turn whatever a decoder throws at damaged bytes into MediaError("broken", sentence).

    Decoders answer hostile bytes with nearly every exception there is (OSError, SyntaxError,
    struct.error, ...), so only reading may stand inside: a full disk while writing must not be
    blamed on the file. NO_MEMORY is the limit of this process and comes out as a MemoryError, which
    `studio.media.decoders` words: a paid video must not be given up for it.
    """
    try:
        yield
    except MediaError:
        raise
    except NO_MEMORY as error:
        raise MemoryError from error
    except Exception as error:
        raise MediaError("broken", sentence) from error
