"""For whom a page is written: the time zone they live in and the region whose dates and numbers
they read.

It is set for one request (`studio/teams/reader_of_request.py`) and asked by everything that writes
a time, a number or an amount. Outside of a request, and for who says nothing, times are in UTC and
written as in Britain: “1 Dec 2026 14:02”, “1,234.5”.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_decimal

from studio.common import time_zones

MONTH_NAME = "LLLL"  # a pattern and no skeleton: those have only the short name
# What is asked for -> what CLDR calls it: the day part, and the width of the time part.
SHAPES = {
    "day": ("MMMd", ""),
    "day year": ("yMMMd", ""),
    "month": ("yMMMM", ""),
    "month name": (MONTH_NAME, ""),
    "time": ("", "short"),
    "second": ("", "medium"),
    "day time": ("MMMd", "short"),
    "day second": ("MMMd", "medium"),
    "day year time": ("yMMMd", "short"),
    "day year second": ("yMMMd", "medium"),
}
NOBODY = "en_GB"
MOST_LETTERS = 35  # of a language tag; longer ones are nonsense


@dataclass(frozen=True, slots=True)
class Reader:
    """`region`: a locale that Babel knows, such as "de_DE"; `zone`: the name of a time zone."""

    zone: str = "UTC"
    region: str = NOBODY

    @property
    def key(self) -> str:
        """What a fragment that holds times or amounts must be cached under."""
        return f"{self.zone} {self.region}"


_now: ContextVar[Reader] = ContextVar("reader", default=Reader())  # noqa: B039  (it is frozen)


def reader() -> Reader:
    return _now.get()


@contextmanager
def reading(by: Reader) -> Iterator[None]:
    """What is written inside is for `by`."""
    token = _now.set(by)
    try:
        yield
    finally:
        _now.reset(token)


# ── what a browser or a person says ──


def zone_of(said: str) -> str:
    """`said` when it is a time zone that may be chosen, else ""."""
    return said if said in time_zones.offered() else ""


@lru_cache(maxsize=512)
def region_of(said: str) -> str:
    """The locale of a language tag such as "de-DE" or "ja"; "" for one that is none. A language
    without a region is read as where most of its speakers live."""
    if not said or len(said) > MOST_LETTERS:
        return ""
    try:
        found = Locale.parse(said.strip(), sep="-")
    except (ValueError, UnknownLocaleError, TypeError):
        return ""
    # Plain English says nothing about a region.
    return "" if str(found) == "en" else str(found)


@lru_cache(maxsize=512)
def region_wanted(accept_language: str) -> str:
    """The first locale of an Accept-Language header that is known, by its weights; "" without."""
    wanted = []
    for place, part in enumerate(accept_language[:400].split(",")):
        tag, _, rest = part.strip().partition(";")
        weight = rest.strip().removeprefix("q=") or "1"
        try:
            wanted.append((-float(weight), place, tag))
        except ValueError:
            continue
    return next((found for _, _, tag in sorted(wanted) if (found := region_of(tag))), "")


# ── writing ──


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    return Locale.parse(name)


def local(at: datetime) -> datetime:
    """`at`, which knows its time zone, on the reader's clock."""
    return at.astimezone(time_zones.zone(reader().zone))


def today() -> date:
    return local(datetime.now(UTC)).date()


def written(at: datetime | date, shape: str = "day year time") -> str:
    """`at` in one of SHAPES. A moment is shown on the reader's clock, a date as it is. KeyError for
    another shape."""
    day, time = SHAPES[shape]
    where = _locale(reader().region)
    if isinstance(at, datetime):
        at = local(at)
    parts = []
    if day == MONTH_NAME:
        parts.append(format_date(at, day, locale=where))
    elif day:
        parts.append(format_skeleton(day, at, locale=where))
    if time and isinstance(at, datetime):
        # Babel writes the time on the clock of the zone that it is given, and UTC without one.
        parts.append(format_time(at, time, tzinfo=at.tzinfo, locale=where))
    return " ".join(parts)


def in_utc(at: datetime) -> str:
    """For the `title` of a time: “2026-12-01 14:02:05 UTC”."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def number(value: Decimal | float, least: int = 0, most: int | None = None) -> str:
    """`value` with its thousands, and between `least` and `most` decimals (`most` as `least`)."""
    most = least if most is None else most
    places = "0" * least + "#" * (most - least)
    return format_decimal(
        value, format=f"#,##0{'.' if places else ''}{places}", locale=_locale(reader().region)
    )


def amount(symbol: str, digits: str) -> str:
    """`digits`, which `number` wrote, with the sign of their currency where the reader expects
    it."""
    pattern = _locale(reader().region).currency_formats["standard"].pattern
    return (
        f"{digits}\u00a0{symbol.strip()}"
        if pattern.split(";")[0].endswith("¤")
        else f"{symbol}{digits}"
    )
