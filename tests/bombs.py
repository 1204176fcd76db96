"""Files that cost whoever decodes them far more than their size: made in a moment and a few
megabytes of memory, to be sent where files are taken.

`BOMBS` is all of them by name: (maker, what a refusal says, or "" for one that is taken). Benches
and hostile visitors start from it.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from functools import cache

import av
from PIL import Image

from tests import files

SIDE = 7936  # of a square picture of 63 million pixels


def crc(data: bytes, polynomial: int, bits: int) -> int:
    """The check sum of FLAC: most significant bit first, starting at zero."""
    value, table = 0, _table(polynomial, bits)
    mask = (1 << bits) - 1
    for byte in data:
        value = (value << 8 & mask) ^ table[(value >> bits - 8) ^ byte]
    return value


@cache
def _table(polynomial: int, bits: int) -> list[int]:
    table = []
    for byte in range(256):
        value = byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value >> bits - 1 else 0)) & (1 << bits) - 1
        table.append(value)
    return table


@cache
def long_flac(hours: float = 24.0, channels: int = 8, rate: int = 48_000) -> bytes:
    """Silence: 2.3 MB for a day of eight channels, 66 GB once it is decoded."""
    block = 65_535
    count = math.ceil(hours * 3600 * rate / block)
    total = count * block
    info = struct.pack(">HH", block, block) + bytes(6)
    info += (rate << 44 | channels - 1 << 41 | 15 << 36 | total).to_bytes(8, "big") + bytes(16)
    out = [b"fLaC", b"\x80" + len(info).to_bytes(3, "big"), info]
    silence = b"\0\0\0" * channels  # a constant of sixteen bits each
    for number in range(count):
        head = b"\xff\xf8\x70" + bytes([channels - 1 << 4 | 8]) + _coded(number)
        head += (block - 1).to_bytes(2, "big")
        frame = head + bytes([crc(head, 0x07, 8)]) + silence
        out.append(frame + crc(frame, 0x8005, 16).to_bytes(2, "big"))
    return b"".join(out)


def _coded(number: int) -> bytes:
    """A number as UTF-8 codes letters, of up to 21 bits."""
    if number < 0x80:
        return bytes([number])
    if number < 0x800:
        return bytes([0xC0 | number >> 6, 0x80 | number & 0x3F])
    if number < 0x10000:
        return bytes([0xE0 | number >> 12, 0x80 | number >> 6 & 0x3F, 0x80 | number & 0x3F])
    return bytes(
        [
            0xF0 | number >> 18,
            0x80 | number >> 12 & 0x3F,
            0x80 | number >> 6 & 0x3F,
            0x80 | number & 0x3F,
        ]
    )


@cache
def long_mp3(hours: float = 15.0) -> bytes:
    """Silence of 8 kbit/s: 54 MB for fifteen hours."""
    frame = b"\xff\xe3\x18\xc4" + bytes(68)  # MPEG 2.5, layer III, 8,000 samples a second, 72 ms
    return frame * round(hours * 3600 / 0.072)


@cache
def many_channels(channels: int = 8, seconds: float = 30.0, rate: int = 48_000) -> bytes:
    """A WAV of so many channels, as a mixing desk writes it."""
    size = round(seconds * rate) * channels * 2
    layout = struct.pack(
        "<HHIIHHHHI", 0xFFFE, channels, rate, rate * channels * 2, channels * 2, 16, 22, 16, 0
    )
    layout += b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    head = b"RIFF" + struct.pack("<I", 60 + size) + b"WAVEfmt " + struct.pack("<I", len(layout))
    loud = struct.pack("<h", 9000) * channels + struct.pack("<h", -9000) * channels
    return head + layout + b"data" + struct.pack("<I", size) + loud * (size // len(loud))


@cache
def large_jpeg(
    width: int = SIDE, height: int = SIDE, orientation: int = 1, quality: int = 85
) -> bytes:
    """A photograph of 63 million pixels: one row of blocks over and over, a restart between."""
    row = Image.effect_noise((256, 16), 40).convert("RGB")
    strip = Image.new("RGB", (width, 16))
    for at in range(0, width, 256):
        strip.paste(row, (at, 0))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    strip.save(out, "JPEG", quality=quality, subsampling=2, exif=exif)
    data = out.getvalue()
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    body = scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big")
    head = data[: frame + 5] + height.to_bytes(2, "big") + data[frame + 7 : scan]
    restart = b"\xff\xdd\0\4" + math.ceil(width / 16).to_bytes(2, "big")
    coded = data[body:-2]
    rows = [coded + bytes([0xFF, 0xD0 + row % 8]) for row in range(math.ceil(height / 16) - 1)]
    return b"".join([head, restart, data[scan:body], *rows, coded, b"\xff\xd9"])


@cache
def many_scans(width: int = SIDE, height: int = SIDE, scans: int = 5000) -> bytes:
    """A grey JPEG of nothing in 5,000 scans, each of which goes through all of its blocks."""
    blocks = math.ceil(width / 8) * math.ceil(height / 8)
    head = b"\xff\xd8\xff\xdb\0\x43\0" + b"\1" * 64
    head += b"\xff\xc2\0\x0b\x08" + struct.pack(">HH", height, width) + b"\1\1\x11\0"
    one = b"\1" + bytes(15)  # a table with one code of one bit
    head += b"\xff\xc4\0\x14\0" + one + b"\0" + b"\xff\xc4\0\x14\x10" + one + b"\xe0"
    flat = b"\xff\xda\0\x08\1\1\0\0\0\0" + bytes(math.ceil(blocks / 8))
    # A run of 16,384 blocks is the code, a zero, and fourteen bits.
    runs = math.ceil(blocks / 16_384)
    empty = b"\xff\xda\0\x08\1\1\0\1\x3f\0" + bytes(math.ceil(runs * 15 / 8))
    return head + flat + empty * scans + b"\xff\xd9"


@cache
def large_png(width: int = SIDE, height: int = SIDE) -> bytes:
    """63 million transparent pixels in a few hundred kilobytes."""
    line = b"\0" + b"\x20\x60\xa0\x80" * width
    packer = zlib.compressobj(1)
    packed = [packer.compress(line) for _ in range(height)] + [packer.flush()]

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"".join(packed)) + chunk(b"IEND", b"")


@cache
def long_video(hours: float = 10.0) -> bytes:
    """An MP4 of a picture a minute."""
    out = io.BytesIO()
    out.name = "video.mp4"
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(1, 60))
        stream.width = stream.height = 480
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame(480, 480, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for number in range(round(hours * 60)):
            frame.pts, frame.time_base = number, Fraction(60)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


# name: (maker, words of the refusal; "" where it is taken)
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "day.flac": (long_flac, "more than 3 hours"),
    "night.mp3": (long_mp3, "more than 3 hours"),
    "channels.wav": (many_channels, ""),
    "large.jpg": (large_jpeg, ""),
    "turned.jpg": (lambda: large_jpeg(orientation=6), ""),
    "scans.jpg": (many_scans, "longer than one file may take"),
    "large.png": (large_png, ""),
    "larger.png": (files.png_bomb, "more than the 64 million"),
    "larger.webp": (files.webp_bomb, "more than the 64 million"),
    "moving.gif": (lambda: files.gif(frames=30), "GIF"),
    "moving.png": (files.moving_png, "moves"),
    "moving.webp": (files.moving_webp, "moves"),
    "video.mp4": (long_video, "more than 3 hours"),
}
