"""How long the pictures of a video last and how many there are a second, from the times of its
frames: for containers whose headers say it of another track, or only guessed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median

from av.packet import Packet
from av.stream import Stream

from studio.media.facts import TAKEN
from studio.media.kinds import Kind
from studio.media.mp4_header import boxes

STEADY = 0.9  # of the gaps between frames, that are alike in a video of one rate
FINE = 10  # ticks of a clock between two frames; below, none is a rounding
NOMINAL = 0.005  # by how much of it a measured rate may miss the one that the header names


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """`count` frames, shown for `seconds` in all, `fps` a second. `end`: when the last packet of
    any track ends, `sound`: when the sound does, after the first frame; 0 without (s)."""

    count: int
    seconds: float
    fps: float
    end: float
    sound: float = 0.0


def must_be_counted(path: str | os.PathLike[str], kind: Kind) -> bool:
    """Whether the header of such a file does not say how long its pictures last: Matroska (the
    longest track), AVI (what was planned), MP4 in fragments (what the writer knew)."""
    if kind.format in ("avi", "webm", "mkv"):
        return True
    if kind.demuxer not in ("mp4", "mov"):
        return False
    with open(path, "rb") as file:
        return any(name == b"moof" for name, *_ in boxes(file, 0, os.fstat(file.fileno()).st_size))


def frame_times(
    packets: Iterable[Packet[Stream]],
    index: int,
    named: Fraction | None,
    sound_index: int | None = None,
) -> FrameTimes | None:
    """What the packets of all tracks tell of the video track `index` and the sound beside it, none
    decoded; `named` is the rate that the header names. None when they have no times."""
    times: list[int] = []
    base, span, end, sound = Fraction(0), 0, Fraction(0), Fraction(0)
    for packet in packets:
        at = packet.pts if packet.pts is not None else packet.dts
        if not packet.size or at is None or not packet.time_base:
            continue
        over = (at + (packet.duration or 0)) * packet.time_base
        end = max(end, over)
        if packet.stream.index == sound_index:
            sound = max(sound, over)
        if end > TAKEN:  # so long that nobody here wants to know how long
            return FrameTimes(len(times), float(end), float(named or 1), float(end))
        if packet.stream.index == index:
            times.append(at)
            base, span = packet.time_base, packet.duration or span
    if not times:
        return None
    times.sort()
    heard = max(0.0, float(sound - times[0] * base))
    gaps = [after - before for before, after in pairwise(times) if after > before]
    if not gaps:
        step = float(span * base) or (float(1 / named) if named else 0.0)
        if not step:
            return None
        return FrameTimes(len(times), step * len(times), 1 / step, float(end), heard)
    seconds, fps = _measured(times, gaps, base, named)
    return FrameTimes(len(times), seconds, fps, float(end), heard)


def _measured(
    times: list[int], gaps: list[int], base: Fraction, named: Fraction | None
) -> tuple[float, float]:
    """(seconds, frames a second) of frames at these sorted times with these gaps, in `base`."""
    usual = median(gaps)
    rounding = 1 if usual > FINE else 0
    alike = [gap for gap in gaps if abs(gap - usual) <= rounding]
    if len(alike) < STEADY * len(gaps):
        whole = float((times[-1] - times[0]) * base)
        step = whole / (len(times) - 1)
        return whole + step, 1 / step
    fps = len(alike) / float(sum(alike) * base)
    if named and abs(float(named) - fps) <= NOMINAL * fps:
        fps = float(named)
    steady, shown = len(times) / fps, float((times[-1] - times[0]) * base) + 1 / fps
    # A clock that slips by less than a frame is a writer's rounding; by more, a pause.
    return (steady if abs(shown - steady) < 0.99 / fps else shown), fps
