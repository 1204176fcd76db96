"""Which values may stand in the trail, and as what. No secret can: what is named like one is told
as changed and nothing more, what looks like one is cut out, and what is no plain value is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TypeAlias
from uuid import UUID

from studio.common.translatable import Sentence
from studio.config.logs import cleaned

Values: TypeAlias = Mapping[str, object]
HIDDEN = "…"  # in place of a secret
LONGEST = 300  # characters of one value
MOST = 50  # values of one list
_SECRET = re.compile(
    r"password|passphrase|secret|token|cookie|session|signature|credential|private|recovery"
    r"|api_?key|fingerprint|(?:^|_)(?:key|keys|otp|totp|code|codes|seed|hash|digest|link|url)$",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"e?mail|(?:^|_)(?:first_name|last_name|full_name|person|people|user|owner|member|address|phone|browser)$",
    re.IGNORECASE,
)


def is_secret(name: str) -> bool:
    """Whether a value of this name is never written."""
    return bool(_SECRET.search(name))


def is_personal(name: str) -> bool:
    """Whether a value of this name says something about a person, and goes when they are erased."""
    return bool(_PERSONAL.search(name))


def _no_secret(value: object) -> bool:
    """Whether `value` gives nothing away whatever its name: nothing, yes or no, or a small count,
    which no code of one time is."""
    return value in (None, "") or (isinstance(value, int) and abs(value) < 1000)


def written(name: str, value: object) -> object:
    """`value` as it may be stored as JSON under `name`. TypeError for what is no plain value: a
    row, bytes, a file, a form."""
    if is_secret(name) and not _no_secret(value):
        return HIDDEN
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | timedelta):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        ordered = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
        return [written(name, one) for one in ordered[:MOST]]
    if isinstance(value, Mapping):
        return {text(str(key)): written(str(key), one) for key, one in value.items()}
    raise TypeError(f"{name}: a {type(value).__name__} is no value for the trail.")


def text(value: str) -> str:
    """`value` on one line, without what looks like a secret, cut to LONGEST."""
    plain = str(value) if isinstance(value, Sentence) else value
    said = " ".join(cleaned(plain).split())
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def columns(before: Values, after: Values) -> dict[str, dict[str, object]]:
    """The columns of an entry: what is kept for ever of both, and apart from it, what says
    something about a person."""
    made: dict[str, dict[str, object]] = {"before": {}, "after": {}, "personal": {}}
    for side, values in (("before", before), ("after", after)):
        personal: dict[str, object] = {}
        for name, value in values.items():
            (personal if is_personal(name) else made[side])[name] = written(name, value)
        if personal:
            made["personal"][side] = personal
    return made
