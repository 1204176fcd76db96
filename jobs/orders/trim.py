"""The trimmed speech: what of a recording goes into the video, chosen on the page and cut
out only at the click.

Times are milliseconds from the start. In an address they stand as “2100-18000.19900-43300”.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from jobs.catalogue.limits import Facts, Limits
from studio.files import edit_queue
from studio.media import Facts as FileFacts
from studio.media.edits import split_points
from studio.models import Asset, User

SHAPE = re.compile(r"\d{1,8}-\d{1,8}(?:\.\d{1,8}-\d{1,8}){0,99}", re.ASCII)
LEAST = 100  # milliseconds of a part that are worth a cut
LEAST_VIDEO = 1000  # milliseconds that a video has at least, where the model names no least
WAV_RATE = 48_000 * 2 * 2  # bytes a second of what a cut writes at most


@dataclass(frozen=True, slots=True)
class Trim:
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
    def form_value(self) -> str:
        return ".".join(f"{start}-{stop}" for start, stop in self.parts)

    @property
    def recipe(self) -> dict[str, Any]:
        """For studio.files.edit_queue: what makes the parts one file."""
        if len(self.parts) == 1:
            return {"do": "cut", "start": self.start, "stop": self.stop}
        gaps = [[before[1], after[0]] for before, after in pairwise(self.parts)]
        # The last cut reaches past the end, or what a file has beyond its last whole millisecond
        # would come along.
        return {
            "do": "without",
            "cuts": [
                *([[0, self.start]] if self.start else []),
                *gaps,
                [self.stop, self.whole + LEAST_VIDEO],
            ],
        }

    def edged(self, start: int, stop: int) -> Trim:
        """The same with its first part beginning at `start` and its last ending at `stop`, pauses
        left out as before."""
        start, stop = max(0, start), min(stop, self.whole)
        if stop - start < LEAST:
            return self
        inside = [
            [max(a, start), min(b, stop)]
            for a, b in self.parts
            if min(b, stop) - max(a, start) >= LEAST
        ] or [[start, stop]]
        inside[0][0], inside[-1][1] = start, stop
        return Trim(tuple((a, b) for a, b in inside), self.whole)

    def without(self, start: int, stop: int) -> Trim:
        """The same with [start, stop) left out; unchanged when nothing would be left."""
        if start >= stop:
            return self
        parts = [
            piece
            for a, b in self.parts
            for piece in ((a, min(b, start)), (max(a, stop), b))
            if piece[1] - piece[0] >= LEAST
        ]
        return Trim(tuple(parts), self.whole) if parts else self

    def within(self, start: int, stop: int) -> Trim:
        """What of it lies between two times; all of it when nothing would be left."""
        cut = tuple((max(a, start), min(b, stop)) for a, b in self.parts)
        parts = tuple((a, b) for a, b in cut if b - a >= LEAST)
        return Trim(parts, self.whole) if parts else self

    def span(self, start: int, stop: int) -> Trim:
        """What plays from `start` up to `stop` milliseconds of the video; all of it when nothing
        would be left."""
        found, at = [], 0
        for first, last in self.parts:
            a, b = max(first, first + start - at), min(last, first + stop - at)
            if b - a >= LEAST:
                found.append((a, b))
            at += last - first
        return Trim(tuple(found), self.whole) if found else self

    def first(self, milliseconds: int) -> Trim:
        """Its beginning, as a test clip shows it."""
        found, left = [], milliseconds
        for start, stop in self.parts:
            if left < LEAST:
                break
            found.append((start, min(stop, start + left)))
            left -= found[-1][1] - start
        return Trim(tuple(found), self.whole)


def read(text: str, asset: Asset, limits: Limits) -> Trim:
    """The parts that `text` names of a sound; what a form would begin with when it names none that
    can be: as much as `limits` take.

    Parts that touch or overlap become one.
    """
    end, whole = end_of(asset), length_of(asset, limits)
    parts: list[tuple[int, int]] = []
    if SHAPE.fullmatch(text):
        named = sorted(
            (int(start), int(stop)) for start, stop in (part.split("-") for part in text.split("."))
        )
        for start, stop in named:
            stop = min(stop, end)
            if parts and start <= parts[-1][1]:
                parts[-1] = (parts[-1][0], max(stop, parts[-1][1]))
            elif stop - start >= LEAST:
                parts.append((start, stop))
    if not parts:
        parts = [(0, longest(limits, whole))]
    elif parts == [(0, end)]:
        parts = [(0, whole)]
    return Trim(tuple(parts), whole)


def tenths(milliseconds: int) -> float:
    """Seconds with one decimal, half up, as fields show them."""
    return (milliseconds + 50) // 100 / 10


def end_of(asset: Asset) -> int:
    """The last whole millisecond that can be cut out: some headers promise more than there is to
    hear."""
    heard = asset.sound.get("seconds")
    return min(asset.milliseconds, int(heard * 1000 + 1e-6)) if heard else asset.milliseconds


def length_of(asset: Asset, limits: Limits) -> int:
    """Milliseconds of all of it: of the file where it can be sent as it is, else of what can be cut
    out of it."""
    return end_of(asset) if limits.problems(asset.facts) else asset.milliseconds


def least(limits: Limits, whole: int) -> int:
    """The fewest of `whole` milliseconds that make a video."""
    least = LEAST_VIDEO if limits.min_seconds is None else round(limits.min_seconds * 1000)
    return min(whole, least)


def longest(limits: Limits, whole: int) -> int:
    """How many of `whole` milliseconds the limits take."""
    if limits.max_seconds is None:
        return whole
    return min(whole, round(limits.max_seconds * 1000) - (1 if limits.open_seconds else 0))


def pauses_of(asset: Asset) -> list[tuple[int, int]]:
    """The silences of a sound that was listened to, in milliseconds: at its start, inside, at its
    end; none when all is silent."""
    sound, end = asset.sound, end_of(asset)
    if not sound or sound["lead"] * 1000 >= end:
        return []
    found = [
        (0.0, sound["lead"]),
        *sound["pauses"],
        (sound["seconds"] - sound["tail"], sound["seconds"]),
    ]
    spans = [(round(start * 1000), min(round(stop * 1000), end)) for start, stop in found]
    return [(start, stop) for start, stop in spans if stop - start >= LEAST]


def split(asset: Asset, chosen: Trim, limits: Limits) -> list[Trim]:
    """The fewest videos that `limits` take of a speech that is too long for one, parted in pauses;
    [] when it is not.

    More than the model takes is parted as it is kept. Otherwise the end was not chosen but set by
    the model, so the videos go on to the end of the recording.
    """
    most, whole = longest(limits, chosen.whole), chosen.milliseconds
    if whole <= most:
        chosen = Trim((*chosen.parts[:-1], (chosen.parts[-1][0], end_of(asset))), chosen.whole)
        whole = chosen.milliseconds
    if whole <= most:
        return []
    pauses, at = [], 0
    for first, last in chosen.parts:
        shift = at - first
        inside = [
            (max(start, first) + shift, min(stop, last) + shift)
            for start, stop in pauses_of(asset)
            if start < last and stop > first
        ]
        pauses += [(start / 1000, stop / 1000) for start, stop in inside]
        at += last - first
    ranges = split_points(whole / 1000, pauses, most / 1000, least(limits, whole) / 1000)
    videos, start = [], 0
    for left, (_start, cut) in zip(range(len(ranges) - 1, -1, -1), ranges, strict=True):
        # Whole milliseconds may not make a video longer than it may be.
        stop = min(max(round(cut * 1000), whole - left * most), start + most)
        videos.append(chosen.span(start, stop))
        start = stop
    return videos


def trimmed_file(asset: Asset, chosen: Trim, limits: Limits, by: User) -> Asset:
    """The file that is sent: `asset` itself, or what is cut out of it now. Raises MediaError with a
    sentence."""
    return (
        edit_queue.change(asset, chosen.recipe, by) if needs_cut(asset, chosen, limits) else asset
    )


def needs_cut(asset: Asset, chosen: Trim, limits: Limits) -> bool:
    """Whether a new file has to be made: parts are left out, or the file is of a kind that the
    model does not take."""
    return not chosen.everything or bool(limits.problems(asset.facts))


def facts_of(asset: Asset, chosen: Trim, limits: Limits) -> Facts:
    """What the file that is sent will be, for testing it against `limits` before it is made."""
    facts: FileFacts = asset.facts
    if not needs_cut(asset, chosen, limits):
        return facts
    seconds = chosen.milliseconds / 1000
    return replace(
        facts,
        format="wav",
        mime="audio/wav",
        extension="wav",
        codec="",
        seconds=seconds,
        size=round(seconds * WAV_RATE),
    )
