"""Names of files as they are shown: never a path, whatever a browser or a person sends."""

from __future__ import annotations

import mimetypes
import unicodedata

from django.utils.translation import gettext as _

from studio.common.file_names import MOST_BYTES, within_bytes
from studio.media.kinds import KINDS

NAME_LENGTH = 120
JOINERS = "\u200c\u200d"  # letters of Persian and of joined emoji need them


def clean_name(name: str, extension: str = "") -> str:
    """A name to show, from anything a browser or a person sends: one line, no folders, no direction
    tricks, at most 120 characters and 255 bytes.

    With `extension` the name ends in it and loses the media extension that it claimed. Never used
    as a path.
    """
    text = (
        unicodedata.normalize("NFC", str(name)).replace("\\", "/").rstrip("/ ").rsplit("/", 1)[-1]
    )
    text = "".join(
        " " if char.isspace() else char for char in text if char.isspace() or _shown(char)
    )
    text = " ".join(text.replace('"', "'").split()).strip(". ")
    stem, dot, last = text.rpartition(".")
    ending = f".{extension}" if extension else ""
    if dot and extension and stem and _known(last):
        text = stem.rstrip(". ")
    elif dot and not extension and stem and _known(last):
        text, ending = stem.rstrip(". "), f".{last}"
    text = within_bytes(text[: NAME_LENGTH - len(ending)], MOST_BYTES - len(ending.encode()))
    text = text.rstrip(f". {JOINERS}")
    return (text or _("untitled")) + ending


def _shown(char: str) -> bool:
    return char in JOINERS or unicodedata.category(char) not in (
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Cn",
        "Zl",
        "Zp",
    )


def _known(ending: str) -> bool:
    """Whether `ending` is a file type and not the end of a sentence or a version number."""
    return ending.lower() in KINDS or mimetypes.guess_type(f"a.{ending}")[0] is not None
