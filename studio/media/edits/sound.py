"""Sound cut to the sample, its silences, and where to part what is too long."""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from operator import add, mul

from studio.common.translatable import Sentence, phrase
from studio.media.edits.refusal import EditError, replacing
from studio.media.edits.samples import SILENT, Run, runs, wav_file
from studio.media.facts import Facts, MediaError
from studio.media.kinds import KINDS
from studio.media.video import probe_video

FULL = 32768
CLIPPED = 32767  # a sample of this size or more stands at the end of the scale
CLIP_RUN = 3  # of them in a row are no peak any more but a cut one
WINDOWS = 100  # a second
MIX_KEEPS = 0.01  # of the power of two channels; below, they are opposite
NOTHING_DB = -120.0  # the loudness of digital silence
FADE = 0.005  # seconds on each side of a joint


@dataclass(frozen=True, slots=True)
class Silences:
    """The silences of a sound. `lead` and `tail`: seconds of silence at its start and end.
    `pauses`: (start, stop) in seconds, inside.

    `loudness_db`: root mean square of all that is not silent, in dB below full scale (-120 when all
    is). `clipped`: some peak is cut off. `antiphase`: its two channels are opposite, so that mixed
    into one, as models and telephones do, they are silent. A sound that is silent throughout is
    all `lead`. `seconds`: how long it plays, which headers do not always say.
    """

    lead: float
    tail: float
    pauses: tuple[tuple[float, float], ...]
    loudness_db: float
    clipped: bool
    seconds: float = field(default=0.0, compare=False)
    antiphase: bool = False


def cut_sound(
    path: str | os.PathLike[str], target: str | os.PathLike[str], start: float, stop: float
) -> Facts:
    """Write the part [start, stop) seconds of a sound file, or of a video's sound, to `target` as
    16-bit WAV; returns its facts.

    One or two channels, the source's rate up to 48,000 a second. Exactly round((stop - start) *
    rate) samples, fewer only where the source ends. Time counts from the first sample that decodes.
    Raises EditError("bad-range") when the range is empty or outside; MediaError: no-stream, broken,
    and what `studio.media.probe` refuses.
    """
    if not (math.isfinite(start) and start >= 0 and stop > start):
        raise EditError(
            "bad-range",
            phrase(
                "The part from %(start)s to %(stop)s s is empty or starts before the sound; choose "
                "an end after its start.",
                start=f"{start:g}",
                stop=f"{stop:g}",
            ),
        )
    at = 0
    rate = 1
    with replacing(target) as part:
        with wav_file(part) as wav, closing(runs(path, skip=start)) as source:
            for run in source:
                rate = run.rate
                first = round(start * rate)
                # Beyond any file's end a number of samples is only "to the end".
                last = first + round(min(stop - start, 1e9) * rate)
                wav.write(
                    run,
                    run.part(max(0, first - run.first), max(0, min(run.frames, last - run.first))),
                )
                at = run.last
                if at >= last:
                    break
        _refuse_empty(
            wav.frames,
            at,
            phrase(
                "The part from %(start)s to %(stop)s s holds no sound: the file lasts %(seconds)s "
                "s; choose an earlier part.",
                start=f"{start:g}",
                stop=f"{stop:g}",
                seconds=f"{at / rate:.2f}",
            ),
        )
        return probe_video(part, KINDS["wav"])


def without(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    cuts: Sequence[tuple[float, float]],
) -> Facts:
    """Write a sound to `target` as 16-bit WAV without the ranges `cuts` (seconds, in any order, may
    overlap); returns its facts.

    Wherever something was cut the sound fades out and in within 5 ms each, so that the joint does
    not click. Raises EditError("bad-range") when a cut is empty or nothing is left; MediaError as
    `cut_sound`.
    """
    for start, stop in cuts:
        if not (math.isfinite(start) and stop > start):
            raise EditError(
                "bad-range",
                phrase(
                    "The cut from %(start)s to %(stop)s s is empty; choose an end after its start.",
                    start=f"{start:g}",
                    stop=f"{stop:g}",
                ),
            )
    at = 0
    kept: list[tuple[int, int | None]] | None = None
    with replacing(target) as part:
        skip = max((stop for start, stop in cuts if start <= 0), default=0.0)
        with wav_file(part) as wav, closing(runs(path, skip=skip)) as source:
            for run in source:
                if kept is None:
                    kept = _kept(cuts, run.rate)
                at = run.first
                for first, last in kept:
                    begin = max(first, at)
                    end = at + run.frames if last is None else min(last, at + run.frames)
                    if begin < end:
                        samples = run.part(begin - at, end - at)
                        _fade(samples, run, begin, first, last)
                        wav.write(run, samples)
                at = run.last
                kept = [piece for piece in kept if piece[1] is None or piece[1] > at]
                if not kept:
                    break
        _refuse_empty(
            wav.frames, at, phrase("Nothing of the sound is left after these cuts; cut less.")
        )
        return probe_video(part, KINDS["wav"])


def find_silences(
    path: str | os.PathLike[str], floor_db: float = -45.0, least: float = 0.3
) -> Silences:
    """The silences of a sound file, or of a video's sound: all that is `floor_db` below its loudest
    hundredth of a second.

    Pauses inside count from `least` seconds on. Streamed; it keeps four bytes for each hundredth of
    a second. Raises MediaError: no-stream, broken.
    """
    meter = _Meter()
    with closing(runs(path)) as source:
        for run in source:
            meter.add(run)
    meter.finish()
    powers = meter.powers
    if not powers:
        raise MediaError("broken", SILENT)
    floor = max(powers) * 10 ** (floor_db / 10)
    seconds = meter.frames / meter.rate
    loud, last, total, pauses = 0, -1, 0.0, []
    lead = seconds
    for index, power in enumerate(powers):
        if power <= floor or power <= 0:
            continue
        start, stop = meter.moment(last + 1), meter.moment(index)
        if not loud:
            lead = stop
        elif stop - start >= least - 1e-9:
            pauses.append((start, stop))
        loud, last, total = loud + 1, index, total + power
    if not loud:
        return Silences(seconds, 0.0, (), NOTHING_DB, False, seconds)
    level = 10 * math.log10(total / loud / FULL**2)
    return Silences(
        lead,
        max(0.0, seconds - meter.moment(last + 1)),
        tuple(pauses),
        round(max(level, NOTHING_DB), 2),
        meter.clipped,
        seconds,
        meter.antiphase,
    )


def split_points(
    seconds: float, pauses: Iterable[tuple[float, float]], longest: float, least: float = 1.0
) -> list[tuple[float, float]]:
    """The fewest ranges (start, stop) that cover [0, seconds), each at most `longest` seconds and
    at least `least` when that can be.

    Each cut lies in the middle of the longest pause (start, stop) that it can reach in the last
    third of its part, else anywhere in it; without one the rest is parted evenly. Pure. Raises
    EditError("bad-range") for lengths that are not positive.
    """
    if not (math.isfinite(seconds) and seconds > 0 and longest > 0):
        raise EditError(
            "bad-range",
            phrase(
                "A sound of %(seconds)s s cannot be parted into pieces of %(longest)s s; both need "
                "a length.",
                seconds=f"{seconds:g}",
                longest=f"{longest:g}",
            ),
        )
    count = max(1, math.ceil(seconds / longest))
    least = min(max(0.0, least), seconds / count)
    known = [(start, stop) for start, stop in pauses if stop > start]
    ranges, at = [], 0.0
    for left in range(count - 1, 0, -1):
        rest = seconds - at
        earliest = max(at + least, seconds - left * longest)
        latest = min(at + longest, seconds - left * least)
        even = min(max(at + rest / (left + 1), earliest), latest)
        cut = _best(known, earliest, latest, at + (latest - at) * 2 / 3)
        cut = even if cut is None else cut
        ranges.append((at, cut))
        at = cut
    return [*ranges, (at, seconds)]


def _best(
    pauses: list[tuple[float, float]], earliest: float, latest: float, late: float
) -> float | None:
    """The cut with the most silence on both sides, from `late` on when there is one."""
    found: list[tuple[bool, float, float]] = []
    for start, stop in pauses:
        cut = min(max((start + stop) / 2, earliest), latest)
        room = min(cut - start, stop - cut)
        if room > 0:
            found.append((cut >= late, room, cut))
    return max(found)[2] if found else None


def _refuse_empty(written: int, decoded: int, sentence: Sentence) -> None:
    if not decoded:
        raise MediaError("broken", SILENT)
    if not written:
        raise EditError("bad-range", sentence)


def _kept(cuts: Sequence[tuple[float, float]], rate: int) -> list[tuple[int, int | None]]:
    """What stays between the cuts, in samples; None is the end, wherever that is."""
    kept: list[tuple[int, int | None]] = []
    at, length, samples = 0.0, 0.0, 0
    for start, stop in sorted(cuts):
        first, last = (max(0.0, min(moment, 1e9)) for moment in (start, stop))
        if first > at:
            # The sum of the pieces is rounded, not each: many roundings would make the sound longer
            # or shorter than was promised.
            length += first - at
            count, begin = round(length * rate) - samples, round(at * rate)
            if count > 0:
                kept.append((begin, begin + count))
                samples += count
        at = max(at, last)
    return [*kept, (round(at * rate), None)]


def _fade(samples: array[int], run: Run, begin: int, first: int, last: int | None) -> None:
    """Fade `samples`, which start at `begin` of the source, in after a cut that ends at `first` and
    out before one at `last`."""
    span = max(1, round(FADE * run.rate))
    frames = len(samples) // run.channels
    if first > 0:
        for index in range(min(frames, first + span - begin)):
            _scale(samples, index, run.channels, (begin + index - first + 0.5) / span)
    if last is not None:
        for index in range(max(0, last - span - begin), frames):
            _scale(samples, index, run.channels, (last - begin - index - 0.5) / span)


def _scale(samples: array[int], index: int, channels: int, gain: float) -> None:
    for at in range(index * channels, (index + 1) * channels):
        samples[at] = round(samples[at] * gain)


class _Meter:
    """The power of each hundredth of a second, and whether peaks are cut off."""

    def __init__(self) -> None:
        self.powers = array("f")
        self.rate = 0
        self.channels = 0
        self.frames = 0
        self.clipped = False
        self.whole = self.mixed = 0.0  # power of both channels, and of their mix
        self.rest = array("h")
        self.runs: list[
            tuple[int, int]
        ] = []  # for each channel: the side of the scale it stands at, and since how many samples

    def add(self, run: Run) -> None:
        self.rate, self.channels = run.rate, run.channels
        self.runs = self.runs or [(0, 0)] * run.channels
        self.frames += run.frames
        pending = self.rest + run.samples
        at = 0
        while (stop := at + self._span() * self.channels) <= len(pending):
            self._window(pending[at:stop])
            at = stop
        self.rest = pending[at:]

    def finish(self) -> None:
        if self.rest:
            self._window(self.rest)

    @property
    def antiphase(self) -> bool:
        """Whether a mix of both channels keeps less than a hundredth of their power."""
        return self.channels == 2 and self.whole > 0 and self.mixed < MIX_KEEPS * self.whole

    def moment(self, window: int) -> float:
        """Where a window starts, in seconds."""
        return min(window * self.rate // WINDOWS, self.frames) / self.rate

    def _span(self) -> int:
        window = len(self.powers)
        return (window + 1) * self.rate // WINDOWS - window * self.rate // WINDOWS

    def _window(self, samples: array[int]) -> None:
        power = sum(map(mul, samples, samples))
        self.powers.append(power / len(samples))
        if self.channels == 2:
            mix = list(map(add, samples[::2], samples[1::2]))
            self.whole, self.mixed = self.whole + power, self.mixed + sum(map(mul, mix, mix)) / 2
        if self.clipped:
            return
        if max(samples) < CLIPPED and min(samples) > -CLIPPED:
            self.runs = [(0, 0)] * self.channels
            return
        for channel in range(self.channels):
            side, count = self.runs[channel]
            for sample in samples[channel :: self.channels]:
                now = (sample >= CLIPPED) - (sample <= -CLIPPED)
                side, count = now, (count + 1 if now == side else 1) if now else 0
                self.clipped = self.clipped or count >= CLIP_RUN
            self.runs[channel] = (side, count)
