"""Pictures and videos as phones and programs make them, that no plain encoder call gives."""

from __future__ import annotations

import io
import math
import struct
from fractions import Fraction
from functools import cache
from typing import Any

import av
import pillow_heif
from av.stream import Disposition
from PIL import Image

from tests import files


@cache
def heic(width: int = 120, height: int = 80, mode: str = "RGB", **options: Any) -> bytes:
    """A HEIC of four coloured quarters; `options` go to the encoder."""
    pillow_heif.register_heif_opener()
    out = io.BytesIO()
    files.quarters(width, height).convert(mode).save(out, "HEIF", quality=90, **options)
    return out.getvalue()


@cache
def avif(width: int = 120, height: int = 80) -> bytes:
    """An AVIF of four coloured quarters."""
    out = io.BytesIO()
    files.quarters(width, height).save(out, "AVIF", quality=90)
    return out.getvalue()


def turned_heic(orientation: int) -> bytes:
    """A HEIC whose EXIF says how it is to be turned, as Pillow passes it on."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return heic(exif=exif.tobytes())


def burst(first: tuple[int, int], primary: tuple[int, int]) -> bytes:
    """A HEIC of two pictures, of which the second is the primary one."""
    out = io.BytesIO()
    container = pillow_heif.HeifFile()
    for size in (first, primary):
        container.add_from_pillow(files.quarters(*size))
    container.save(out, primary_index=1)
    return out.getvalue()


@cache
def hlg_video(muxer: str = "mov", pq: bool = False) -> bytes:
    """A second of skin, grey and white as an HLG (or PQ) recording codes them, ten bits, BT.2020.

    Made by the inverse of the standard: sRGB to light, BT.709 to BT.2020, reference white at 75 %.
    """
    out = io.BytesIO()
    with av.open(out, "w", format=muxer) as container:
        stream: Any = container.add_stream("libx265", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p10le"
        stream.options = {"preset": "ultrafast", "x265-params": "log-level=none"}
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, 16 if pq else 18, 9
        context.color_range = 1
        for _ in range(5):
            frame = _bands(pq)
            frame.color_primaries, frame.color_trc, frame.colorspace = 9, 16 if pq else 18, 9
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


BANDS = ((224, 172, 140), (180, 180, 180), (255, 255, 255))


def _bands(pq: bool) -> Any:
    frame = av.VideoFrame(96, 64, "yuv420p10le")
    codes = [_coded(colour, pq) for colour in BANDS]
    for which, (plane, sub) in enumerate(zip(frame.planes, (1, 2, 2), strict=True)):
        width, height = 96 // sub, 64 // sub
        line = b"".join(struct.pack("<H", codes[3 * x // width][which]) for x in range(width))
        plane.update(line.ljust(plane.line_size, b"\0") * height)
    return frame


def _coded(colour: tuple[int, int, int], pq: bool) -> tuple[int, int, int]:
    light = [(c / 255 / 12.92 if c < 11 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in colour]
    rows = ((0.6274, 0.3293, 0.0433), (0.0691, 0.9195, 0.0114), (0.0164, 0.0880, 0.8956))
    wide = [sum(a * b for a, b in zip(row, light, strict=True)) for row in rows]
    red, green, blue = (_pq(value * 203 / 10000) if pq else _hlg(value * 0.26496) for value in wide)
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    return (
        round(64 + 876 * luma),
        round(512 + 896 * (blue - luma) / 1.8814),
        round(512 + 896 * (red - luma) / 1.4746),
    )


def _hlg(light: float) -> float:
    if light <= 1 / 12:
        return math.sqrt(3 * light)
    return 0.17883277 * math.log(12 * light - 0.28466892) + 0.55991073


def _pq(light: float) -> float:
    power = light**0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def with_matrix(data: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """An MP4 whose first track is shown by this matrix."""
    changed = bytearray(data)
    at = changed.index(b"tkhd") + 4 + 40
    changed[at : at + 36] = struct.pack(
        ">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 0x40000000
    )
    return bytes(changed)


@cache
def tracks(
    muxer: str,
    pictures: float,
    sound: float,
    codec: str = "libx264",
    fps: int = 30,
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (96, 64),
    options: tuple[tuple[str, str], ...] = (),
    jitter: int = 0,
) -> bytes:
    """A video whose pictures and sound last as long as they say; with `jitter` the gaps between
    frames vary by that many milliseconds."""
    out = io.BytesIO()
    with av.open(out, "w", format=muxer, options=dict(options)) as container:
        video: Any = container.add_stream(codec, rate=fps)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        if codec == "libx264":
            video.options = {"preset": "ultrafast"}
        if jitter:
            video.codec_context.time_base = Fraction(1, 1000)
        speech: Any = None
        if sound:
            name = "libopus" if muxer == "webm" else "libmp3lame" if muxer == "avi" else "aac"
            speech = container.add_stream(name, rate=48000)
            speech.layout = "mono"
        for number in range(round(pictures * fps)):
            frame: Any = av.VideoFrame.from_image(files.quarters(*size, number))
            if jitter:
                frame.pts = round(number * 1000 / fps) + (jitter if number % 3 == 1 else 0)
                frame.time_base = Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if speech is not None:
            files._mux_tone(container, speech, sound, 48000)
    return out.getvalue()


def piped_avi(seconds: float = 3.0) -> bytes:
    """An AVI as a pipe gets it: no size is filled in, and there is no index."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return False

        def write(self, part: Any) -> int:
            self.data += bytes(part)
            return len(part)

    pipe: Any = Pipe()
    with av.open(pipe, "w", format="avi") as container:
        video: Any = container.add_stream("mpeg4", rate=30)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        for number in range(round(seconds * 30)):
            frame: Any = av.VideoFrame.from_image(files.quarters(96, 64, number))
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return bytes(pipe.data)


@cache
def preview_first() -> bytes:
    """An MP4 whose first track is a small preview of one frame a second."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        small: Any = container.add_stream("mjpeg", rate=1)
        small.width, small.height, small.pix_fmt = 48, 32, "yuvj420p"
        video: Any = container.add_stream("libx264", rate=30)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        small.disposition, video.disposition = 0, Disposition.default
        for number in range(60):
            frame: Any = av.VideoFrame.from_image(files.quarters(96, 64, number))
            container.mux(video.encode(frame))
            if number % 30 == 0:
                frame = av.VideoFrame.from_image(Image.new("RGB", (48, 32), (90, 90, 90)))
                frame.pts, frame.time_base = number // 30, 1
                container.mux(small.encode(frame.reformat(format="yuvj420p")))
        for stream in (video, small):
            container.mux(stream.encode(None))
    return out.getvalue()
