"""A film made anew as H.264 at a steady rate, and a film given a sound without touching its
picture."""

from __future__ import annotations

import errno
import math
import os
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame

from studio.common.translatable import phrase
from studio.media.edits.refusal import EditError, whole
from studio.media.edits.samples import placed, runs
from studio.media.edits.tracks import AAC_RATES, CopiedSound, EncodedSound, SoundTrack, packets
from studio.media.facts import Facts, MediaError, unreadable
from studio.media.film import (
    VERIFY_SECONDS,
    check,
    cut_short,
    opened,
    probe_film,
    streams,
    verify_video,
)
from studio.media.kinds import KINDS, Kind, sniff
from studio.media.picture import refuse_pixels

SLOWEST, FASTEST = 24, 60  # frames a second that models take
RATES = (1.0, 120.0)  # that may be asked for
LARGEST = 4096  # px of a side: larger frames cost an encoder gigabytes
LEAST_SIDE = 16  # px
QUALITY = "18"  # constant rate factor: no loss that is seen
# The faster half of the encoder's presets: the file is looked at by a model and then replaced by
# its film.
PRESET = "veryfast"
SQUEEZES = (0.92, 0.75, 0.55)  # of the bits that there is room for, one try after the other
LEAST_BITS = 40_000  # a second: below, no film is left to see
YUV_SPACES = (1, 5, 6, 7, 9)  # colour matrices that a YUV picture can be in
UNSET = 2  # FFmpeg's "unspecified" for colours
LIMITED, WHOLE_RANGE = 1, 2
LOOK_EVERY = 50  # frames between two looks at the size of the file
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EFBIG)
SHORT = 0.5  # seconds that a film may lack of what it states


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to make of a film: the source, its part, and the size upright."""

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


def remake_film(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    start: float = 0.0,
    stop: float | None = None,
    fps: float | None = None,
    max_side: int | None = None,
    max_bytes: int | None = None,
    keep_sound: bool = True,
) -> Facts:
    """Write the part [start, stop) seconds of a video to `target` as MP4 that every model and
    browser plays; returns its facts.

    H.264, yuv420p, even sides, square pixels, upright, index first. `fps`: frames a second, 1 to
    120; without it the source's average, brought into 24 to 60; frames are repeated or dropped by
    their time. `max_side`: px of the long side (never scaled up; 4096 at most). `max_bytes`: at
    most so large, if need be at a lower quality. Sound, in step with the picture, becomes AAC.
    Streamed. Raises EditError: bad-range (nothing of the film in the part), too-large (does not
    fit); MediaError: no-stream, broken, and what `studio.media.probe` refuses.
    """
    kind, facts = _video(path)
    end = math.inf if stop is None else stop
    if not (math.isfinite(start) and 0 <= start < end):
        raise EditError(
            "bad-range",
            phrase(
                "The part from %(start)s to %(end)s s is empty or starts before the film; choose "
                "an end after its start.",
                start=f"{start:g}",
                end=f"{end:g}",
            ),
        )
    if start >= facts.seconds:
        raise EditError(
            "bad-range",
            phrase(
                "The film lasts %(seconds)s s and the part starts at %(start)s s; choose an "
                "earlier part.",
                seconds=f"{facts.seconds:.2f}",
                start=f"{start:g}",
            ),
        )
    if fps is not None and not RATES[0] <= fps <= RATES[1]:
        raise EditError(
            "bad-range",
            phrase(
                "A film cannot have %(fps)s frames a second; choose %(slowest)s to %(fastest)s.",
                fps=f"{fps:g}",
                slowest=SLOWEST,
                fastest=FASTEST,
            ),
        )
    rate = Fraction(
        fps if fps is not None else min(max(facts.fps, SLOWEST), FASTEST)
    ).limit_denominator(1001)
    deadline = time.monotonic() + VERIFY_SECONDS
    origin, width, height = _look(path, kind, deadline)
    plan = _Plan(
        path,
        kind,
        facts,
        start,
        end,
        rate,
        origin,
        *_even(width, height, max_side),
        keep_sound and facts.has_audio,
        deadline,
    )
    with whole(target) as part:
        _squeezed(plan, part, max_bytes)
        return probe_film(part, KINDS["mp4"])


def with_sound(
    film: str | os.PathLike[str], sound: str | os.PathLike[str], target: str | os.PathLike[str]
) -> Facts:
    """Write the picture of `film` (MP4 or MOV) with the sound of `sound` (a sound file or a video)
    to `target` as MP4; returns its facts.

    The picture is copied packet by packet. Sound is copied when it is AAC in an MP4 and starts with
    the picture, else made AAC; it ends with the film, or before when it is shorter. Every frame is
    decoded once at the end, so the result plays. Raises MediaError: no-stream (no picture, no
    sound), not-supported (another container), broken.
    """
    kind, facts = _video(film)
    if kind.format not in ("mp4", "mov"):
        raise MediaError(
            "not-supported",
            phrase(
                "A sound can be put to an MP4 and not to this %(format)s file; make it an MP4 "
                "first.",
                format=kind.format.upper(),
            ),
        )
    deadline = time.monotonic() + VERIFY_SECONDS
    origin, _, _ = _look(film, kind, deadline)
    with whole(target) as part:
        with (
            closing(packets(film, "video", deadline)) as pictures,
            _mp4(part) as out,
        ):
            stream: Any = None
            track: SoundTrack | None = None
            for packet in pictures:
                if stream is None:
                    stream = _copy_of(out, packet.stream, facts.codec)
                    track = _sound_for(out, sound, facts.seconds, deadline)
                shift = round(origin / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                moment = float(packet.pts * packet.time_base)
                packet.stream = stream
                out.mux(packet)
                if track is not None:
                    track.upto(min(max(moment, 0.0), facts.seconds))
            if track is None:
                raise MediaError("broken", cut_short(kind.format))
            track.upto(facts.seconds)
            track.finish()
        return verify_video(part)


@contextmanager
def _mp4(part: Path) -> Iterator[OutputContainer]:
    """An MP4 being written, its index moved to the front at the end."""
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as out:
            yield out
    except av.error.FFmpegError as error:
        if error.errno in DISK_ERRORS:
            raise
        raise MediaError(
            "broken",
            phrase(
                "The times or the coding inside this file are damaged, so no MP4 can be made of "
                "it; export it again."
            ),
        ) from error


def _copy_of(out: OutputContainer, template: Any, codec: str) -> Any:
    try:
        stream: Any = out.add_stream_from_template(template, opaque=True)
        if codec == "hevc":
            stream.codec_context.codec_tag = "hvc1"  # the name under which Apple's players open it
        return stream
    except ValueError as error:
        raise MediaError(
            "not-supported",
            phrase(
                "An MP4 cannot hold a picture coded as %(codec)s; make the film an H.264 one "
                "first.",
                codec=codec,
            ),
        ) from error


def _sound_for(
    out: OutputContainer, sound: str | os.PathLike[str], seconds: float, deadline: float
) -> SoundTrack:
    """The track that plays `sound` from the first picture on: its own first picture when it is a
    video, else its first sample."""
    kind = sniff(sound)
    facts = probe_film(sound, kind) if kind.kind != "image" else None
    if facts is None or not facts.has_audio:
        raise MediaError(
            "no-stream",
            phrase(
                "The file that should give the sound holds none; choose a sound file or a video "
                "with sound."
            ),
        )
    origin = _look(sound, kind, deadline)[0] if facts.kind == "video" else None
    if facts.audio_codec == "aac" and facts.format in ("mp4", "m4a", "mov"):
        copied = CopiedSound.starting(
            out, packets(sound, "audio", deadline), origin or 0.0, seconds
        )
        if copied is not None:
            return copied
    source = runs(sound, deadline, AAC_RATES.__contains__, clocked=True)
    return EncodedSound(out, source if origin is None else placed(source, origin))


def _video(path: str | os.PathLike[str]) -> tuple[Kind, Facts]:
    kind = sniff(path)
    facts = probe_film(path, kind) if kind.kind != "image" else None
    if facts is None or facts.kind != "video":
        raise MediaError(
            "no-stream",
            phrase(
                "This %(format)s file holds no film; choose an MP4, MOV or AVI video.",
                format=kind.format.upper(),
            ),
        )
    return kind, facts


def _even(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    long = max(width, height)
    scale = min(1.0, min(max_side or LARGEST, LARGEST) / long)
    # H.264 with half the colours counts in pairs; rounding down keeps within the longest side.
    even = [max(LEAST_SIDE, math.floor(side * scale + 1e-9) // 2 * 2) for side in (width, height)]
    return even[0], even[1]


def _squeezed(plan: _Plan, part: Path, max_bytes: int | None) -> None:
    """Make the film at full quality, and again with fewer bits as long as it is larger than
    `max_bytes`."""
    if _made(plan, part, {"crf": QUALITY}, 0, max_bytes) or max_bytes is None:
        return
    seconds = min(plan.stop, plan.facts.seconds) - plan.start
    for share in SQUEEZES:
        sound = EncodedSound.BITS * 2 if plan.keep_sound else 0
        bits = int(max_bytes * 8 * share / seconds) - sound
        if bits < LEAST_BITS:
            break
        if _made(plan, part, {"maxrate": str(bits), "bufsize": str(bits)}, bits, max_bytes):
            return
    raise EditError(
        "too-large",
        phrase(
            "%(seconds)s s of this film do not fit into %(max_bytes)s bytes and stay a picture; "
            "cut a shorter part or make it smaller.",
            seconds=f"{seconds:.1f}",
            max_bytes=f"{max_bytes:,}",
        ),
    )


def _made(
    plan: _Plan, part: Path, quality: dict[str, str], bits: int, max_bytes: int | None
) -> bool:
    """Write the film to `part`; False as soon as it is larger than `max_bytes`."""
    with closing(_slots(plan)) as slots, _mp4(part) as out:
        video: Any = None
        track: SoundTrack | None = None
        shaper = _Shaper(plan.width, plan.height)
        written = 0
        for first, stop, frame in slots:
            shaped = shaper.shape(frame)
            if video is None:
                video = _stream(out, plan, shaped, {"preset": PRESET, **quality}, bits)
                if plan.keep_sound:
                    track = EncodedSound(
                        out,
                        placed(
                            runs(plan.path, plan.deadline, AAC_RATES.__contains__, clocked=True),
                            plan.origin + plan.start,
                        ),
                    )
            for slot in range(first, stop):
                check(plan.deadline)
                shaped.pts, shaped.time_base, shaped.pict_type = slot, 1 / plan.fps, 0
                out.mux(video.encode(shaped))
                if track is not None:
                    track.upto(float((slot + 1) / plan.fps))
                written = slot + 1
                if (
                    max_bytes is not None
                    and written % LOOK_EVERY == 0
                    and part.stat().st_size > max_bytes
                ):
                    return False
        if video is None:
            raise EditError(
                "bad-range",
                phrase(
                    "The film holds no frame after %(start)s s; choose an earlier part.",
                    start=f"{plan.start:g}",
                ),
            )
        out.mux(video.encode(None))
        if track is not None:
            track.finish()
    return max_bytes is None or part.stat().st_size <= max_bytes


def _stream(
    out: OutputContainer, plan: _Plan, frame: VideoFrame, options: dict[str, str], bits: int
) -> Any:
    stream: Any = out.add_stream("libx264", rate=plan.fps, options=options)
    stream.width, stream.height, stream.pix_fmt = plan.width, plan.height, "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / plan.fps
    context.gop_size = math.ceil(2 * plan.fps)
    context.sample_aspect_ratio = Fraction(1)
    if bits:
        stream.bit_rate = bits
    context.color_range = LIMITED
    context.colorspace = frame.colorspace if frame.colorspace in YUV_SPACES else UNSET
    context.color_primaries, context.color_trc = (
        frame.color_primaries or UNSET,
        frame.color_trc or UNSET,
    )
    with unreadable(
        phrase(
            "A film of %(width)s × %(height)s px cannot be made as H.264; scale it to another "
            "size.",
            width=plan.width,
            height=plan.height,
        )
    ):
        context.open(strict=False)
    return stream


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


def _look(path: str | os.PathLike[str], kind: Kind, deadline: float) -> tuple[float, int, int]:
    """The time of the first frame in the file's own clock (s), and its size in px as displayed, in
    square pixels."""
    with closing(_frames(path, kind, deadline)) as frames:
        for frame in frames:
            refuse_pixels(frame.width, frame.height)
            stretch = _stretch(path, kind)
            width, height = max(1, round(frame.width * stretch)), frame.height
            return frame.time or 0.0, *((height, width) if _turns(frame) % 2 else (width, height))
    raise MediaError("broken", cut_short(kind.format))


def _stretch(path: str | os.PathLike[str], kind: Kind) -> float:
    """How much wider than high a stored pixel is shown; 1 for an absurd shape."""
    with opened(path, kind) as container:
        shape = float(streams(container)[0].sample_aspect_ratio or 1)
    return shape if 0.25 <= shape <= 4 else 1.0


def _turns(frame: VideoFrame) -> int:
    """Quarter turns, counter-clockwise, that bring the stored frame upright."""
    return round(frame.rotation / 90) % 4


def _slots(plan: _Plan) -> Generator[tuple[int, int, VideoFrame], None, None]:
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
    if until > done:
        yield done, until, held


class _Shaper:
    """Frames brought to one size, upright, in yuv420p of limited range, whatever they are."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.graphs: dict[int, Any] = {}

    def shape(self, frame: VideoFrame) -> VideoFrame:
        turns = _turns(frame)
        width, height = self.size if turns % 2 == 0 else self.size[::-1]
        wide = frame.color_range == WHOLE_RANGE or frame.format.name.startswith("yuvj")
        scaled = frame.reformat(
            width,
            height,
            "yuv420p",
            interpolation="BICUBIC",
            src_color_range=WHOLE_RANGE if wide else None,
            dst_color_range=LIMITED,
        )
        if not turns:
            return scaled
        graph = self.graphs.get(turns)
        if graph is None:
            graph = self.graphs[turns] = self._graph(turns, width, height)
        scaled.pts = None
        graph.push(scaled)
        turned: VideoFrame = graph.pull()
        return turned

    @staticmethod
    def _graph(turns: int, width: int, height: int) -> Any:
        graph = av.filter.Graph()
        ways: dict[int, list[tuple[str, str | None]]] = {
            1: [("transpose", "cclock")],
            2: [("hflip", None), ("vflip", None)],
            3: [("transpose", "clock")],
        }
        nodes = [
            graph.add_buffer(
                width=width,
                height=height,
                format=av.VideoFormat("yuv420p"),
                time_base=Fraction(1, 1000),
            )
        ]
        nodes += [graph.add(name, value) for name, value in ways[turns]]
        graph.link_nodes(*nodes, graph.add("buffersink")).configure()
        return graph
