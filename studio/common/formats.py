"""Amounts, times, sizes and people as they are written on pages, for who reads them
(`studio.common.reader`): plain values in, words out.

Money is in millionths of its currency. `templatetags.ui` has the same functions as filters.
"""

from __future__ import annotations

import zlib
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import gettext as _

from studio.common import reader

NBSP = "\u00a0"
MINUS = "\u2212"
DASH = "\u2014"
MICROS = Decimal(1_000_000)
SYMBOLS = {"USD": "$", "CNY": "¥"}
TONES = 4


# A template hands an empty text over for a name that it does not know.
Whole = int | str | None


def _amount(micros: int, places: int, rounding: str) -> str:
    return reader.number(
        (Decimal(micros) / MICROS).quantize(Decimal(1).scaleb(-places), rounding=rounding), places
    )


def _with_currency(micros: Whole, currency: str, places: int, rounding: str = ROUND_HALF_UP) -> str:
    """The amount with its sign before the symbol. `None` is an unknown amount, which is never shown
    as 0."""
    if micros is None or micros == "":
        return DASH
    micros = int(micros)
    digits = _amount(abs(micros), places, rounding)
    # A negative amount that rounds to nothing carries no sign.
    sign = MINUS if micros < 0 and any(digit in "123456789" for digit in digits) else ""
    code = str(currency or "USD")
    symbol = SYMBOLS.get(code, code + NBSP)
    return f"{sign}{reader.amount(symbol, digits)}"


def money(micros: Whole, currency: str = "USD") -> str:
    """Millionths -> "$0.4725": four decimals, half up. What a job, a quote and a price per second
    are shown with."""
    return _with_currency(micros, currency, 4)


def money_short(micros: Whole, currency: str = "USD") -> str:
    """Millionths -> "$1.97": two decimals, half up. For sums of a month and limits."""
    return _with_currency(micros, currency, 2)


def money_of(micros: Whole, currency: str, places: int = 4) -> str:
    """Millionths -> "$0.4725" with so many decimals, half up."""
    return _with_currency(micros, currency, places)


def money_left(micros: Whole, currency: str = "USD") -> str:
    """Millionths -> "$6.28": two decimals, always down, so that nobody is promised what the budget
    has not got."""
    if micros is None or micros == "":
        return DASH
    return _with_currency(int(_floor_to(int(micros), 10_000)), currency, 2)


def written(at: datetime | date | None, shape: str = "day year time") -> str:
    """A moment or a date -> "1 Dec 2026 14:02", on the reader's clock, in one of
    `reader.SHAPES`; "" for none."""
    return reader.written(at, shape) if at else ""


def figure(value: float | Decimal | str | None, places: str | int = 1) -> str:
    """A number -> "13.9": with `places` decimals, and with as few as it needs for "-2": at most
    two. DASH for none."""
    if value is None or value == "":
        return DASH
    most = abs(int(places))
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-most), rounding=ROUND_HALF_UP)
    return reader.number(exact, 0 if str(places).startswith("-") else most, most)


def _floor_to(micros: int, step: int) -> int:
    return micros // step * step


def ledger(micros: Whole, currency: str = "") -> str:
    """Millionths -> "0.472523" ("$0.472523" with a currency): every one of the six decimals, as the
    ledger keeps them."""
    text = _with_currency(micros, currency or "USD", 6)
    return text if currency or text == DASH else text.replace("$", "", 1).rstrip(NBSP)


def ledger_signed(micros: Whole) -> str:
    """Millionths -> "+0.472523" or "−0.472523": the change that an entry makes."""
    text = ledger(micros)
    return text if micros is None or micros == "" or int(micros) <= 0 else f"+{text}"


def seconds(value: float | int | Decimal | timedelta | None) -> str:
    """Seconds -> "13.9 s", "9 m 13 s", "23 h 52 m". A whole number below a minute has no decimal;
    hours round down."""
    if value is None or value == "":
        return DASH
    if isinstance(value, timedelta):
        value = value.total_seconds()
    exact = max(Decimal(str(value)), Decimal(0))
    tenths = exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    if tenths < 60:
        whole = isinstance(value, int)
        return _("%(n)s s").replace(" ", NBSP) % {
            "n": int(exact) if whole else reader.number(tenths, 1)
        }
    total = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP if exact < 3600 else ROUND_FLOOR))
    hours, rest = divmod(total, 3600)
    minutes, secs = divmod(rest, 60)
    if hours:
        return _("%(h)s h %(m)s m").replace(" ", NBSP) % {"h": hours, "m": minutes}
    return _("%(m)s m %(s)s s").replace(" ", NBSP) % {"m": minutes, "s": secs}


def clock_time(value: float | int | Decimal | None) -> str:
    """Seconds -> "0:41", a position in a video or a speech; rounds down like a player does."""
    if value is None or value == "":
        return DASH
    minutes, secs = divmod(int(max(Decimal(str(value)), Decimal(0))), 60)
    return f"{minutes}:{secs:02d}"


def filesize_mb(size: Whole) -> str:
    """Bytes -> "3.6 MB" (of 1024 × 1024 bytes, as the service's limits count); small files in
    kB."""
    if size is None or size == "":
        return DASH
    size = int(size)
    if size < 100 * 1024:
        return f"{-(-size // 1024)}{NBSP}kB"
    megabytes = Decimal(size) / (1024 * 1024)
    return f"{reader.number(megabytes.quantize(Decimal('0.1'), rounding=ROUND_HALF_UP), 1)}{NBSP}MB"


def storage_size(size: int) -> str:
    """Bytes of many files -> "1.4 MB", "100 GB" (of 1024 × 1024 × 1024 bytes)."""
    gigabytes = Decimal(size) / 1024**3
    if gigabytes < 1:
        return filesize_mb(size)
    figures = gigabytes.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    return f"{reader.number(figures, 0, 1)}{NBSP}GB"


def person(user: Any) -> str:
    """How a person is called on a page: their name, or else what stands before the @ of their
    address."""
    if user is None or user == "":
        return _("Someone")
    if isinstance(user, str):
        return user.split("@", 1)[0] or user
    return str(getattr(user, "short_name", "") or user).split("@", 1)[0]


def initials(name: str | None) -> str:
    """Two letters of a name or an address: "Aiko" -> "AI", "Ben Carter" -> "BC", "dora@x.org" ->
    "DO"."""
    words = [
        w for w in str(name or "").split("@", 1)[0].replace(".", " ").replace("_", " ").split() if w
    ]
    if not words:
        return "?"
    letters = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()


def tone(key: int | str | None) -> str:
    """A colour class for an avatar, the same for the same id for ever: `tone-1` … `tone-4`."""
    number = key if isinstance(key, int) else zlib.crc32(str(key or "").encode())
    return f"tone-{number % TONES + 1}"
