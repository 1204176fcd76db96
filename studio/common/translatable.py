"""Sentences that are written in one place and read in another, perhaps in another language.

What the engine says is stored or carried in English, with its message and values beside it, and
translated where it is shown. No Django until then, so that the ground floor of `jobs` may speak
too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

MOMENT = "%(english)s"  # the message of a time, which is written for who reads it
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
SEPARATOR = "\x1e"  # between a message and its values in a column; JSON never holds it


class Sentence(str):
    """English, filled in. `message` is what a translator sees, with %(name)s places for `values`;
    some of those may be sentences too.

    With `plural`, `message` is for one, and `number` says how many. Joined, cut or formatted it is
    a plain str again: use `phrase` and `together`.
    """

    message: str
    values: Mapping[str, Any]
    plural: str
    number: int

    def __new__(
        cls,
        message: str,
        values: Mapping[str, Any] | None = None,
        plural: str = "",
        number: int = 1,
    ) -> Sentence:
        values = values or {}
        english = plural if plural and number != 1 else message
        sentence = super().__new__(cls, english % values if values else english)
        sentence.message, sentence.values, sentence.plural, sentence.number = (
            str(message),
            values,
            plural,
            number,
        )
        return sentence

    def __getnewargs__(self) -> tuple[str, Mapping[str, Any], str, int]:  # type: ignore[override]  # or copies would be filled in twice
        return self.message, self.values, self.plural, self.number


def phrase(message: str, /, **values: object) -> Sentence:
    """`message` filled in; a literal, or makemessages does not find it. What is no number and no
    sentence is kept as its text."""
    return Sentence(message, _plain(values))


def plural_phrase(message: str, plural: str, n: int, /, **values: object) -> Sentence:
    """The same for what is counted: `message` when `n` is 1, else `plural` (in English). `n` may be
    named in both."""
    return Sentence(message, _plain({"n": n, **values}), plural, n)


def quoted(text: str) -> Sentence:
    """Words that are not ours, such as the service's, as a sentence; itself when it is one. It has
    nothing to fill in."""
    return text if isinstance(text, Sentence) else Sentence(text)


def together(*texts: str) -> Sentence:
    """Sentences one behind the other; empty ones are left out."""
    parts = {
        str(number): quoted(text) for number, text in enumerate(text for text in texts if text)
    }
    if len(parts) < 2:
        return parts.get("0", EMPTY)
    return Sentence(" ".join(f"%({number})s" for number in parts), parts)


def moment(at: datetime, shape: str) -> Sentence:
    """A time inside a sentence, in one of `reader.SHAPES`: in UTC where it is stored or mailed, and
    on the reader's clock where it is shown."""
    utc = at.astimezone(UTC)
    day, clock = f"{utc.day} {MONTHS[utc.month - 1]}", f"{utc:%H:%M} UTC"
    english = {"day": day, "time": clock, "day time": f"{day}, {clock}"}[shape]
    return Sentence(MOMENT, {"english": english, "at": utc.isoformat(), "shape": shape})


def _for_reader(text: Sentence) -> str:
    from studio.common import reader

    if reader.reader() == reader.Reader():  # nobody asked for another clock
        return str(text)
    return reader.written(datetime.fromisoformat(text.values["at"]), text.values["shape"])


def _plain(values: Mapping[str, object]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, (str, int, float)) else str(value)
        for name, value in values.items()
    }


def translated(text: str) -> str:
    """`text` in the language of now. A plain str is looked up as it is; what is not translated, or
    wrongly, stays English."""
    from django.utils.translation import gettext, ngettext

    if not text:
        return ""
    if not isinstance(text, Sentence):
        return gettext(text)
    try:
        if text.message == MOMENT and "at" in text.values:
            return _for_reader(text)
        message = (
            ngettext(text.message, text.plural, text.number)
            if text.plural
            else gettext(text.message)
        )
        if not text.values:
            return message
        return message % {
            name: translated(value) if isinstance(value, Sentence) else value
            for name, value in text.values.items()
        }
    except Exception:  # a translation, or a row, that is wrong in a way of its own
        return str(text)


# ── in one column ──


def packed(text: str) -> str:
    """`text` as it is stored: plain when it has no values, else its message, the separator and the
    values as JSON."""
    if not isinstance(text, Sentence) or not (text.values or text.plural or SEPARATOR in text):
        return str(text)
    message, *rest = _listed(text)
    return f"{message}{SEPARATOR}{json.dumps(rest, ensure_ascii=False, separators=(',', ':'))}"


def unpacked(stored: str) -> Sentence:
    """The inverse. What was stored before there were sentences is a message without values."""
    message, found, rest = stored.rpartition(SEPARATOR)
    if found:
        try:
            return _read([message, *json.loads(rest)])
        except Exception:  # noqa: S110  (no page may fail of a row)
            pass
    return Sentence(stored)


def _listed(text: Sentence) -> list[Any]:
    values = {
        name: _listed(value) if isinstance(value, Sentence) else value
        for name, value in text.values.items()
    }
    return (
        [text.message, values, text.plural, text.number] if text.plural else [text.message, values]
    )


def _read(listed: list[Any]) -> Sentence:
    message, values, *plural = listed
    return Sentence(
        message,
        {
            name: _read(value) if isinstance(value, list) else value
            for name, value in values.items()
        },
        *plural,
    )


EMPTY = Sentence("")
