"""The kept parts of a speech: what of a recording goes into the film, chosen on the page and cut out only at the click.

Times are milliseconds from the start. In an address they stand as “2100-18000.19900-43300”.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from jobs.limits import Facts, Limits
from studio import edits
from studio.media import Facts as FileFacts
from studio.models import Asset, User

SHAPE = re.compile(r"\d{1,8}-\d{1,8}(?:\.\d{1,8}-\d{1,8}){0,99}", re.ASCII)
LEAST = 100  # milliseconds of a part that are worth a cut
WAV_RATE = 48_000 * 2 * 2  # bytes a second of what a cut writes at most


@dataclass(frozen=True, slots=True)
class Kept:
    """Ordered, apart from each other, inside of the recording of `whole` milliseconds."""

    parts: tuple[tuple[int, int], ...]
    whole: int

    @property
    def milliseconds(self) -> int:
        return sum(stop - start for start, stop in self.parts)

    @property
    def start(self) -> int:
        return self.parts[0][0]

    @property
    def stop(self) -> int:
        return self.parts[-1][1]

    @property
    def everything(self) -> bool:
        return self.parts == ((0, self.whole),)

    @property
    def word(self) -> str:
        return ".".join(f"{start}-{stop}" for start, stop in self.parts)

    @property
    def recipe(self) -> dict[str, Any]:
        """For studio.edits: what makes the parts one file."""
        if len(self.parts) == 1:
            return {"do": "cut", "start": self.start, "stop": self.stop}
        gaps = [[before[1], after[0]] for before, after in pairwise(self.parts)]
        edges = ([[0, self.start]] if self.start else []), ([[self.stop, self.whole]] if self.stop < self.whole else [])
        return {"do": "without", "cuts": [*edges[0], *gaps, *edges[1]]}

    def within(self, start: int, stop: int) -> Kept:
        """What of it lies between two times; all of it when nothing would be left."""
        cut = tuple((max(a, start), min(b, stop)) for a, b in self.parts)
        parts = tuple((a, b) for a, b in cut if b - a >= LEAST)
        return Kept(parts, self.whole) if parts else self

    def first(self, milliseconds: int) -> Kept:
        """Its beginning, as a test clip shows it."""
        found, left = [], milliseconds
        for start, stop in self.parts:
            if left < LEAST:
                break
            found.append((start, min(stop, start + left)))
            left -= found[-1][1] - start
        return Kept(tuple(found), self.whole)


def read(text: str, asset: Asset, limits: Limits) -> Kept:
    """The parts that `text` names of a sound; what a form would begin with when it names none that can be: as much as `limits` take.

    Parts that touch or overlap become one.
    """
    whole = asset.milliseconds
    parts: list[tuple[int, int]] = []
    if SHAPE.fullmatch(text):
        named = sorted((int(start), int(stop)) for start, stop in (part.split("-") for part in text.split(".")))
        for start, stop in named:
            stop = min(stop, whole)
            if parts and start <= parts[-1][1]:
                parts[-1] = (parts[-1][0], max(stop, parts[-1][1]))
            elif stop - start >= LEAST:
                parts.append((start, stop))
    return Kept(tuple(parts), whole) if parts else Kept(((0, longest(limits, whole)),), whole)


def longest(limits: Limits, whole: int) -> int:
    """How many of `whole` milliseconds the limits take."""
    if limits.max_seconds is None:
        return whole
    return min(whole, round(limits.max_seconds * 1000) - (1 if limits.open_seconds else 0))


def made(asset: Asset, kept: Kept, limits: Limits, by: User) -> Asset:
    """The file that is sent: `asset` itself, or what is cut out of it now. Raises MediaError with a sentence."""
    return edits.change(asset, kept.recipe, by) if needs_cut(asset, kept, limits) else asset


def needs_cut(asset: Asset, kept: Kept, limits: Limits) -> bool:
    """Whether a new file has to be made: parts are left out, or the file is of a kind that the model does not take."""
    return not kept.everything or bool(limits.problems(asset.facts))


def facts_of(asset: Asset, kept: Kept, limits: Limits) -> Facts:
    """What the file that is sent will be, for testing it against `limits` before it is made."""
    facts: FileFacts = asset.facts
    if not needs_cut(asset, kept, limits):
        return facts
    seconds = kept.milliseconds / 1000
    return replace(facts, format="wav", mime="audio/wav", extension="wav", codec="", seconds=seconds, size=round(seconds * WAV_RATE))
