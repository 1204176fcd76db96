"""MP3 and AAC as their frames and nothing else."""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from studio.media.kinds import Kind, aac_frame, mp3_frame
from studio.media.sound_tags import after_tags, before_tags, pieces
from studio.media.tracks import streams
from studio.media.video import VERIFY_SECONDS, check, opened

BLOCK = 1 << 20
LENGTHS = {"mp3": mp3_frame, "aac": aac_frame}


def copy_frames(path: Path, part: Path, kind: Kind) -> None:
    """Write the frames of the sound at `path` to `part`, without any tag before, between or behind
    them."""
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        open(part, "wb") as out,
    ):
        for start, stop, what in pieces(data, LENGTHS[kind.format]):
            if what != "frames":
                continue
            for at in range(start, stop, BLOCK):
                out.write(data[at : min(at + BLOCK, stop)])


def copy_ends(path: Path, part: Path, kind: Kind) -> None:
    """Write the sound at `path` to `part` without the tags before and behind it; what stands
    between is kept."""
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        open(part, "wb") as out,
    ):
        stop = before_tags(data)
        for at in range(min(after_tags(file), stop), stop, BLOCK):
            out.write(data[at : min(at + BLOCK, stop)])


def same_frames(path: Path, part: Path, kind: Kind) -> bool:
    """Whether `part` is frames and nothing else, and holds in their order all that a demuxer finds
    in `path` outside of tags. (Inside of them it takes chance bytes for frames.)"""
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        tags = [
            (start, stop)
            for start, stop, what in pieces(data, LENGTHS[kind.format])
            if what == "tag"
        ]
    total = -1
    found = frames(part, kind)
    for at, frame in frames(path, kind):
        if any(start < at + len(frame) and at < stop for start, stop in tags):
            continue
        for place, other in found:
            # A first frame that only says how long the sound is (Xing, Info) is no packet.
            total = total if total >= 0 else _of_one_frame(part, place, kind)
            total += len(other)
            if other == frame:
                break
        else:
            return False
    total += sum(len(other) for _, other in found)
    return 0 < total == part.stat().st_size


def _of_one_frame(part: Path, length: int, kind: Kind) -> int:
    """`length` when `part` begins with one frame of as many bytes, else 0."""
    with open(part, "rb") as file:
        return length if LENGTHS[kind.format](file.read(6)) == length else 0


def frames(path: Path, kind: Kind) -> Iterator[tuple[int, bytes]]:
    """(place in the file, bytes) of each frame that a demuxer finds."""
    deadline = time.monotonic() + VERIFY_SECONDS
    with opened(path, kind) as container:
        _, audio = streams(container)
        for packet in container.demux(audio) if audio is not None else ():
            check(deadline)
            data = bytes(packet)
            frame = _frame_of(data, LENGTHS[kind.format])
            if frame:
                yield packet.pos + len(data) - len(frame), frame


def _frame_of(data: bytes, length: Callable[[bytes], int]) -> bytes:
    """The frame in which the packet `data` ends (what stands between two frames comes along with
    the second); b"" when it holds no whole one."""
    at = 0
    while 0 <= at < len(data):
        if length(data[at : at + 6]) == len(data) - at:
            return data[at:]
        at = data.find(b"\xff", at + 1)
    return b""
