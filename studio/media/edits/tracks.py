"""The sound track of an MP4 being written, kept in step with its picture: encoded as AAC, or
copied."""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Generator
from fractions import Fraction
from typing import Any, Protocol

import av
from av.container import OutputContainer

from studio.media.edits.samples import Run
from studio.media.kinds import sniff
from studio.media.tracks import streams
from studio.media.video import VERIFY_SECONDS, check, opened

AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
AAC_FRAME = 1024  # samples
# Seconds around the first picture in which a copied sound may start: encoders pad, ears do not
# mind.
EARLY, LATE = -0.1, 0.003


class SoundTrack(Protocol):
    """A sound track of a file being written."""

    def upto(self, seconds: float) -> None:
        """Write the sound before this moment of the video, as far as there is any."""

    def finish(self) -> None:
        """Write what the encoder still holds, and let go of the source."""


class EncodedSound:
    """Runs of samples as AAC. The first sample plays with the first picture."""

    BITS = 96_000  # a second and channel

    def __init__(self, out: OutputContainer, source: Generator[Run, None, None]) -> None:
        self.out = out
        self.source = source
        first = next(source, None)
        self.pending = first.samples if first is not None else array("h")
        self.rate, self.channels = (
            (first.rate, first.channels) if first is not None else (AAC_RATES[-1], 1)
        )
        self.layout = "stereo" if self.channels == 2 else "mono"
        self.stream: Any = out.add_stream("aac", rate=self.rate)
        self.stream.layout = self.layout
        self.stream.bit_rate = min(self.BITS, 4 * self.rate) * self.channels
        self.fifo = av.AudioResampler(
            format=self.stream.codec_context.format,
            layout=self.layout,
            rate=self.rate,
            frame_size=AAC_FRAME,
        )
        self.written = 0

    def upto(self, seconds: float) -> None:
        need = round(seconds * self.rate)
        while self.written < need:
            if not self.pending:
                run = next(self.source, None)
                if run is None:
                    return
                self.pending = run.samples
            count = (need - self.written) * self.channels
            self._encode(self.pending[:count])
            self.pending = self.pending[count:]

    def finish(self) -> None:
        for frame in self.fifo.resample(None):
            self.out.mux(self.stream.encode(frame))
        self.out.mux(self.stream.encode(None))
        self.source.close()

    def _encode(self, samples: array[int]) -> None:
        frame = av.AudioFrame(
            format="s16", layout=self.layout, samples=len(samples) // self.channels
        )
        plane = frame.planes[0]
        plane.update(samples.tobytes().ljust(plane.buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = (
            self.rate,
            self.written,
            Fraction(1, self.rate),
        )
        self.written += frame.samples
        for piece in self.fifo.resample(frame):
            self.out.mux(self.stream.encode(piece))


class CopiedSound:
    """AAC packets as they are, from the first picture to the last."""

    def __init__(
        self,
        out: OutputContainer,
        source: Generator[Any, None, None],
        first: Any,
        origin: float,
        seconds: float,
    ) -> None:
        self.out, self.source, self.next = out, source, first
        self.shift = round(origin / first.time_base)
        self.end = seconds
        self.stream: Any = out.add_stream_from_template(first.stream, opaque=True)

    @classmethod
    def starting(
        cls, out: OutputContainer, source: Generator[Any, None, None], origin: float, seconds: float
    ) -> CopiedSound | None:
        """The copied track; None when the sound does not start together with the picture, whose
        first moment is `origin` (s)."""
        first = next(source, None)
        if first is None or not EARLY <= float(first.pts * first.time_base) - origin <= LATE:
            return None
        return cls(out, source, first, origin, seconds)

    def upto(self, seconds: float) -> None:
        while self.next is not None:
            packet = self.next
            start = float((packet.pts - self.shift) * packet.time_base)
            if start >= seconds:
                return
            if start + float((packet.duration or 0) * packet.time_base) > self.end + 0.001:
                self.next = None
                return
            packet.pts, packet.dts = packet.pts - self.shift, packet.dts - self.shift
            packet.stream = self.stream
            self.out.mux(packet)
            self.next = next(self.source, None)

    def finish(self) -> None:
        self.source.close()


def packets(
    path: str | os.PathLike[str], which: str, deadline: float | None = None
) -> Generator[Any, None, None]:
    """The packets of the first "video" or "audio" stream that plays, undecoded, each with its
    times. Their stream lives as long as this."""
    kind = sniff(path)
    deadline = time.monotonic() + VERIFY_SECONDS if deadline is None else deadline
    with opened(path, kind) as container:
        video, audio = streams(container)
        for packet in container.demux(video if which == "video" else audio):
            check(deadline)
            if packet.size and packet.pts is not None and packet.dts is not None:
                yield packet
