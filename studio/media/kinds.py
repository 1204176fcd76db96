"""Which format a file has, from its first bytes alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from studio.common.translatable import phrase
from studio.media.facts import MediaError
from studio.media.sound_tags import after_tags
from studio.media.still_containers import still_format
from studio.media.unknown_kinds import RAW, named_kind, unknown_kind, unlisted_sound

HEAD = 8192  # bytes looked at; also how far into a file the first MP3 frame may start


@dataclass(frozen=True, slots=True)
class Kind:
    """A format and what it holds; `demuxer` is FFmpeg's name, "" for pictures.

    `kind` is what such files mostly hold; whoever reads the streams corrects it for a container
    with sound only.
    """

    kind: str
    format: str
    mime: str
    extension: str
    demuxer: str = ""


KINDS = {
    kind.format: kind
    for kind in (
        Kind("image", "jpeg", "image/jpeg", "jpg"),
        Kind("image", "png", "image/png", "png"),
        Kind("image", "bmp", "image/bmp", "bmp"),
        Kind("image", "webp", "image/webp", "webp"),
        Kind("image", "heif", "image/heic", "heic"),
        Kind("image", "avif", "image/avif", "avif"),
        Kind("audio", "wav", "audio/wav", "wav", "wav"),
        Kind("audio", "mp3", "audio/mpeg", "mp3", "mp3"),
        Kind("audio", "aac", "audio/aac", "aac", "aac"),
        Kind("audio", "m4a", "audio/mp4", "m4a", "mp4"),
        Kind("audio", "flac", "audio/flac", "flac", "flac"),
        Kind("audio", "ogg", "audio/ogg", "ogg", "ogg"),
        Kind("video", "mp4", "video/mp4", "mp4", "mp4"),
        Kind("video", "mov", "video/quicktime", "mov", "mov"),
        Kind("video", "avi", "video/x-msvideo", "avi", "avi"),
        Kind("video", "webm", "video/webm", "webm", "matroska"),
        Kind("video", "mkv", "video/x-matroska", "mkv", "matroska"),
    )
}


OLD_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def sniff(path: str | os.PathLike[str]) -> Kind:
    """The format of the file at `path`. Raises MediaError: empty, unknown-type, not-supported.
    Reads at most a few kilobytes."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
        if not head:
            raise MediaError(
                "empty",
                phrase(
                    "The file is empty, it holds not one byte; choose it again or export it anew."
                ),
            )
        name = _picture(head) or _riff(head) or _container(head)
        if not name:
            # Sound is known by its frames, which chance bytes of other formats look like.
            if (named := named_kind(head)) is not None:
                raise named
            name = _sound(file, head)
    if name:
        return KINDS[name]
    raise unknown_kind(head)


def _picture(head: bytes) -> str:
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    # Two letters are weak evidence: a bitmap's reserved words are zero and its header has one of a
    # few sizes.
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in (
        12,
        16,
        40,
        52,
        56,
        64,
        108,
        124,
    ):
        return "bmp"
    return ""


def _riff(head: bytes) -> str:
    if head[:4] in (b"RF64", b"BW64"):  # with sizes of 64 bits, EBU Tech 3306 and ITU-R BS.2088
        return "wav" if head[8:12] == b"WAVE" else ""
    if not head.startswith(b"RIFF"):
        return ""
    return {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}.get(head[8:12], "")


def _container(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        still = still_format(head)
        if still == "raw":
            raise MediaError("not-supported", RAW)
        if still:
            return still
        brand = head[8:12]
        if brand == b"qt  ":
            return "mov"
        return "m4a" if brand in (b"M4A ", b"M4B ", b"M4P ") else "mp4"
    if head[4:8] in OLD_QUICKTIME:
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm" if b"webm" in head[:64] else "mkv"
    return ""


def _sound(file: BinaryIO, head: bytes) -> str:
    if head.startswith(b"fLaC"):
        return "flac"
    if head.startswith(b"OggS"):
        return "ogg"
    if start := after_tags(file):
        file.seek(start)
        head = file.read(HEAD)
        if head.startswith(b"fLaC"):
            return "flac"
    for start in range(min(len(head), HEAD - 4096)):
        if head[start] != 0xFF:
            continue
        for name, length in (("mp3", mp3_frame), ("aac", aac_frame)):
            if _chained(head, start, length):
                return name
        for layer in (2, 1):
            if _chained(head, start, partial(_older_frame, layer)):
                raise unlisted_sound(f"MP{layer}")
    return ""


def _chained(head: bytes, start: int, length: Callable[[bytes], int]) -> bool:
    """Whether three frames of one sort follow each other from `start`, or two up to the end of what
    there is: one sync word alone occurs in any noise."""
    at, sort = start, _sort(head[start : start + 3])
    for count in range(3):
        step = length(head[at : at + 6])
        if step <= 0 or _sort(head[at : at + 3]) != sort:
            # A tag behind them, or half a frame.
            rest = len(head) - at
            return count > 1 and len(head) < HEAD and rest < 2048
        at += step
    return True


def _sort(head: bytes) -> tuple[int, int]:
    """What stays the same from frame to frame: version, layer, and samples a second."""
    return (head[1] & 0xFE, head[2] & 0x0C) if len(head) == 3 else (0, 0)


# Kilobits a second by what the header says, from 1 on: of version 1, and of versions 2 and 2.5.
_RATES = ((11025, 12000, 8000), (), (22050, 24000, 16000), (44100, 48000, 32000))
_KILOBITS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def mp3_frame(head: bytes) -> int:
    """Bytes of the MPEG layer III frame that starts here; 0 when none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or head[1] & 0x06 != 0x02:
        return 0
    version, bits, rate = (head[1] >> 3) & 3, head[2] >> 4, (head[2] >> 2) & 3
    if version == 1 or rate == 3 or not 0 < bits < 15:
        return 0
    kilobits = (_KILOBITS_1 if version == 3 else _KILOBITS_2)[bits - 1]
    return (144 if version == 3 else 72) * kilobits * 1000 // _RATES[version][rate] + (
        (head[2] >> 1) & 1
    )


_KILOBITS_OLDER = {
    (3, 1): tuple(range(32, 449, 32)),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): _KILOBITS_2,
}


def _older_frame(layer: int, head: bytes) -> int:
    """Bytes of the MPEG frame of `layer` 1 or 2 that starts here; 0 when none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or 4 - layer != head[1] >> 1 & 3:
        return 0
    version, bits, rate = (head[1] >> 3) & 3, head[2] >> 4, (head[2] >> 2) & 3
    if version not in (2, 3) or rate == 3 or not 0 < bits < 15:
        return 0
    bitrate = _KILOBITS_OLDER[version, layer][bits - 1] * 1000
    padding = (head[2] >> 1) & 1
    if layer == 1:
        return (12 * bitrate // _RATES[version][rate] + padding) * 4
    return 144 * bitrate // _RATES[version][rate] + padding


def aac_frame(head: bytes) -> int:
    """Bytes of the ADTS frame that starts here; 0 when none does."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or (head[2] >> 2) & 15 > 12:
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size > 7 else 0
