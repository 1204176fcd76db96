"""A FLAC without the tags of other formats around it, its own tags and pictures blanked."""

from __future__ import annotations

import hashlib
import mmap
import os
from itertools import zip_longest
from pathlib import Path

from av.audio.frame import AudioFrame
from av.packet import Packet
from av.stream import Stream

from studio.media.cleaners.blank import blank_range
from studio.media.cleaners.frames import copy_ends
from studio.media.cleaners.same_tracks import same_tracks
from studio.media.kinds import Kind
from studio.media.sound_tags import before_tags
from studio.media.tracks import streams
from studio.media.video import opened

STREAM_INFO, PADDING, SEEK_TABLE = 0, 1, 3  # RFC 9639 §8.1


def copy_flac(path: Path, part: Path, kind: Kind) -> None:
    """Write the FLAC at `path` to `part` without the tags before and behind it, which FLAC does
    not know of and programs write all the same, and with padding in place of its own."""
    copy_ends(path, part, kind)
    blank_flac(part)


def same_flac(path: Path, part: Path, kind: Kind) -> bool:
    """Whether both files hold the same frames. A demuxer takes tags behind the last frame for a
    part of it, so that one is compared by what it decodes to."""
    if same_tracks(path, part, kind):
        return True
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        tail = data[before_tags(data) :]
    with opened(path, kind) as one, opened(part, kind) as other:
        found = [(box, streams(box)[1]) for box in (one, other)]
        pairs = zip_longest(*(box.demux(audio) for box, audio in found))
        packets = [(a, b) for a, b in pairs if a is None or b is None or bytes(a) != bytes(b)]
        if len(packets) != 1 or None in packets[0]:
            return False
        ((before, after),) = packets
        return bytes(before) == bytes(after) + tail and _sound(before) == _sound(after)


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
