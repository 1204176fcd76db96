"""Sample files for every test, made from nothing: the same call gives the same bytes, and makes
them once.

Every maker returns bytes; `write` puts them where a test wants them. Nothing here shows people.
"""

from __future__ import annotations

import io
import math
import struct
import tempfile
import wave
import zlib
from array import array
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import av
from PIL import Image, ImageCms, ImageDraw

RED, GREEN, BLUE, YELLOW = (200, 40, 40), (40, 160, 60), (40, 60, 200), (210, 190, 40)


def write(folder: Path, name: str, data: bytes) -> Path:
    """Put `data` into `folder` under `name`; returns the path."""
    path = folder / name
    path.write_bytes(data)
    return path


def quarters(width: int, height: int, shift: int = 0) -> Image.Image:
    """A picture whose quarters are red, green (above), blue, yellow (below), with a white bar that
    wanders with `shift`."""
    picture = Image.new("RGB", (width, height), RED)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height), fill=BLUE)
    draw.rectangle((width // 2, height // 2, width, height), fill=YELLOW)
    if shift:
        bar = shift * 3 % max(width - 8, 1)
        draw.rectangle((bar, 0, bar + 7, height), fill=(255, 255, 255))
    return picture


def _saved(picture: Image.Image, name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, name, **options)
    return out.getvalue()


def _exif(orientation: int | None, gps: bool) -> Image.Exif:
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    if gps:
        exif[0x010F] = "SecretCamera"
        exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 30.0), 3: "E", 4: (11.0, 30.0, 0.0)})
    return exif


@cache
def jpeg(
    width: int = 600,
    height: int = 800,
    exif_orientation: int | None = None,
    gps: bool = False,
    comment: bytes = b"",
    mode: str = "RGB",
    quality: int = 90,
) -> bytes:
    """A JPEG of four coloured quarters; `width` and `height` are as stored, before any rotation."""
    exif = _exif(exif_orientation, gps)
    options: dict[str, Any] = {"exif": exif} if len(exif) else {}
    if comment:
        options["comment"] = comment
    return _saved(quarters(width, height).convert(mode), "JPEG", quality=quality, **options)


@cache
def png(
    width: int = 600,
    height: int = 800,
    text: str = "",
    exif_orientation: int | None = None,
    mode: str = "RGB",
) -> bytes:
    """A PNG; `text` goes into a comment."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    if text:
        info.add_text("Comment", text)
    options: dict[str, Any] = {"exif": _exif(exif_orientation, False)} if exif_orientation else {}
    return _saved(quarters(width, height).convert(mode), "PNG", pnginfo=info, **options)


@cache
def cut_out(width: int = 600, height: int = 600) -> bytes:
    """A PNG of a red square in the middle of nothing, whose invisible pixels are green."""
    picture = Image.new("RGBA", (width, height), (0, 255, 0, 0))
    middle = (width // 4, height // 4, width * 3 // 4, height * 3 // 4)
    picture.paste((*RED, 255), middle)
    return _saved(picture, "PNG")


@cache
def webp(
    width: int = 600,
    height: int = 800,
    exif_orientation: int | None = None,
    gps: bool = False,
    lossless: bool = False,
) -> bytes:
    """A WebP."""
    exif = _exif(exif_orientation, gps)
    return _saved(
        quarters(width, height), "WEBP", lossless=lossless, **({"exif": exif} if len(exif) else {})
    )


@cache
def bmp(width: int = 600, height: int = 800) -> bytes:
    """A BMP of 24 bits a pixel."""
    return _saved(quarters(width, height), "BMP")


@cache
def gif(width: int = 64, height: int = 64, frames: int = 1) -> bytes:
    """A GIF, of several frames when asked."""
    return _moving("GIF", width, height, frames)


@cache
def moving_webp(width: int = 64, height: int = 64, frames: int = 3) -> bytes:
    """An animated WebP."""
    return _moving("WEBP", width, height, frames)


@cache
def moving_png(width: int = 64, height: int = 64, frames: int = 3) -> bytes:
    """An animated PNG."""
    return _moving("PNG", width, height, frames)


def _moving(name: str, width: int, height: int, frames: int) -> bytes:
    pictures = [quarters(width, height, shift=5 * count + 1) for count in range(frames)]
    return _saved(pictures[0], name, save_all=True, append_images=pictures[1:], duration=100)


@cache
def wide_gamut_jpeg(width: int = 320, height: int = 320) -> bytes:
    """A JPEG whose numbers mean another colour space than sRGB: an embedded profile with red and
    green primaries swapped."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = {
        bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i
        for i in range(int.from_bytes(profile[128:132], "big"))
    }
    red, green = at[b"rXYZ"], at[b"gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    named = (
        bytes(profile)
        .replace("sRGB".encode("utf-16-be"), "Odds".encode("utf-16-be"))
        .replace(b"sRGB", b"Odds")
    )
    return _saved(quarters(width, height), "JPEG", quality=95, icc_profile=named)


@cache
def png_bomb(width: int = 30000, height: int = 30000) -> bytes:
    """A whole, valid grey PNG of many pixels in few bytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    # One run of rows is packed once and repeated: inflating it is slow, making it is not.
    block = bytes((1 + (width + 7) // 8) * 1000)
    rest = block[: len(block) // 1000 * (height % 1000)]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 1
    for part in [block] * (height // 1000) + [rest]:
        check = zlib.adler32(part, check)
    rows = (
        b"\x78\xda"
        + piece * (height // 1000)
        + packer.compress(rest)
        + packer.flush()
        + struct.pack(">I", check)
    )
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


def webp_bomb(width: int = 16384, height: int = 16384) -> bytes:
    """The header of a huge WebP canvas with nothing behind it."""
    body = (
        b"WEBPVP8X"
        + struct.pack("<I", 10)
        + b"\x02\0\0\0"
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def truncated(data: bytes, part: float = 0.5) -> bytes:
    """The first `part` of the bytes, as a broken upload leaves them."""
    return data[: int(len(data) * part)]


def html() -> bytes:
    """A web page, as a link that needed a sign-in gives it."""
    return (
        b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>"
        b"<body><h1>Sign in</h1></body></html>\n"
    )


def svg() -> bytes:
    """A drawing."""
    return (
        b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" '
        b'width="9" height="9"><circle r="4"/></svg>\n'
    )


@cache
def archive() -> bytes:
    """A ZIP of one small file."""
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(zipfile.ZipInfo("readme.txt", (2026, 1, 1, 0, 0, 0)), "nothing")
    return out.getvalue()


@cache
def _second(rate: int, loud: float) -> array[int]:
    return array(
        "h",
        (
            int(
                32767 * loud * math.sin(math.pi * n / rate) * math.sin(2 * math.pi * 220 * n / rate)
            )
            for n in range(rate)
        ),
    )


def _tone(seconds: float, rate: int, loud: float = 0.6) -> array[int]:
    """A tone of 220 Hz whose loudness swells and falls once a second, as signed 16-bit samples."""
    count = round(seconds * rate)
    return (_second(rate, loud) * (count // rate + 1))[:count]


@cache
def wav(seconds: float = 2.0, rate: int = 16000, loud: float = 0.6) -> bytes:
    """A mono 16-bit WAV, exactly round(seconds * rate) samples long."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(_tone(seconds, rate, loud).tobytes())
    return out.getvalue()


def endless_wav(seconds: float = 2.0) -> bytes:
    """A WAV as a recorder writes it to a pipe: its header does not know how long it is."""
    data = bytearray(wav(seconds))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    return bytes(data)


@cache
def sound(
    seconds: float,
    muxer: str,
    codec: str,
    rate: int = 44100,
    options: tuple[tuple[str, str], ...] = (),
    bits: int = 64000,
) -> bytes:
    """The tone in any container and codec that FFmpeg writes."""
    out = io.BytesIO()
    with av.open(out, "w", format=muxer, options=dict(options)) as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.layout = "mono"
        stream.bit_rate = bits
        _mux_tone(container, stream, seconds, rate)
    return out.getvalue()


def _mux_tone(container: Any, stream: Any, seconds: float, rate: int) -> None:
    samples = _tone(seconds, rate)
    fifo = av.AudioResampler(
        format=stream.codec_context.format,
        layout="mono",
        rate=rate,
        frame_size=stream.codec_context.frame_size or 1024,
    )
    whole = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
    whole.planes[0].update(samples.tobytes().ljust(whole.planes[0].buffer_size, b"\0"))
    whole.sample_rate, whole.pts = rate, 0
    for part in [*fifo.resample(whole), *fifo.resample(None)]:
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def mp3(seconds: float = 2.0, rate: int = 44100, header: bool = True, vbr: bool = False) -> bytes:
    """An MP3; without `header` it states neither its length nor that its bit rate varies."""
    options = (("write_xing", "1" if header else "0"), ("id3v2_version", "3" if header else "0"))
    return (
        vbr_mp3(seconds, rate, options)
        if vbr
        else sound(seconds, "mp3", "libmp3lame", rate, options)
    )


@cache
def vbr_mp3(seconds: float, rate: int, options: tuple[tuple[str, str], ...]) -> bytes:
    """An MP3 that is loud noise-like tone first and silence after it, so that its frames differ in
    size by far."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp3", options=dict(options)) as container:
        stream: Any = container.add_stream("libmp3lame", rate=rate)
        stream.layout = "mono"
        stream.codec_context.qscale = True
        stream.codec_context.global_quality = 2 * 118
        count = round(seconds * rate)
        samples = array(
            "h",
            ((n * 7919 * (n + 13)) % 20000 - 10000 if n * 4 < count else 0 for n in range(count)),
        )
        whole = av.AudioFrame(format="s16", layout="mono", samples=count)
        whole.planes[0].update(samples.tobytes().ljust(whole.planes[0].buffer_size, b"\0"))
        whole.sample_rate, whole.pts = rate, 0
        fifo = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=rate, frame_size=1152
        )
        for part in [*fifo.resample(whole), *fifo.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return out.getvalue()


@cache
def mp3_with_cover(seconds: float = 2.0) -> bytes:
    """An MP3 with a JPEG cover and a title in its ID3 tag."""
    picture = jpeg(64, 64)
    cover = b"\0image/jpeg\0\x03\0" + picture
    title = b"\0SecretTitle"
    frames = b"".join(
        name + struct.pack(">I", len(body)) + b"\0\0" + body
        for name, body in ((b"APIC", cover), (b"TIT2", title))
    )
    size = len(frames)
    return (
        b"ID3\x03\0\0"
        + bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
        + frames
        + mp3(seconds, header=False)
    )


def m4a(seconds: float = 2.0) -> bytes:
    """AAC in an MP4 container, with sound only."""
    return sound(seconds, "ipod", "aac")


def aac(seconds: float = 2.0) -> bytes:
    """Bare AAC frames (ADTS)."""
    return sound(seconds, "adts", "aac")


def flac(seconds: float = 2.0) -> bytes:
    """A FLAC."""
    return sound(seconds, "flac", "flac")


def ogg(seconds: float = 2.0) -> bytes:
    """Opus in Ogg."""
    return sound(seconds, "ogg", "libopus", 48000)


@cache
def video(
    seconds: float = 2.0,
    fps: int = 25,
    width: int = 320,
    height: int = 240,
    audio: bool = False,
    codec: str = "libx264",
    muxer: str = "mp4",
    title: str = "",
    black: float = 0.0,
    faststart: bool = False,
    noise: int = 0,
) -> bytes:
    """A moving picture of coloured quarters; the first `black` seconds are black. Sound is the
    tone.

    `noise` raises the bits a second that the encoder must spend, for a big file.
    """
    if faststart:
        # Moving the index to the front reads the file again, which only a file on disk allows.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "video"
            _make_video(
                str(path),
                {"movflags": "+faststart"},
                seconds,
                fps,
                width,
                height,
                audio,
                codec,
                muxer,
                title,
                black,
                noise,
            )
            return path.read_bytes()
    out = io.BytesIO()
    _make_video(out, {}, seconds, fps, width, height, audio, codec, muxer, title, black, noise)
    return out.getvalue()


def _make_video(
    out: Any,
    options: dict[str, str],
    seconds: float,
    fps: int,
    width: int,
    height: int,
    audio: bool,
    codec: str,
    muxer: str,
    title: str,
    black: float,
    noise: int,
) -> None:
    to_frame: Any = av.VideoFrame.from_image
    with av.open(out, "w", format=muxer, options=options) as container:
        if title:
            container.metadata["title"] = title
            container.metadata["location"] = "+48.2000+011.5000/"
        video: Any = container.add_stream(codec, rate=fps)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        if codec in ("libx264", "libx265"):
            video.options = (
                {"preset": "ultrafast", "x265-params": "log-level=none"}
                if codec == "libx265"
                else {"preset": "ultrafast"}
            )
        if noise:
            video.bit_rate = noise
        speech: Any = None
        if audio:
            speech = container.add_stream(
                "libopus" if muxer == "webm" else "libmp3lame" if muxer == "avi" else "aac",
                rate=48000,
            )
            speech.layout = "mono"
        for count in range(round(seconds * fps)):
            dark = count < black * fps
            picture = (
                Image.new("RGB", (width, height))
                if dark
                else Image.frombytes(
                    "RGB", (width, height), Random(count).randbytes(3 * width * height)
                )
                if noise
                else quarters(width, height, count)
            )
            container.mux(video.encode(to_frame(picture)))
        container.mux(video.encode(None))
        if speech is not None:
            _mux_tone(container, speech, seconds, 48000)


def mp4(
    seconds: float = 2.0,
    fps: int = 25,
    width: int = 320,
    height: int = 240,
    audio: bool = False,
    codec: str = "libx264",
    **more: Any,
) -> bytes:
    """An MP4, H.264 unless `codec` says "libx265" or "mpeg4"."""
    return video(seconds, fps, width, height, audio, codec, "mp4", **more)


@cache
def fragmented_mp4(seconds: float = 2.0) -> bytes:
    """An MP4 whose every frame is a fragment of its own: a stream that is written as it comes."""
    out = io.BytesIO()
    options = {"movflags": "frag_every_frame+empty_moov"}
    _make_video(out, options, seconds, 15, 160, 120, False, "libx264", "mp4", "", 0.0, 0)
    return out.getvalue()


def with_stated_length(data: bytes, seconds: float) -> bytes:
    """An MP4 whose movie header states another length than its tables of frames."""
    at = data.index(b"mvhd") + 16
    ticks = int(int.from_bytes(data[at : at + 4], "big") * seconds)
    return data[: at + 4] + ticks.to_bytes(4, "big") + data[at + 8 :]


def mov(
    seconds: float = 2.0,
    fps: int = 25,
    width: int = 320,
    height: int = 240,
    audio: bool = False,
    **more: Any,
) -> bytes:
    """A QuickTime video, H.264."""
    return video(seconds, fps, width, height, audio, "libx264", "mov", **more)


def avi(
    seconds: float = 2.0, fps: int = 25, width: int = 320, height: int = 240, audio: bool = False
) -> bytes:
    """An AVI, MPEG-4 part 2."""
    return video(seconds, fps, width, height, audio, "mpeg4", "avi")


def webm(
    seconds: float = 1.0, fps: int = 25, width: int = 160, height: int = 120, audio: bool = False
) -> bytes:
    """A WebM, VP8."""
    return video(seconds, fps, width, height, audio, "libvpx", "webm")


@cache
def turned_mp4(quarter: int = 1, width: int = 320, height: int = 240, muxer: str = "mp4") -> bytes:
    """A video as a phone held upright records it: stored lying, to be shown `quarter` quarter turns
    clockwise."""
    data = bytearray(video(1.0, 25, width, height, False, "libx264", muxer))
    one, minus = 0x00010000, 0xFFFF0000
    a, b, c, d = {
        0: (one, 0, 0, one),
        1: (0, one, minus, 0),
        2: (minus, 0, 0, minus),
        3: (0, minus, one, 0),
    }[quarter % 4]
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9I", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    return bytes(data)


def big_mp4(folder: Path, megabytes: int = 200, name: str = "big.mp4") -> Path:
    """A playable MP4 padded to `megabytes` on disk with an empty box; sparse, so that it costs
    nothing to make."""
    data = mp4(1.0)
    size = megabytes * 1_000_000 - len(data)
    path = folder / name
    with open(path, "wb") as file:
        file.write(data + struct.pack(">I", size) + b"free")
        file.truncate(len(data) + size)
    return path
