"""The frames of a video on their way into another one: decoded, upright, at a steady rate, in the
size and colours that are asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.frame import VideoFrame

from studio.media.display_matrix import turn_of
from studio.media.facts import Facts, MediaError
from studio.media.kinds import Kind
from studio.media.pixel_limit import refuse_pixels
from studio.media.tracks import streams
from studio.media.video import check, cut_short, opened

YUV_SPACES = (1, 5, 6, 7, 9)  # colour matrices that a YUV picture can be in


UNSET = 2  # FFmpeg's "unspecified" for colours


SHORT = 0.5  # seconds that a video may lack of what it states


@dataclass(frozen=True, slots=True)
class VideoPlan:
    """What to make of a video: the source, its part, and the size upright. `hold`: until when, in
    seconds of the source, its last frame is shown."""

    path: str | os.PathLike[str]
    kind: Kind
    facts: Facts
    start: float
    stop: float
    fps: Fraction
    origin: float
    width: int
    height: int
    keep_sound: bool
    deadline: float
    hold: float = 0.0


def _frames(
    path: str | os.PathLike[str], kind: Kind, deadline: float
) -> Generator[VideoFrame, None, None]:
    """All frames that decode, in the order they are shown; damaged packets are passed over, as
    players do."""
    with opened(path, kind) as container:
        video, _ = streams(container)
        video.thread_type = "AUTO"
        for packet in container.demux(video):
            check(deadline)
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                continue


def measure(path: str | os.PathLike[str], kind: Kind, deadline: float) -> tuple[float, int, int]:
    """The time of the first frame in the file's own clock (s), and its size in px as displayed, in
    square pixels."""
    with closing(_frames(path, kind, deadline)) as frames:
        for frame in frames:
            refuse_pixels(frame.width, frame.height)
            stretch = _stretch(path, kind)
            width, height = max(1, round(frame.width * stretch)), frame.height
            return frame.time or 0.0, *(
                (height, width) if turn_of(frame).swaps_sides else (width, height)
            )
    raise MediaError("broken", cut_short(kind.format))


def _stretch(path: str | os.PathLike[str], kind: Kind) -> float:
    """How much wider than high a stored pixel is shown; 1 for an absurd shape."""
    with opened(path, kind) as container:
        shape = float(streams(container)[0].sample_aspect_ratio or 1)
    return shape if 0.25 <= shape <= 4 else 1.0


def steady_frames(plan: VideoPlan) -> Generator[tuple[int, int, VideoFrame], None, None]:
    """The frames of the part, each with the range of slots (1/fps from the start of the part) in
    which it is shown; no slot is left out."""
    # Up to the frame in which the part ends: the least length that a model takes is met at any
    # rate.
    last_slot = (
        None
        if plan.stop == math.inf
        else max(1, math.ceil(round((plan.stop - plan.start) * plan.fps, 6)))
    )
    step = 1 / plan.facts.fps if plan.facts.fps else float(1 / plan.fps)
    held: VideoFrame | None = None
    moment, done = 0.0, 0

    def slot(at: float) -> int:
        until = math.floor((at - plan.start) * plan.fps + 0.5)
        return until if last_slot is None else min(until, last_slot)

    with closing(_frames(plan.path, plan.kind, plan.deadline)) as frames:
        for frame in frames:
            at = None if frame.time is None else frame.time - plan.origin
            if held is not None:
                # A clock that stands still or goes back is not believed: frames follow each other.
                at = moment + step if at is None or at <= moment else at
                if (until := slot(at)) > done:
                    yield done, until, held
                    done = until
                if last_slot is not None and done >= last_slot:
                    return
            held, moment = frame, at or 0.0
    if held is None:
        raise MediaError("broken", cut_short(plan.kind.format))
    span = float((held.duration or 0) * (held.time_base or 0))
    end = moment + (span if 0 < span < 10 * step else step)
    if end < min(plan.stop, plan.facts.seconds) - max(SHORT, 3 * step):
        raise MediaError("broken", cut_short(plan.kind.format))
    until = max(slot(end), 1 if not done and end > plan.start else 0)
    if plan.hold > end:
        held_to = max(1, math.ceil(round((plan.hold - plan.start) * plan.fps, 6)))
        until = held_to if last_slot is None else min(held_to, last_slot)
    if until > done:
        yield done, until, held
