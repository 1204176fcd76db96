"""The shape of sound, for drawing."""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.container import InputContainer

from studio.common.translatable import phrase
from studio.media.facts import NO_MEMORY, MediaError
from studio.media.kinds import sniff
from studio.media.tracks import refuse_rate, streams
from studio.media.video import VERIFY_SECONDS, check, opened

RATE = 8000  # samples per second that are looked at: enough to draw, cheap to walk
FINE = 80  # samples in the first bins, a hundredth of a second
FULL = 32768
MOMENT, MOMENT_PACKETS = 0.2, 50  # seconds, and packets, of one part that a sketch listens to
QUIET = FULL // 50  # the loudest sample of a recording that is not drawn larger than it is


def peaks(path: str | os.PathLike[str], count: int = 200) -> list[int]:
    """The waveform of a sound file, or of a video's sound: `count` peaks in order of time, each 0
    to 100.

    The loudest peak is 100, however quiet the recording (silence stays 0). Decoded as a stream in
    constant memory. Raises MediaError: no-stream without sound, broken when it cannot be decoded.
    """
    if count < 1:
        raise AssertionError("a waveform needs at least one peak")
    limit = max(4 * count, 1024)
    width, bins, filled, loudest = 0, [], 0, 0
    for samples, channels in decoded_runs(path, RATE):
        # Of two channels each has its say: mixed, opposite ones would be silence.
        width = width or FINE * channels
        at = 0
        while at < len(samples):
            piece = samples[at : at + width - filled]
            loudest = max(loudest, max(piece), -min(piece))
            filled += len(piece)
            at += len(piece)
            if filled == width:
                bins.append(loudest)
                filled = loudest = 0
                if len(bins) == limit:
                    # Full: two bins become one and the next ones are twice as wide, so that any
                    # length fits.
                    bins = [max(bins[i], bins[i + 1]) for i in range(0, limit, 2)]
                    width *= 2
    if filled:
        bins.append(loudest)
    if not bins:
        raise MediaError(
            "broken",
            phrase(
                "The sound in this file is cut or damaged, not one sample of it plays; export it "
                "again."
            ),
        )
    drawn = []
    for index in range(count):
        start = index * len(bins) // count
        drawn.append(max(bins[start : max((index + 1) * len(bins) // count, start + 1)]))
    return _scaled(drawn)


def sketched_peaks(path: str | os.PathLike[str], seconds: float, count: int = 200) -> list[int]:
    """The waveform as `peaks` draws it, of a sound that plays `seconds`, from a moment of each
    part: the work is the same for a minute and for hours. What cannot be reached is drawn silent.
    """
    with _track(path) as (container, audio):
        drawn = [
            _moment(container, audio, (index + 0.5) * seconds / count) for index in range(count)
        ]
    return _scaled(drawn)


def _moment(container: InputContainer, audio: av.AudioStream, at: float) -> int:
    """The loudest sample of a few frames from `at` (seconds) on; 0 where nothing decodes."""
    loudest, heard = 0, 0.0
    # Two channels, each of which has its say: mixed, opposite ones would be silence.
    resampler = av.AudioResampler(format="s16", layout="stereo", rate=RATE)
    try:
        container.seek(round(at * av.time_base))
        for count, packet in enumerate(container.demux(audio)):
            if heard >= MOMENT or count > MOMENT_PACKETS:
                break
            for frame in packet.decode():
                heard += frame.samples / frame.sample_rate
                frame.pts = None
                for part in resampler.resample(frame):
                    samples = _samples(part, 2)
                    loudest = max(loudest, max(samples), -min(samples)) if samples else loudest
    except NO_MEMORY as error:
        raise MemoryError from error
    except (av.error.FFmpegError, ValueError):  # cannot be reached, damaged, or another sound
        pass
    return loudest


def _scaled(loudest: list[int]) -> list[int]:
    top = max(*loudest, QUIET)
    return [min(100, round(100 * peak / top)) for peak in loudest]


@contextmanager
def _track(path: str | os.PathLike[str]) -> Iterator[tuple[InputContainer, av.AudioStream]]:
    """The opened file and the sound in it. MediaError: no-stream, broken."""
    kind = sniff(path)
    if kind.kind == "image":
        raise MediaError(
            "no-stream",
            phrase("A still picture has no sound to draw; choose a sound file or a video."),
        )
    with opened(path, kind) as container:
        _, audio = streams(container)
        if audio is None:
            raise MediaError(
                "no-stream",
                phrase(
                    "This video is silent, so there is no waveform to draw; choose one with sound."
                ),
            )
        refuse_rate(audio)  # an absurd one makes the resampler build a filter of gigabytes
        yield container, audio


def decoded_runs(
    path: str | os.PathLike[str], rate: int, most_channels: int = 2
) -> Iterator[tuple[array[int], int]]:
    """The sound as runs of signed 16-bit samples, `rate` per second, with the number of channels
    (of the first frame, at most `most_channels`) that are interleaved in them. Damaged packets are
    passed over, as players do."""
    deadline = time.monotonic() + VERIFY_SECONDS
    with _track(path) as (container, audio):
        setup: tuple[str, str, int] | None = None
        channels = 0
        resampler: av.AudioResampler | None = None
        for packet in container.demux(audio):
            check(deadline)
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue
            for frame in frames:
                # Recordings that were joined change their rate or their channels on the way.
                now = (frame.format.name, frame.layout.name, frame.sample_rate)
                if resampler is None or setup != now:
                    refuse_rate(audio)
                    yield from _rest(resampler, channels)
                    channels = channels or min(most_channels, len(frame.layout.channels), 2)
                    layout = "stereo" if channels == 2 else "mono"
                    setup = now
                    resampler = av.AudioResampler(format="s16", layout=layout, rate=rate)
                frame.pts = None
                for part in resampler.resample(frame):
                    yield _samples(part, channels), channels
        yield from _rest(resampler, channels)


def _rest(resampler: av.AudioResampler | None, channels: int) -> Iterator[tuple[array[int], int]]:
    """What a resampler still holds; nothing when there was none."""
    for part in resampler.resample(None) if resampler is not None else ():
        yield _samples(part, channels), channels


def _samples(frame: av.AudioFrame, channels: int) -> array[int]:
    run = array("h")
    # A plane is padded to the alignment of its memory: only the first samples are sound.
    run.frombytes(bytes(frame.planes[0])[: frame.samples * 2 * channels])
    return run
