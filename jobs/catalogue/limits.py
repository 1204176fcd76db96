"""What a file must be for a model to take it: limits as data, and one sentence for each way to miss
them.

Ground floor: no Django, no I/O. The numbers are declared with the models; the facts come from
`studio.media.probe`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from studio.common.translatable import Sentence, phrase, quoted

MIB = 1024 * 1024


class Facts(Protocol):
    """What is known of a file from its bytes. Sides in px, length in seconds, size in bytes; 0 or
    "" where it has none."""

    @property
    def kind(self) -> str: ...  # "image", "audio" or "video"
    @property
    def format(self) -> str: ...  # "jpeg", "png", "wav", "mp4", …
    @property
    def size(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def fps(self) -> float: ...
    @property
    def codec(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """One limit that a file misses. `kind`: kind, format, size, side, aspect, duration, fps,
    codec or transparency."""

    kind: str
    sentence: Sentence


def _names(words: tuple[str, ...]) -> str:
    shown = {"jpeg": "JPG", "webp": "WebP", "h264": "H.264", "hevc": "H.265"}
    return ", ".join(shown.get(word, word.upper()) for word in words)


def _megabytes(size: int, digits: int = 1) -> Sentence:
    return phrase("%(n)s MB", n=f"{size / MIB:.{digits}f}")


def _length(seconds: float, digits: int = 1) -> Sentence:
    return phrase("%(n)s s", n=f"{seconds:.{digits}f}")


def _digits(one: float, other: float) -> int:
    """How many digits behind the point tell two numbers apart, 1 to 6; 1 when they are the same."""
    return next((n for n in range(1, 7) if f"{one:.{n}f}" != f"{other:.{n}f}"), 1)


# by what is needed and what it is
_OTHER_KIND: dict[tuple[str, str], Sentence] = {
    ("image", "audio"): phrase(
        "This is an audio file; an image file is needed here. Choose another file."
    ),
    ("image", "video"): phrase(
        "This is a video file; an image file is needed here. Choose another file."
    ),
    ("audio", "image"): phrase(
        "This is an image file; an audio file is needed here. Choose another file."
    ),
    ("audio", "video"): phrase(
        "This is a video file; an audio file is needed here. Choose another file."
    ),
    ("video", "image"): phrase(
        "This is an image file; a video file is needed here. Choose another file."
    ),
    ("video", "audio"): phrase(
        "This is an audio file; a video file is needed here. Choose another file."
    ),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one input. `kind` is image, audio or video; None or () means the contract names no
    such limit.

    Bounds are inclusive unless `open_size` / `open_seconds` says "less than". Aspect is long side ÷
    short side.
    """

    kind: str
    formats: tuple[str, ...] = ()
    max_bytes: int | None = None
    open_size: bool = False
    min_side: int | None = None
    max_side: int | None = None
    max_aspect: float | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    open_seconds: bool = False
    min_fps: float | None = None
    max_fps: float | None = None
    codecs: tuple[str, ...] = ()

    def problems(self, facts: Facts) -> list[Problem]:
        """Every limit that `facts` misses, worst first; empty when the file fits.

        Each sentence says what is wrong, what the limit is and what to do.
        """
        if facts.kind != self.kind:
            return [Problem("kind", _OTHER_KIND[self.kind, facts.kind])]
        found: list[Problem] = []
        if self.formats and facts.format not in self.formats:
            said = phrase(
                "The file is %(format)s; this model takes %(formats)s. Convert it and upload it "
                "again.",
                format=_names((facts.format,)),
                formats=_names(self.formats),
            )
            found.append(Problem("format", said))
        if self.kind == "image" and facts.codec == "transparent":
            said = phrase(
                "Parts of the picture are transparent, and the model would put a colour of its own "
                "behind them. Choose what is behind."
            )
            found.append(Problem("transparency", said))
        found += self._size(facts)
        found += self._sides(facts)
        found += self._time(facts)
        return found

    def _size(self, facts: Facts) -> list[Problem]:
        if self.max_bytes is None:
            return []
        if facts.size > self.max_bytes or (self.open_size and facts.size == self.max_bytes):
            digits = _digits(facts.size / MIB, self.max_bytes / MIB)
            size, most = _megabytes(facts.size, digits), _megabytes(self.max_bytes, digits)
            if self.open_size:
                said = phrase(
                    "The file has %(size)s; it must be smaller than %(most)s. Save it smaller and "
                    "upload it again.",
                    size=size,
                    most=most,
                )
            else:
                said = phrase(
                    "The file has %(size)s; it may have at most %(most)s. Save it smaller and "
                    "upload it again.",
                    size=size,
                    most=most,
                )
            return [Problem("size", said)]
        return []

    def _sides(self, facts: Facts) -> list[Problem]:
        if self.kind == "audio":
            return []
        tests = (self._short_side(facts), self._long_side(facts), self._aspect(facts))
        return [problem for problem in tests if problem is not None]

    def _short_side(self, facts: Facts) -> Problem | None:
        width, height = facts.width, facts.height
        if self.min_side is not None and min(width, height) < self.min_side:
            least = self.min_side
            if self.kind == "image":
                said = phrase(
                    "The picture is %(width)s × %(height)s px; the short side needs %(least)s px "
                    "or more. Use a larger one.",
                    width=width,
                    height=height,
                    least=least,
                )
            else:
                said = phrase(
                    "The video is %(width)s × %(height)s px; the short side needs %(least)s px or "
                    "more. Use a larger one.",
                    width=width,
                    height=height,
                    least=least,
                )
            return Problem("side", said)
        return None

    def _long_side(self, facts: Facts) -> Problem | None:
        width, height = facts.width, facts.height
        if self.max_side is not None and max(width, height) > self.max_side:
            most = self.max_side
            if self.kind == "image":
                said = phrase(
                    "The picture is %(width)s × %(height)s px; the long side may have at most "
                    "%(most)s px. Scale it down.",
                    width=width,
                    height=height,
                    most=most,
                )
            else:
                said = phrase(
                    "The video is %(width)s × %(height)s px; the long side may have at most "
                    "%(most)s px. Scale it down.",
                    width=width,
                    height=height,
                    most=most,
                )
            return Problem("side", said)
        return None

    def _aspect(self, facts: Facts) -> Problem | None:
        width, height = facts.width, facts.height
        short, long = sorted((width, height))
        if self.max_aspect is not None and short and long / short > self.max_aspect:
            times = f"{self.max_aspect:g}"
            if self.kind == "image":
                said = phrase(
                    "The picture is %(width)s × %(height)s px; the long side may be at most "
                    "%(times)s times the short one. Crop it.",
                    width=width,
                    height=height,
                    times=times,
                )
            else:
                said = phrase(
                    "The video is %(width)s × %(height)s px; the long side may be at most "
                    "%(times)s times the short one. Crop it.",
                    width=width,
                    height=height,
                    times=times,
                )
            return Problem("aspect", said)
        return None

    def _time(self, facts: Facts) -> list[Problem]:
        if self.kind == "image":
            return []
        return self._duration(facts) + (self._frames(facts) if self.kind == "video" else [])

    def _duration(self, facts: Facts) -> list[Problem]:
        found = []
        if self.min_seconds is not None and facts.seconds < self.min_seconds:
            digits = _digits(facts.seconds, self.min_seconds)
            said = phrase(
                "It lasts %(length)s; %(least)s is the least. Use a longer one.",
                length=_length(facts.seconds, digits),
                least=_length(self.min_seconds, digits),
            )
            found.append(Problem("duration", said))
        if self.max_seconds is not None and (
            facts.seconds > self.max_seconds
            or (self.open_seconds and facts.seconds == self.max_seconds)
        ):
            digits = _digits(facts.seconds, self.max_seconds)
            length, most = _length(facts.seconds, digits), _length(self.max_seconds, digits)
            if self.open_seconds:
                said = phrase(
                    "It lasts %(length)s; it must be shorter than %(most)s. Cut it and upload it "
                    "again.",
                    length=length,
                    most=most,
                )
            else:
                said = phrase(
                    "It lasts %(length)s; at most %(most)s can be used. Cut it and upload it "
                    "again.",
                    length=length,
                    most=most,
                )
            found.append(Problem("duration", said))
        return found

    def _frames(self, facts: Facts) -> list[Problem]:
        found = []
        rate = f"{facts.fps:.4g}"
        if self.min_fps is not None and facts.fps < self.min_fps - 0.05:
            said = phrase(
                "The video has %(rate)s frames per second; %(least)s or more are needed. "
                "Export it with a higher rate.",
                rate=rate,
                least=f"{self.min_fps:g}",
            )
            found.append(Problem("fps", said))
        if self.max_fps is not None and facts.fps > self.max_fps + 0.05:
            said = phrase(
                "The video has %(rate)s frames per second; %(most)s is the most. Export it "
                "with a lower rate.",
                rate=rate,
                most=f"{self.max_fps:g}",
            )
            found.append(Problem("fps", said))
        if self.codecs and facts.codec not in self.codecs:
            found.append(Problem("codec", self._coding(facts)))
        return found

    def _coding(self, facts: Facts) -> Sentence:
        """What is said of pictures that are coded in another way than is needed; `facts.codec` may
        name what is unusual of them behind a space."""
        codec, _, unusual = facts.codec.partition(" ")
        named, needed = _names((codec,)), _names(self.codecs)
        if unusual == "HDR":
            return phrase(
                "The video is an HDR recording (%(codec)s), whose colours would look dull; "
                "%(codecs)s in standard colours is needed. Convert it.",
                codec=named,
                codecs=needed,
            )
        if unusual and codec in self.codecs:
            return phrase(
                "The pictures of the video are stored in a way that many players do not show "
                "(%(unusual)s); %(codecs)s with 4:2:0 and even sides is needed. Convert it.",
                unusual=unusual,
                codecs=needed,
            )
        return phrase(
            "The picture is coded as %(codec)s; %(codecs)s is needed. Export it again.",
            codec=named,
            codecs=needed,
        )

    def describe(self) -> list[tuple[Sentence, Sentence]]:
        """The limits as (word, text) rows for the page, before anyone makes the mistake."""
        rows = [(phrase("Files"), quoted(_names(self.formats)))] if self.formats else []
        if self.max_bytes is not None:
            most = f"{self.max_bytes / MIB:g}"
            rows.append(
                (
                    phrase("Size"),
                    phrase("under %(n)s MB", n=most)
                    if self.open_size
                    else phrase("at most %(n)s MB", n=most),
                )
            )
        return rows + self._side_rows() + self._length_rows() + self._frame_rows()

    def _side_rows(self) -> list[tuple[Sentence, Sentence]]:
        rows = []
        if self.min_side is not None and self.max_side is not None:
            rows.append(
                (
                    phrase("Sides"),
                    phrase("%(least)s to %(most)s px", least=self.min_side, most=self.max_side),
                )
            )
        elif self.max_side is not None:
            rows.append((phrase("Sides"), phrase("at most %(most)s px", most=self.max_side)))
        if self.max_aspect is not None:
            rows.append(
                (
                    phrase("Shape"),
                    phrase(
                        "long side at most %(times)s × the short one", times=f"{self.max_aspect:g}"
                    ),
                )
            )
        return rows

    def _length_rows(self) -> list[tuple[Sentence, Sentence]]:
        rows = []
        if self.min_seconds is not None and self.max_seconds is not None:
            rows.append(
                (
                    phrase("Length"),
                    phrase(
                        "%(least)s to %(most)s s",
                        least=f"{self.min_seconds:g}",
                        most=f"{self.max_seconds:g}",
                    ),
                )
            )
        elif self.max_seconds is not None:
            longest = f"{self.max_seconds:g}"
            rows.append(
                (
                    phrase("Length"),
                    phrase("under %(n)s s", n=longest)
                    if self.open_seconds
                    else phrase("at most %(n)s s", n=longest),
                )
            )
        return rows

    def _frame_rows(self) -> list[tuple[Sentence, Sentence]]:
        rows = []
        if self.min_fps is not None:
            rows.append(
                (
                    phrase("Frames"),
                    phrase("%(least)s per second or more", least=f"{self.min_fps:g}"),
                )
            )
        if self.codecs:
            rows.append((phrase("Coding"), quoted(_names(self.codecs))))
        return rows
