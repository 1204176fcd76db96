"""Bytes of containers put together by hand, so that every size and order can be told."""

from __future__ import annotations

import struct
from array import array


def samples(seconds: float = 1.0, rate: int = 16000, channels: int = 1) -> bytes:
    """Loud 16-bit samples, none of which repeats soon, with the words of chunks among them."""
    count = round(seconds * rate) * channels
    run = array("h", ((n * 7919 * (n % 251 + 13)) % 40000 - 20000 for n in range(count)))
    return run.tobytes()


def pcm(rate: int = 16000, channels: int = 1, bits: int = 16, tag: int = 1) -> bytes:
    """The body of a format chunk."""
    block = channels * bits // 8
    return struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)


def extensible(rate: int, channels: int, bits: int, tag: int = 1) -> bytes:
    """The body of an extensible format chunk."""
    guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
    mask = (1 << channels) - 1
    return pcm(rate, channels, bits, 0xFFFE) + struct.pack("<HHI", 22, bits, mask) + guid


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """A RIFF chunk; with `size` its header says another length than it has."""
    stated = len(body) if size is None else size
    return name + struct.pack("<I", stated & 0xFFFFFFFF) + body + b"\0" * (len(body) & 1)


def riff(*chunks: bytes, size: int | None = None, form: bytes = b"WAVE") -> bytes:
    """A RIFF file of these chunks."""
    body = form + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def id3(*frames: tuple[bytes, bytes], version: int = 3, padding: int = 0) -> bytes:
    """An ID3v2 tag of (name, body) frames."""
    body = b"".join(
        name + struct.pack(">I", len(data)) + b"\0\0" + data for name, data in frames
    ) + bytes(padding)
    size = bytes((len(body) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, 0]) + size + body


def id3v1(title: bytes = b"SECRET") -> bytes:
    """The old tag of 128 bytes at the end."""
    return b"TAG" + title.ljust(125, b"\0")


def ape(text: bytes = b"SECRET", header: bool = True) -> bytes:
    """An APEv2 tag, with or without its header."""
    item = struct.pack("<II", len(text), 0) + b"Title\0" + text
    fields = struct.pack("<III", 2000, len(item) + 32, 1)
    flags = 0x80000000 if header else 0
    footer = b"APETAGEX" + fields + struct.pack("<I", flags) + bytes(8)
    head = b"APETAGEX" + fields + struct.pack("<I", 0xA0000000) + bytes(8)
    return (head if header else b"") + item + footer


def lyrics3(text: bytes = b"SECRET words") -> bytes:
    """A Lyrics3 v2 tag, which stands before an ID3v1 one."""
    body = b"LYRICSBEGIN" + b"LYR" + b"%05d" % len(text) + text
    return body + b"%06d" % len(body) + b"LYRICS200"


def box(name: bytes, body: bytes = b"") -> bytes:
    """An MP4 box."""
    return struct.pack(">I", 8 + len(body)) + name + body


def ftyp(major: bytes, *others: bytes) -> bytes:
    """The first box of an MP4, with its brands."""
    return box(b"ftyp", major + bytes(4) + b"".join(others))
