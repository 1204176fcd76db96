"""What a file must be for a model to take it: limits as data, and one sentence for each way to miss them.

Ground floor: no Django, no I/O. The numbers are declared in `catalogue.py`; the facts come from `studio.media.probe`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MIB = 1024 * 1024


class Facts(Protocol):
    """What is known of a file from its bytes. Sides in px, length in seconds, size in bytes; 0 or "" where it has none."""

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
    """One limit that a file misses. `kind`: kind, format, size, side, aspect, duration, fps or codec."""

    kind: str
    sentence: str


def _names(words: tuple[str, ...]) -> str:
    shown = {"jpeg": "JPG", "webp": "WebP", "h264": "H.264", "hevc": "H.265"}
    return ", ".join(shown.get(word, word.upper()) for word in words)


def _megabytes(size: int) -> str:
    return f"{size / MIB:.1f} MB"


def _length(seconds: float) -> str:
    return f"{seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one input. `kind` is image, audio or video; None or () means the contract names no such limit.

    Bounds are inclusive unless `open_size` / `open_seconds` says "less than". Aspect is long side ÷ short side.
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
            return [Problem("kind", f"This is {_article(facts.kind)} file; {_article(self.kind)} file is needed here. Choose another file.")]
        found: list[Problem] = []
        if self.formats and facts.format not in self.formats:
            found.append(
                Problem("format", f"The file is {_names((facts.format,))}; this model takes {_names(self.formats)}. Convert it and upload it again.")
            )
        found += self._size(facts)
        found += self._sides(facts)
        found += self._time(facts)
        return found

    def _size(self, facts: Facts) -> list[Problem]:
        if self.max_bytes is None:
            return []
        if facts.size > self.max_bytes or (self.open_size and facts.size == self.max_bytes):
            word = "must be smaller than" if self.open_size else "may have at most"
            return [
                Problem(
                    "size", f"The file has {_megabytes(facts.size)}; it {word} {_megabytes(self.max_bytes)}. Save it smaller and upload it again."
                )
            ]
        return []

    def _sides(self, facts: Facts) -> list[Problem]:
        if self.kind == "audio":
            return []
        found = []
        short, long = sorted((facts.width, facts.height))
        what = f"The {'picture' if self.kind == 'image' else 'video'} is {facts.width} × {facts.height} px"
        if self.min_side is not None and short < self.min_side:
            found.append(Problem("side", f"{what}; the short side needs {self.min_side} px or more. Use a larger one."))
        if self.max_side is not None and long > self.max_side:
            found.append(Problem("side", f"{what}; the long side may have at most {self.max_side} px. Scale it down."))
        if self.max_aspect is not None and short and long / short > self.max_aspect:
            found.append(Problem("aspect", f"{what}; the long side may be at most {self.max_aspect:g} times the short one. Crop it."))
        return found

    def _time(self, facts: Facts) -> list[Problem]:
        if self.kind == "image":
            return []
        found = []
        what = f"It lasts {_length(facts.seconds)}"
        if self.min_seconds is not None and facts.seconds < self.min_seconds:
            found.append(Problem("duration", f"{what}; {_length(self.min_seconds)} is the least. Use a longer one."))
        if self.max_seconds is not None and (facts.seconds > self.max_seconds or (self.open_seconds and facts.seconds == self.max_seconds)):
            word = "it must be shorter than" if self.open_seconds else "at most"
            found.append(Problem("duration", f"{what}; {word} {_length(self.max_seconds)} can be used. Cut it and upload it again."))
        if self.kind == "video":
            if self.min_fps is not None and facts.fps < self.min_fps - 0.05:
                found.append(
                    Problem(
                        "fps", f"The video has {facts.fps:.4g} frames per second; {self.min_fps:g} or more are needed. Export it with a higher rate."
                    )
                )
            if self.max_fps is not None and facts.fps > self.max_fps + 0.05:
                found.append(
                    Problem("fps", f"The video has {facts.fps:.4g} frames per second; {self.max_fps:g} is the most. Export it with a lower rate.")
                )
            if self.codecs and facts.codec not in self.codecs:
                found.append(Problem("codec", f"The picture is coded as {_names((facts.codec,))}; {_names(self.codecs)} is needed. Export it again."))
        return found

    def describe(self) -> list[tuple[str, str]]:
        """The limits as (word, text) rows for the page, before anyone makes the mistake."""
        rows = [("Files", _names(self.formats))] if self.formats else []
        if self.max_bytes is not None:
            rows.append(("Size", ("under " if self.open_size else "at most ") + f"{self.max_bytes / MIB:g} MB"))
        if self.min_side is not None and self.max_side is not None:
            rows.append(("Sides", f"{self.min_side} to {self.max_side} px"))
        elif self.max_side is not None:
            rows.append(("Sides", f"at most {self.max_side} px"))
        if self.max_aspect is not None:
            rows.append(("Shape", f"long side at most {self.max_aspect:g} × the short one"))
        if self.min_seconds is not None and self.max_seconds is not None:
            rows.append(("Length", f"{self.min_seconds:g} to {self.max_seconds:g} s"))
        elif self.max_seconds is not None:
            rows.append(("Length", ("under " if self.open_seconds else "at most ") + f"{self.max_seconds:g} s"))
        if self.min_fps is not None:
            rows.append(("Frames", f"{self.min_fps:g} per second or more"))
        if self.codecs:
            rows.append(("Coding", _names(self.codecs)))
        return rows


def _article(kind: str) -> str:
    return {"image": "an image", "audio": "an audio", "video": "a video"}.get(kind, f"a {kind}")
