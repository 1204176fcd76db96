"""Which format a file has, from its first bytes alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from studio.common.translatable import Sentence, phrase
from studio.media.facts import MediaError

HEAD = 8192  # bytes looked at; also how far into a file the first MP3 frame may start
TAKEN = phrase(
    "use a JPEG, PNG, BMP or WebP picture, a WAV or MP3 sound, or an MP4, MOV or AVI video"
)


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

# Formats people do send and the studio does not take: (offset, bytes, what is said).
REFUSED: tuple[tuple[int, bytes, Sentence], ...] = (
    (
        0,
        b"GIF8",
        phrase(
            "This is a GIF, which the studio does not take; save one frame of it as PNG or JPEG."
        ),
    ),
    (
        0,
        b"II*\0",
        phrase(
            "This is a TIFF or camera raw picture, which the studio does not take; save it as JPEG "
            "or PNG."
        ),
    ),
    (
        0,
        b"MM\0*",
        phrase(
            "This is a TIFF or camera raw picture, which the studio does not take; save it as JPEG "
            "or PNG."
        ),
    ),
    (
        0,
        b"8BPS",
        phrase(
            "This is a Photoshop document, which the studio does not take; save it as JPEG or PNG."
        ),
    ),
    (
        0,
        b"\xff\x0a",
        phrase(
            "This is a JPEG XL picture, which the studio does not take; save it as JPEG or PNG."
        ),
    ),
    (
        0,
        b"\0\0\0\x0cJXL \r\n",
        phrase(
            "This is a JPEG XL picture, which the studio does not take; save it as JPEG or PNG."
        ),
    ),
    (
        0,
        b"\0\0\0\x0cjP  \r\n",
        phrase(
            "This is a JPEG 2000 picture, which the studio does not take; save it as JPEG or PNG."
        ),
    ),
    (0, b"\0\0\1\0", phrase("This is an icon, which the studio does not take; save it as PNG.")),
    (
        0,
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        phrase(
            "This is a Windows Media file, which the studio does not take; save video as MP4 and "
            "sound as MP3."
        ),
    ),
    (0, b"FLV\1", phrase("This is a Flash video, which the studio does not take; save it as MP4.")),
    (
        0,
        b"\0\0\1\xba",
        phrase("This is an MPEG programme stream, which the studio does not take; save it as MP4."),
    ),
    (
        0,
        b"#!AMR",
        phrase("This is an AMR recording, which the studio does not take; save it as MP3 or WAV."),
    ),
    (
        0,
        b"MThd",
        phrase(
            "This is a MIDI file, which holds notes and no sound, which the studio does not take; "
            "record it as MP3 or WAV."
        ),
    ),
    (
        0,
        b"FORM",
        phrase("This is an AIFF recording, which the studio does not take; save it as WAV or MP3."),
    ),
    (
        0,
        b"RF64",
        phrase(
            "This is a 64-bit WAV, which the studio does not take; save it as ordinary WAV or MP3."
        ),
    ),
)

# Things that are no media at all.
STRANGE: tuple[tuple[bytes, Sentence], ...] = (
    (
        b"PK\x03\x04",
        phrase(
            "This is a ZIP archive or an office document, not a picture, a sound or a video; "
            "%(advice)s.",
            advice=TAKEN,
        ),
    ),
    (
        b"PK\x05\x06",
        phrase(
            "This is an empty ZIP archive, not a picture, a sound or a video; %(advice)s.",
            advice=TAKEN,
        ),
    ),
    (
        b"Rar!",
        phrase(
            "This is a RAR archive, not a picture, a sound or a video; %(advice)s.", advice=TAKEN
        ),
    ),
    (
        b"7z\xbc\xaf",
        phrase(
            "This is a 7z archive, not a picture, a sound or a video; %(advice)s.", advice=TAKEN
        ),
    ),
    (
        b"\x1f\x8b",
        phrase(
            "This is a gzip archive, not a picture, a sound or a video; %(advice)s.", advice=TAKEN
        ),
    ),
    (
        b"%PDF",
        phrase(
            "This is a PDF document, not a picture, a sound or a video; %(advice)s.", advice=TAKEN
        ),
    ),
    (
        b"MZ",
        phrase(
            "This is a Windows programme, not a picture, a sound or a video; %(advice)s.",
            advice=TAKEN,
        ),
    ),
    (
        b"\x7fELF",
        phrase("This is a programme, not a picture, a sound or a video; %(advice)s.", advice=TAKEN),
    ),
    (
        b"SQLite format 3",
        phrase("This is a database, not a picture, a sound or a video; %(advice)s.", advice=TAKEN),
    ),
)

STILL_BRANDS = {
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"heim": "HEIC",
    b"heis": "HEIC",
    b"hevc": "HEIC",
    b"mif1": "HEIF",
    b"msf1": "HEIF",
    b"avif": "AVIF",
    b"avis": "AVIF",
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
        name = _picture(head) or _riff(head) or _container(head) or _sound(file, head)
    if name:
        return KINDS[name]
    raise _stranger(head)


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
    if not head.startswith(b"RIFF"):
        return ""
    return {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}.get(head[8:12], "")


def _container(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in STILL_BRANDS:
            raise MediaError(
                "not-supported",
                phrase(
                    "This is a picture in %(format)s format, which the studio does not take; save "
                    "it as JPEG or PNG.",
                    format=STILL_BRANDS[brand],
                ),
            )
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
    tagged = head.startswith(b"ID3")
    if tagged:
        file.seek(id3_length(head))
        head = file.read(HEAD)
        if head.startswith(b"fLaC"):
            raise MediaError(
                "not-supported",
                phrase(
                    "This FLAC recording starts with an ID3 tag, which FLAC does not allow; save "
                    "it as WAV or MP3."
                ),
            )
    for start in range(min(len(head), HEAD - 4096)):
        if head[start] != 0xFF:
            continue
        for name, length in (("mp3", _mp3_frame), ("aac", _aac_frame)):
            if _chained(head, start, length):
                return name
    return ""


def id3_length(head: bytes) -> int:
    """Bytes of the ID3v2 tag at the start of `head`, header and footer included; 0 when there is
    none."""
    if len(head) < 10 or not head.startswith(b"ID3"):
        return 0
    size = sum(
        (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
    )
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _chained(head: bytes, start: int, length: Callable[[bytes], int]) -> bool:
    """Whether three frames follow each other from `start` (or as many as the file holds): one sync
    word alone occurs in any noise."""
    at = start
    for count in range(3):
        step = length(head[at : at + 6])
        if step <= 0:
            return count > 0 and at >= len(head)
        at += step
    return True


_RATES = ((11025, 12000, 8000), (), (22050, 24000, 16000), (44100, 48000, 32000))
_KILOBITS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def _mp3_frame(head: bytes) -> int:
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


def _aac_frame(head: bytes) -> int:
    """Bytes of the ADTS frame that starts here; 0 when none does."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or (head[2] >> 2) & 15 > 12:
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size > 7 else 0


def _stranger(head: bytes) -> MediaError:
    for offset, magic, sentence in REFUSED:
        if head[offset : offset + len(magic)] == magic:
            return MediaError("not-supported", sentence)
    for magic, sentence in STRANGE:
        if head.startswith(magic):
            return MediaError("unknown-type", sentence)
    if head.startswith(b"ID3"):
        return MediaError(
            "broken",
            phrase(
                "This file has the tag of an MP3 and no sound behind it, so it is cut or damaged; "
                "export it again."
            ),
        )
    text = _text(head)
    start = text.lstrip("\ufeff \t\r\n").lower()
    if "<svg" in start[:2048]:
        return MediaError(
            "not-supported",
            phrase("This is an SVG drawing, which the studio does not take; export it as PNG."),
        )
    if start.startswith("#extm3u"):
        return MediaError(
            "unknown-type",
            phrase(
                "This is a playlist that only names other files; upload the sound or video itself."
            ),
        )
    if start.startswith("<!doctype html") or "<html" in start[:2048]:
        return MediaError(
            "unknown-type",
            phrase(
                "This is a web page, not a picture, a sound or a video; save the file itself, not "
                "the page that shows it."
            ),
        )
    if text:
        return MediaError(
            "unknown-type",
            phrase(
                "This is a text file, not a picture, a sound or a video; %(advice)s.", advice=TAKEN
            ),
        )
    return MediaError(
        "unknown-type",
        phrase(
            "The bytes of this file are of no picture, sound or video that the studio knows; "
            "%(advice)s.",
            advice=TAKEN,
        ),
    )


def _text(head: bytes) -> str:
    """The start of the file as text, "" when it is none."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    # The last character may be cut by the read: give up to three bytes back.
    for end in range(len(head), max(len(head) - 4, 0), -1):
        try:
            text = head[:end].decode(encoding)
        except UnicodeDecodeError:
            continue
        return (
            text
            if all(character.isprintable() or character in "\ufeff\t\r\n\f" for character in text)
            else ""
        )
    return ""
