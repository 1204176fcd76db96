"""Sound as runs of 16-bit samples, decoded as a stream, and the WAV file that takes them."""

from __future__ import annotations

import math
import os
import time
import wave
from array import array
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av

from studio.common.translatable import phrase
from studio.media.edits.refusal import EditError
from studio.media.facts import MediaError
from studio.media.kinds import Kind, sniff
from studio.media.tracks import refuse_rate, streams
from studio.media.video import LONGEST, VERIFY_SECONDS, check, opened

HIGHEST = 48_000  # samples a second; more are not heard and models do not ask for them
SILENT = phrase(
    "The sound in this file is cut or damaged, not one sample of it plays; export it again."
)
WAV_BYTES = 0xFFFFFFFF - 4096  # a WAV counts its bytes in 32 bits
PAD = 1 << 14  # frames of silence handed out at once
GAP = 0.1  # seconds that the clock of a sound may jump ahead before silence fills them
SKIP_FROM = 30.0  # seconds: what lies longer before a wanted part is not decoded,
RUN_UP = 1.0  # but for so much right before it, which decoders need to find their feet,
COUNTED = ("wav", "mp3", "m4a", "flac")  # in formats whose clock counts samples


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive sound: `samples` are signed 16 bits, channels interleaved; `at` is the time of
    the first in the file's own clock (s).

    `rate` (a second) and `channels` (1 or 2) are the same in all runs of one file. `first`: samples
    of each channel that come before it.
    """

    rate: int
    channels: int
    at: float
    samples: array[int]
    first: int = 0

    @property
    def frames(self) -> int:
        """Samples of each channel."""
        return len(self.samples) // self.channels

    @property
    def last(self) -> int:
        """Samples of each channel up to the end of this run."""
        return self.first + self.frames

    def part(self, start: int, stop: int) -> array[int]:
        """The samples of the frames [start, stop), counted from the start of this run."""
        return self.samples[start * self.channels : stop * self.channels]


def runs(
    path: str | os.PathLike[str],
    deadline: float | None = None,
    fits: Callable[[int], bool] = lambda rate: rate <= HIGHEST,
    *,
    skip: float = 0.0,
    clocked: bool = False,
) -> Generator[Run, None, None]:
    """The sound of a sound file or of a video, from its first sample to its last, in constant
    memory.

    The rate is the source's own when it `fits`, otherwise HIGHEST. Damaged packets are passed over,
    as players do. What comes long before `skip` seconds is left out where that is exact: then
    `Run.first` jumps. `clocked`: silence fills the holes that the file's clock shows. Raises
    MediaError: no-stream without sound, broken when nothing decodes or when it takes longer than
    VERIFY_SECONDS.
    """
    kind = sniff(path)
    deadline = time.monotonic() + VERIFY_SECONDS if deadline is None else deadline
    if kind.kind == "image":
        raise MediaError(
            "no-stream", phrase("A still picture has no sound; choose a sound file or a video.")
        )
    track = _Track(kind, fits, skip, clocked)
    with opened(path, kind) as container:
        _, audio = streams(container)
        if audio is None:
            raise MediaError(
                "no-stream",
                phrase(
                    "This video is silent, so it has no sound to work on; choose one with sound."
                ),
            )
        refuse_rate(audio)
        for packet in container.demux(audio):
            check(deadline)
            if track.passes_over(packet):
                continue
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue
            for frame in frames:
                yield from track.add(frame)
        yield from track.rest()


class _Track:
    """One sound track on its way to 16-bit samples of one rate, frame by frame."""

    def __init__(self, kind: Kind, fits: Callable[[int], bool], skip: float, clocked: bool) -> None:
        self.kind, self.fits, self.skip, self.clocked = kind, fits, skip, clocked
        self.rate = self.channels = self.done = 0
        self.setup: tuple[str, str, int] | None = None
        self.resampler: Any = None
        self.at = 0.0  # the first frame, in the file's clock
        # Of what is wanted, and of the frame before, in the file's clock.
        self.begin = self.end = -math.inf
        self.jumped = False

    def passes_over(self, packet: Any) -> bool:
        """Whether `packet` ends before what is wanted."""
        if (
            packet.pts is not None
            and packet.duration
            and (packet.pts + packet.duration) * packet.time_base < self.begin
        ):
            self.jumped = True
            return True
        return False

    def add(self, frame: Any) -> Iterator[Run]:
        """The samples of `frame`, after the silence before it when the clock shows a hole."""
        _refuse_rate(frame.sample_rate)
        if not self.rate:
            self._begin(frame)
        if self.jumped and frame.time is not None:
            self.done, self.jumped = round((frame.time - self.at) * self.rate), False
        clocked = self.clocked and frame.time is not None and self.end > -math.inf
        hole = frame.time - self.end if clocked else 0.0
        setup = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self.setup != setup or hole > GAP:
            if self.resampler is not None:
                yield from self._given(self.resampler.resample(None))
            self.setup = setup
            layout = "stereo" if self.channels == 2 else "mono"
            self.resampler = av.AudioResampler(format="s16", layout=layout, rate=self.rate)
        if hole > GAP:
            silent = round(hole * self.rate)
            for run in _silence(self.rate, self.channels, self.at, self.done, silent):
                self.done = run.last
                yield run
        began = frame.time if frame.time is not None else self.end
        self.end = began + frame.samples / frame.sample_rate
        frame.pts = None
        yield from self._given(self.resampler.resample(frame))

    def rest(self) -> Iterator[Run]:
        """What the resampler still holds. MediaError (broken) when nothing was decoded."""
        if self.resampler is None:
            raise MediaError("broken", SILENT)
        yield from self._given(self.resampler.resample(None))

    def _begin(self, frame: Any) -> None:
        # The first frame, not the header: some AAC doubles its rate only when it is decoded.
        self.rate = frame.sample_rate if self.fits(frame.sample_rate) else HIGHEST
        self.channels = min(2, max(1, len(frame.layout.channels)))
        self.at = frame.time or 0.0
        exact = self.kind.format in COUNTED and self.rate == frame.sample_rate
        if self.skip > SKIP_FROM and exact:
            self.begin = self.at + self.skip - RUN_UP

    def _given(self, frames: list[Any]) -> Iterator[Run]:
        for run in _runs(frames, self.rate, self.channels, self.at, self.done):
            self.done = run.last
            yield run


def placed(source: Iterator[Run], start: float) -> Generator[Run, None, None]:
    """`source` from the moment `start` of its file's clock: what plays before is dropped, and
    silence fills up to a late first sample."""
    skip: int | None = None
    for run in source:
        if skip is None:
            skip = round((start - run.at) * run.rate)
            if skip < -LONGEST * run.rate:
                raise MediaError(
                    "broken",
                    phrase(
                        "The sound of this file starts a day after its picture, so the file is "
                        "damaged; export it again."
                    ),
                )
            if skip < 0:
                yield from _silence(run.rate, run.channels, start, 0, -skip)
                skip = 0
        if skip >= run.frames:
            skip -= run.frames
            continue
        yield replace(run, at=start, samples=run.part(skip, run.frames)) if skip else run
        skip = 0


class WavFile:
    """A WAV being written: 16-bit PCM, of the rate and channels of the first run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames = 0
        self.out: wave.Wave_write | None = None

    def write(self, run: Run, samples: array[int]) -> None:
        """Add `samples`, which are of `run`. Raises EditError("too-large") at four gigabytes."""
        if not samples:
            return
        if self.out is None:
            self.out = wave.open(str(self.path), "wb")  # noqa: SIM115
            self.out.setnchannels(run.channels)
            self.out.setsampwidth(2)
            self.out.setframerate(run.rate)
        self.frames += len(samples) // run.channels
        if self.frames * 2 * run.channels > WAV_BYTES:
            raise EditError(
                "too-large",
                phrase(
                    "The sound has more than the four gigabytes that a WAV file can hold; cut a "
                    "shorter part."
                ),
            )
        self.out.writeframesraw(samples.tobytes())

    def close(self) -> None:
        """Finish the header."""
        if self.out is not None:
            self.out.close()


@contextmanager
def wav_file(path: Path) -> Iterator[WavFile]:
    """A WavFile at `path`, closed at the end."""
    file = WavFile(path)
    try:
        yield file
    finally:
        file.close()


def _refuse_rate(rate: int) -> None:
    if not 1000 <= rate <= 768_000:
        raise MediaError(
            "broken",
            phrase(
                "This sound says that it has %(rate)s samples a second, so it is damaged; export "
                "it again.",
                rate=rate,
            ),
        )


def _silence(rate: int, channels: int, at: float, first: int, frames: int) -> Iterator[Run]:
    while frames > 0:
        pad = min(PAD, frames)
        yield Run(rate, channels, at, array("h", bytes(2 * pad * channels)), first)
        first, frames = first + pad, frames - pad


def _runs(frames: list[Any], rate: int, channels: int, at: float, first: int) -> Iterator[Run]:
    for frame in frames:
        samples = array("h")
        # A plane is padded to the alignment of its memory: only the first samples are sound.
        samples.frombytes(bytes(frame.planes[0])[: frame.samples * 2 * channels])
        if samples:
            yield Run(rate, channels, at, samples, first)
            first += len(samples) // channels
