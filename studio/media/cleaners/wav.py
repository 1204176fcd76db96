"""A WAV written anew: format, samples and their true sizes.

Writers that do not know the end (pipes, voice services, recorders that lost power) leave sizes of
0, of 0xFFFFFFFF or of what they had planned. Such a size means “to the end of the file”. An RF64
or BW64 says the size of its samples in 64 bits, in a chunk of its own (EBU Tech 3306 §3.5).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from studio.common.translatable import phrase
from studio.media.facts import MediaError
from studio.media.kinds import Kind

BLOCK = 1 << 20
# Format tags whose blocks hold one sample of each channel: PCM, float, A-law, µ-law, extensible.
PLAIN = (1, 3, 6, 7, 0xFFFE)
MOST = 0xFFFFFFFF - 1024  # bytes of samples that a size of 32 bits can say
FORMAT_MOST = 4096  # bytes of a format chunk; more are none


def copy_wav(path: Path, part: Path, kind: Kind) -> None:
    """Write the WAV at `path` to `part` with its format, its samples and true sizes, nothing else.
    MediaError (broken) when it has no format or no samples."""
    with open(path, "rb") as file, open(part, "wb") as out:
        size = os.fstat(file.fileno()).st_size
        form, fact, ranges = _found(file, size)
        length = sum(stop - start for start, stop in ranges)
        if len(form) < 14 or not length or length > MOST:
            raise MediaError(
                "broken",
                phrase(
                    "This WAV file says neither how its sound is coded nor where it is; export it "
                    "again."
                ),
            )
        tag, block = struct.unpack_from("<H", form)[0], struct.unpack_from("<H", form, 12)[0]
        if fact and tag in PLAIN and block:
            fact = struct.pack("<I", length // block)
        chunks = _chunk(b"fmt ", form) + (_chunk(b"fact", fact) if fact else b"")
        body = 4 + len(chunks) + 8 + length + (length & 1)
        out.write(b"RIFF" + struct.pack("<I", body) + b"WAVE" + chunks)
        out.write(b"data" + struct.pack("<I", length))
        for start, stop in ranges:
            _copy(file, out, start, stop)
        out.write(b"\0" * (length & 1))


def _found(file: BinaryIO, size: int) -> tuple[bytes, bytes, list[tuple[int, int]]]:
    """The bodies of the format and fact chunks, and where samples are: (start, stop)."""
    form = fact = b""
    ranges = []
    for name, start, stop in _chunks(file, 12, size):
        if name == b"fmt " and not form:
            file.seek(start)
            form = file.read(min(stop - start, FORMAT_MOST))
        elif name == b"fact" and not fact:
            file.seek(start)
            fact = file.read(min(stop - start, FORMAT_MOST))
        elif name == b"data" and form and start < stop:
            ranges.append((start, stop))
    return form, fact, ranges


def _chunks(file: BinaryIO, at: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, stop) of each chunk. Samples of no stated size are the last chunk: what follows
    them cannot be told from them."""
    long = 0  # bytes of samples, as 64 bits say it
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        start = at + 8
        if name == b"ds64":
            long = int.from_bytes(file.read(16)[8:], "little")
        elif name == b"data" and length == 0xFFFFFFFF and long:
            length = long
        unknown = name == b"data" and length == 0
        stop = size if unknown or start + length > size else start + length
        yield name, start, stop
        at = stop + (length & 1)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def _copy(file: BinaryIO, out: BinaryIO, start: int, stop: int) -> None:
    file.seek(start)
    while start < stop and (block := file.read(min(BLOCK, stop - start))):
        out.write(block)
        start += len(block)
