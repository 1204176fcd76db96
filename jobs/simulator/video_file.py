"""Writing a video: H.264 yuv420p and AAC in an MP4 whose index comes first, every frame marked
SIMULATED."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.audio.resampler import AudioResampler

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Samples = NDArray[np.float32]

SOUND_RATE = 44_100


def even_side(value: float) -> int:
    """The nearest even number ≥ 2: H.264 with halved colour needs even sides."""
    return max(2, round(value / 2) * 2)


def watermark(width: int, height: int, word: str = "SIMULATED") -> Picture:
    """A strip of `width` px with the mark in it, to lay over the foot of every frame of `height`
    px."""
    import cv2
    import numpy as np

    strip = np.zeros((max(20, height // 16), width, 3), np.uint8)
    strip[:] = (32, 24, 20)
    font = cv2.FONT_HERSHEY_DUPLEX
    size = strip.shape[0] / 34
    (wide, high), _ = cv2.getTextSize(word, font, size, 2)
    cv2.putText(
        strip,
        word,
        ((width - wide) // 2, (strip.shape[0] + high) // 2),
        font,
        size,
        (61, 180, 255),
        2,
        cv2.LINE_AA,
    )
    return strip


def loudness_per_frame(path: Path, fps: float, frames: int) -> list[float]:
    """How open a mouth is at each of `frames` frames, 0..1: the RMS of the sound around it against
    the loudest tenth."""
    import numpy as np

    samples = read_sound(path, 16_000)
    step = 16_000 / fps
    levels = np.zeros(frames)
    for index in range(frames):
        part = samples[int(index * step) : int((index + 1) * step)]
        if len(part):
            levels[index] = float(np.sqrt(np.mean(np.square(part))))
    top = float(np.percentile(levels, 90)) if frames else 0.0
    return [float(min(1.0, level / top)) if top > 1e-4 else 0.0 for level in levels]


def read_sound(path: Path, rate: int) -> Samples:
    """The first sound of a file as mono samples, -1..1; empty when it has none."""
    import numpy as np

    parts: list[Any] = []
    with av.open(str(path)) as source:
        if not source.streams.audio:
            return np.zeros(0, np.float32)
        resampler = AudioResampler(format="flt", layout="mono", rate=rate)
        for frame in source.decode(source.streams.audio[0]):
            parts += [out.to_ndarray().reshape(-1) for out in resampler.resample(frame)]
        parts += [out.to_ndarray().reshape(-1) for out in resampler.resample(None)]
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)


def video_frames(path: Path, fps: float, width: int, height: int, count: int) -> Iterator[Picture]:
    """`count` BGR pictures of a video at `fps`, cut to fill `width` × `height`; the last one is
    repeated when it ends early."""
    import numpy as np

    shown: Picture | None = None
    given = 0
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        stream.thread_type = "AUTO"
        first: float | None = None
        for frame in source.decode(stream):
            at = frame.time or 0.0
            first = at if first is None else first
            if given and at - first < given / fps - 0.5 / fps:
                continue
            scale = max(width / frame.width, height / frame.height)
            wide, high = (
                max(width, round(frame.width * scale)),
                max(height, round(frame.height * scale)),
            )
            picture = frame.to_ndarray(format="bgr24", width=wide, height=high)
            left, top = (wide - width) // 2, (high - height) // 2
            shown = np.ascontiguousarray(picture[top : top + height, left : left + width])
            while given < count and given / fps <= at - first + 0.5 / fps:
                given += 1
                yield shown
            if given >= count:
                return
    while shown is not None and given < count:
        given += 1
        yield shown


def write_video(
    path: Path,
    frames: Iterable[Picture],
    *,
    fps: float,
    width: int,
    height: int,
    sound: Path | None = None,
) -> None:
    """Write `frames` (BGR, all `width` × `height`, even sides) and the sound of the file `sound` to
    `path`."""
    part = path.with_suffix(".part")
    mark = watermark(width, height)
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream(
            "libx264",
            rate=rate,
            options={"preset": "ultrafast", "crf": "26", "tune": "zerolatency"},
        )
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        samples = read_sound(sound, SOUND_RATE) if sound else None
        audio = (
            container.add_stream("aac", rate=SOUND_RATE, layout="mono")
            if samples is not None and len(samples)
            else None
        )
        for index, picture in enumerate(frames):
            picture[height - mark.shape[0] :] = mark
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = index
            frame.time_base = 1 / rate
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None and samples is not None:
            audio.bit_rate = 96_000
            for start in range(0, len(samples), 1024):
                piece = av.AudioFrame.from_ndarray(
                    samples[start : start + 1024].reshape(1, -1), format="fltp", layout="mono"
                )
                piece.sample_rate = SOUND_RATE
                piece.pts = start
                piece.time_base = Fraction(1, SOUND_RATE)
                container.mux(audio.encode(piece))
            container.mux(audio.encode(None))
    part.replace(path)


def duration_of(path: Path) -> float:
    """The length of a video as a player sees it."""
    with av.open(str(path)) as container:
        return (container.duration or 0) / 1_000_000
