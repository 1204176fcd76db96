"""A FLAC without the tags of other formats around it, its own tags and pictures blanked."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from av.audio.frame import AudioFrame
from av.packet import Packet
from av.stream import Stream

from studio.media.cleaners.blank import blank_range
from studio.media.cleaners.frames import copy_ends
from studio.media.cleaners.same_tracks import same_tracks
from studio.media.kinds import Kind
from studio.media.tracks import streams
from studio.media.video import VERIFY_SECONDS, check, opened

STREAM_INFO, PADDING, SEEK_TABLE = 0, 1, 3  # RFC 9639 §8.1
SMALLEST, LARGEST = 9, 1 << 20  # bytes of a frame


def _crc16(byte: int) -> int:
    value = byte << 8
    for _ in range(8):
        value = (value << 1 ^ (0x8005 if value & 0x8000 else 0)) & 0xFFFF
    return value


CRC16 = [_crc16(byte) for byte in range(256)]


def copy_flac(path: Path, part: Path, kind: Kind) -> None:
    """Write the FLAC at `path` to `part` without the tags before and behind it, which FLAC does
    not know of and programs write all the same, and with padding in place of its own."""
    copy_ends(path, part, kind)
    blank_flac(part)
    _cut_tail(part, kind)


def same_flac(path: Path, part: Path, kind: Kind) -> bool:
    """Whether both files hold the same frames. A demuxer takes tags behind the last frame for a
    part of it, so that one is compared by what it decodes to."""
    if same_tracks(path, part, kind):
        return True
    with opened(path, kind) as one, opened(part, kind) as other:
        found = [(box, streams(box)[1]) for box in (one, other)]
        pairs = zip_longest(*(box.demux(audio) for box, audio in found))
        packets = [(a, b) for a, b in pairs if a is None or b is None or bytes(a) != bytes(b)]
        if len(packets) != 1 or None in packets[0]:
            return False
        ((before, after),) = packets
        return bytes(before).startswith(bytes(after)) and _sound(before) == _sound(after)


def _cut_tail(path: Path, kind: Kind) -> None:
    """Cut what stands behind the last frame and is no tag that is known: a demuxer takes it for a
    part of that frame, whose checksum says where it ends."""
    last: Packet[Stream] | None = None
    deadline = time.monotonic() + VERIFY_SECONDS
    with opened(path, kind) as container:
        for packet in container.demux(streams(container)[1]):
            check(deadline)
            last = packet if packet.size else last
        if last is None:
            return
        data, sound = bytes(last), _sound(last)
        size = path.stat().st_size
        if not sound or not data or not _ends_with(path, data):
            return
        for end in _frame_ends(data):
            if end == len(data):
                return
            shorter = Packet(data[:end])
            shorter.stream = last.stream
            if _sound(shorter) == sound:
                os.truncate(path, size - len(data) + end)
                return


def _ends_with(path: Path, data: bytes) -> bool:
    with open(path, "rb") as file:
        file.seek(-min(len(data), path.stat().st_size), os.SEEK_END)
        return file.read() == data


def _frame_ends(data: bytes) -> Iterator[int]:
    """Where a frame that begins with `data` may end: its last two bytes are the CRC-16 of those
    before, so that of all of them is 0 (RFC 9639 §9.3)."""
    crc = 0
    for at, byte in enumerate(data[:LARGEST], 1):
        crc = (crc << 8 & 0xFFFF) ^ CRC16[crc >> 8 ^ byte]
        if crc == 0 and at > SMALLEST:
            yield at


def _sound(packet: Packet[Stream]) -> list[str]:
    """A digest of the samples of each frame that `packet` decodes to."""
    return [
        hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest()
        for frame in packet.decode()
        if isinstance(frame, AudioFrame)
    ]


def blank_flac(path: Path) -> None:
    """Make padding of every metadata block but the set-up and the seek table."""
    with open(path, "r+b") as file:
        size, at, last = os.fstat(file.fileno()).st_size, 4, False
        while not last and at + 4 <= size:
            file.seek(at)
            head = file.read(4)
            last, kind = bool(head[0] & 0x80), head[0] & 0x7F
            stop = at + 4 + int.from_bytes(head[1:], "big")
            if kind not in (STREAM_INFO, SEEK_TABLE):
                file.seek(at)
                file.write(bytes([head[0] & 0x80 | PADDING]))
                blank_range(file, at + 4, min(stop, size))
            at = stop
