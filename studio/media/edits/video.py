"""A video made anew as H.264 at a steady rate, and a video given a sound without touching its
picture."""

from __future__ import annotations

import errno
import math
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame

from studio.common.translatable import phrase
from studio.media.edits.frames import (
    UNSET,
    YUV_SPACES,
    VideoPlan,
    measure,
    steady_frames,
)
from studio.media.edits.refusal import EditError, replacing
from studio.media.edits.samples import placed, runs
from studio.media.edits.tracks import AAC_RATES, CopiedSound, EncodedSound, SoundTrack, packets
from studio.media.facts import NO_MEMORY, Facts, MediaError, unreadable
from studio.media.frame_shaper import LIMITED, FrameShaper
from studio.media.kinds import KINDS, Kind, sniff
from studio.media.video import (
    VERIFY_SECONDS,
    check,
    cut_short,
    probe_video,
    verify_video,
)

SLOWEST, FASTEST = 24, 60  # frames a second that models take
RATES = (1.0, 120.0)  # that may be asked for
LARGEST = 4096  # px of a side: larger frames cost an encoder gigabytes
LEAST_SIDE = 16  # px
QUALITY = "18"  # constant rate factor: no loss that is seen
# The faster half of the encoder's presets: the file is looked at by a model and then replaced by
# its video.
PRESET = "veryfast"
SQUEEZES = (0.92, 0.75, 0.55)  # of the bits that there is room for, one try after the other
LEAST_BITS = 40_000  # a second: below, no video is left to see
LEAST_HELD = 0.5  # seconds that a sound goes on after the pictures; less is a writer's rounding
HELD = 600.0  # seconds that a held video lasts at most
LOOK_EVERY = 50  # frames between two looks at the size of the file
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EFBIG)


def remake_video(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    start: float = 0.0,
    stop: float | None = None,
    fps: float | None = None,
    max_side: int | None = None,
    max_bytes: int | None = None,
    keep_sound: bool = True,
    hold: bool = False,
) -> Facts:
    """Write the part [start, stop) seconds of a video to `target` as MP4 that every model and
    browser plays; returns its facts.

    H.264, yuv420p, even sides, square pixels, upright, index first. `fps`: frames a second, 1 to
    120; without it the source's average, brought into 24 to 60; frames are repeated or dropped by
    their time. `max_side`: px of the long side (never scaled up; 4096 at most). `max_bytes`: at
    most so large, if need be at a lower quality. `hold`: pictures that end before the sound go on
    with their last frame until its end (`held_seconds`). Sound, in step with the picture, becomes
    AAC. Streamed. Raises EditError: bad-range (nothing of the video in the part), too-large (does
    not fit); MediaError: no-stream, broken, and what `studio.media.probe` refuses.
    """
    kind, facts = _video(path)
    end = math.inf if stop is None else stop
    _refuse_range(facts, start, end, fps)
    rate = _rate(facts, fps)
    deadline = time.monotonic() + VERIFY_SECONDS
    origin, width, height = measure(path, kind, deadline)
    plan = VideoPlan(
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
        facts.sound_seconds if hold and keep_sound and held_seconds(facts) else 0.0,
    )
    with replacing(target) as part:
        _squeezed(plan, part, max_bytes)
        return probe_video(part, KINDS["mp4"])


def _rate(facts: Facts, fps: float | None) -> Fraction:
    """Frames a second of what is made of a video with `facts`, when `fps` are asked for."""
    wanted = fps if fps is not None else min(max(facts.fps, SLOWEST), FASTEST)
    return Fraction(wanted).limit_denominator(1001)


def held_seconds(facts: Facts, fps: float | None = None) -> float:
    """How long a video is made by `remake_video` with `hold` and `fps`: until the frame in which
    its sound ends. 0.0 where the pictures go on until then, or are to stand still for too long."""
    sound = facts.sound_seconds
    if facts.kind != "video" or sound - facts.seconds < LEAST_HELD or sound > HELD:
        return 0.0
    rate = _rate(facts, fps)
    return float(math.ceil(round(sound * rate, 6)) / rate)


def _refuse_range(facts: Facts, start: float, end: float, fps: float | None) -> None:
    """EditError (bad-range) unless [start, end) holds something of the video and `fps` is a rate
    that can be written."""
    if not (math.isfinite(start) and 0 <= start < end):
        raise EditError(
            "bad-range",
            phrase(
                "The part from %(start)s to %(end)s s is empty or starts before the video; choose "
                "an end after its start.",
                start=f"{start:g}",
                end=f"{end:g}",
            ),
        )
    if start >= facts.seconds:
        raise EditError(
            "bad-range",
            phrase(
                "The video lasts %(seconds)s s and the part starts at %(start)s s; choose an "
                "earlier part.",
                seconds=f"{facts.seconds:.2f}",
                start=f"{start:g}",
            ),
        )
    if fps is not None and not RATES[0] <= fps <= RATES[1]:
        raise EditError(
            "bad-range",
            phrase(
                "A video cannot have %(fps)s frames a second; choose %(slowest)s to %(fastest)s.",
                fps=f"{fps:g}",
                slowest=SLOWEST,
                fastest=FASTEST,
            ),
        )


def with_sound(
    path: str | os.PathLike[str], sound: str | os.PathLike[str], target: str | os.PathLike[str]
) -> Facts:
    """Write the picture of `path` (MP4 or MOV) with the sound of `sound` (a sound file or a video)
    to `target` as MP4; returns its facts.

    The picture is copied packet by packet. Sound is copied when it is AAC in an MP4 and starts with
    the picture, else made AAC; it ends with the video, or before when it is shorter. Every frame is
    decoded once at the end, so the result plays. Raises MediaError: no-stream (no picture, no
    sound), not-supported (another container), broken.
    """
    kind, facts = _video(path)
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
    origin, _, _ = measure(path, kind, deadline)
    with replacing(target) as part:
        with (
            closing(packets(path, "video", deadline)) as pictures,
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
    except NO_MEMORY as error:
        raise MemoryError from error
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
        if codec.split()[0] == "hevc":
            stream.codec_context.codec_tag = "hvc1"  # the name under which Apple's players open it
        return stream
    except ValueError as error:
        raise MediaError(
            "not-supported",
            phrase(
                "An MP4 cannot hold a picture coded as %(codec)s; make the video an H.264 one "
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
    facts = probe_video(sound, kind) if kind.kind != "image" else None
    if facts is None or not facts.has_audio:
        raise MediaError(
            "no-stream",
            phrase(
                "The file that should give the sound holds none; choose a sound file or a video "
                "with sound."
            ),
        )
    origin = measure(sound, kind, deadline)[0] if facts.kind == "video" else None
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
    facts = probe_video(path, kind) if kind.kind != "image" else None
    if facts is None or facts.kind != "video":
        raise MediaError(
            "no-stream",
            phrase(
                "This %(format)s file holds no video; choose an MP4, MOV or AVI video.",
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


def _squeezed(plan: VideoPlan, part: Path, max_bytes: int | None) -> None:
    """Make the video at full quality, and again with fewer bits as long as it is larger than
    `max_bytes`."""
    if _made(plan, part, {"crf": QUALITY}, 0, max_bytes) or max_bytes is None:
        return
    seconds = min(plan.stop, max(plan.facts.seconds, plan.hold)) - plan.start
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
            "%(seconds)s s of this video do not fit into %(max_bytes)s bytes and stay a picture; "
            "cut a shorter part or make it smaller.",
            seconds=f"{seconds:.1f}",
            max_bytes=f"{max_bytes:,}",
        ),
    )


def _made(
    plan: VideoPlan, part: Path, quality: dict[str, str], bits: int, max_bytes: int | None
) -> bool:
    """Write the video to `part`; False as soon as it is larger than `max_bytes`."""
    with closing(steady_frames(plan)) as slots, _mp4(part) as out:
        video: Any = None
        track: SoundTrack | None = None
        shaper = FrameShaper(plan.width, plan.height)
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
                    "The video holds no frame after %(start)s s; choose an earlier part.",
                    start=f"{plan.start:g}",
                ),
            )
        out.mux(video.encode(None))
        if track is not None:
            track.finish()
    return max_bytes is None or part.stat().st_size <= max_bytes


def _stream(
    out: OutputContainer, plan: VideoPlan, frame: VideoFrame, options: dict[str, str], bits: int
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
            "A video of %(width)s × %(height)s px cannot be made as H.264; scale it to another "
            "size.",
            width=plan.width,
            height=plan.height,
        )
    ):
        context.open(strict=False)
    return stream
