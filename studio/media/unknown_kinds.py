"""What a file that is none of the kinds taken probably is, as a refusal that says what to do."""

from __future__ import annotations

from studio.common.translatable import Sentence, phrase
from studio.media.facts import MediaError

TAKEN = phrase(
    "use a JPEG, PNG, BMP or WebP picture, a WAV or MP3 sound, or an MP4, MOV or AVI video"
)


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


def unknown_kind(head: bytes) -> MediaError:
    """The refusal of a file that begins with `head` and is of no kind that is taken."""
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
    return _unknown_text(_text(head)) or MediaError(
        "unknown-type",
        phrase(
            "The bytes of this file are of no picture, sound or video that the studio knows; "
            "%(advice)s.",
            advice=TAKEN,
        ),
    )


def _unknown_text(text: str) -> MediaError | None:
    """What a file of letters is; None when it has none."""
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
    return None


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
