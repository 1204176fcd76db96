"""What a file that is none of the kinds taken probably is, as a refusal that says what to do."""

from __future__ import annotations

from studio.common.translatable import Sentence, phrase
from studio.media.facts import MediaError
from studio.media.still_containers import is_raw

TAKEN = phrase(
    "use a JPEG, PNG, HEIC, BMP or WebP picture, a WAV or MP3 sound, or an MP4, MOV or AVI video"
)


AIFF = phrase("This is an AIFF recording, which the studio does not take; save it as WAV or MP3.")
RAW = phrase(
    "This is the raw picture of a camera, which the studio does not take; develop it and save it "
    "as JPEG or PNG."
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
        phrase("This is a TIFF picture, which the studio does not take; save it as JPEG or PNG."),
    ),
    (
        0,
        b"MM\0*",
        phrase("This is a TIFF picture, which the studio does not take; save it as JPEG or PNG."),
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
    (8, b"AIFF", AIFF),
    (8, b"AIFC", AIFF),
)


# The same of formats that are rarer, by name: (offset, bytes, name).
RARE_PICTURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"qoif", "QOI"),
    (0, b"BPG\xfb", "BPG"),
    (0, b"gimp xcf", "GIMP"),
    (0, b"icns", "ICNS"),
    (0, b"DDS ", "DDS"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance"),
    (0, b"\xffO\xffQ", "JPEG 2000"),
    (0, b"II\xbc\x01", "JPEG XR"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (128, b"DICM", "DICOM"),
)
RARE_SOUNDS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"caff", "Core Audio"),
    (0, b".snd", "AU"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"TTA1", "True Audio"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack"),
    (0, b"DSD ", "DSF"),
    (0, b"FRM8", "DSDIFF"),
    (0, b"OFR ", "OptimFROG"),
    (0, b"riff\x2e\x91\xcf\x11", "Wave64"),
    (0, b"RIFX", "RIFX"),
    (0, b"#!SILK", "SILK"),
    (1, b"#!SILK", "SILK"),
    (0, b"\x0b\x77", "AC-3"),
    (0, b"ADIF", "AAC ADIF"),
    (0, b"\x7f\xfe\x80\x01", "DTS"),
    (8, b"8SVX", "8SVX"),
    (0, b"Creative Voice File", "VOC"),
    (0, b"IMPM", "Impulse Tracker"),
    (0, b"Extended Module", "tracker"),
)
RARE_VIDEOS: tuple[tuple[int, bytes, str], ...] = (
    (0, b".RMF", "RealMedia"),
    (0, b"\0\0\1\xb3", "MPEG"),
    (0, b"DKIF", "IVF"),
    (0, b"YUV4MPEG2", "YUV4MPEG"),
    (0, b"\x8aMNG", "MNG"),
    (0, b"FWS", "Flash"),
    (0, b"CWS", "Flash"),
    (4, b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", "MXF"),
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01", "MXF"),
    (0, b"nut/multimedia", "NUT"),
)
TRANSPORT = 188  # bytes from one sync byte of an MPEG transport stream to the next


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
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        phrase(
            "This is an office document, not a picture, a sound or a video; %(advice)s.",
            advice=TAKEN,
        ),
    ),
    *(
        (
            magic,
            phrase(
                "This is an archive, not a picture, a sound or a video; %(advice)s.", advice=TAKEN
            ),
        )
        for magic in (b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"MSCF", b"PK\x07\x08")
    ),
    (
        b"SQLite format 3",
        phrase("This is a database, not a picture, a sound or a video; %(advice)s.", advice=TAKEN),
    ),
)


def named_kind(head: bytes) -> MediaError | None:
    """The refusal of a file that begins with `head` when that is a format known by its first bytes;
    None when it may still be sound."""
    if is_raw(head):
        return MediaError("not-supported", RAW)
    for offset, magic, sentence in REFUSED:
        if head[offset : offset + len(magic)] == magic:
            return MediaError("not-supported", sentence)
    for magic, sentence in STRANGE:
        if head.startswith(magic):
            return MediaError("unknown-type", sentence)
    for table, refusal in (
        (RARE_PICTURES, _unlisted_picture),
        (RARE_SOUNDS, unlisted_sound),
        (RARE_VIDEOS, _unlisted_video),
    ):
        for offset, magic, name in table:
            if head[offset : offset + len(magic)] == magic:
                return refusal(name)
    if len(head) > 4 * TRANSPORT and head[: 4 * TRANSPORT : TRANSPORT] == b"G" * 4:
        return _unlisted_video("MPEG-TS")
    if head[257:262] == b"ustar":
        return MediaError(
            "unknown-type",
            phrase(
                "This is an archive, not a picture, a sound or a video; %(advice)s.", advice=TAKEN
            ),
        )
    return None


def _unlisted_picture(name: str) -> MediaError:
    return MediaError(
        "not-supported",
        phrase(
            "This is a picture in the format %(name)s, which the studio does not take; save it "
            "as JPEG or PNG.",
            name=name,
        ),
    )


def unlisted_sound(name: str) -> MediaError:
    """The refusal of a recording in the format `name`, which is not taken."""
    return MediaError(
        "not-supported",
        phrase(
            "This is a recording in the format %(name)s, which the studio does not take; save it "
            "as MP3 or WAV.",
            name=name,
        ),
    )


def _unlisted_video(name: str) -> MediaError:
    return MediaError(
        "not-supported",
        phrase(
            "This is a video in the format %(name)s, which the studio does not take; save it as "
            "MP4.",
            name=name,
        ),
    )


def unknown_kind(head: bytes) -> MediaError:
    """The refusal of a file that begins with `head` and is of no kind that is taken or named."""
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
