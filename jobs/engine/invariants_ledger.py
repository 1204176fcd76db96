"""Invariants of the ledger itself: what every entry says of month, person, model and price, and
that the balances are its sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from django.db import connection, models

from jobs.billing import append_only, balances, prices
from jobs.engine.invariant_tally import CHUNK, Tally
from jobs.models import Balance, DayBalance, HoldDay, KeyUse, LedgerEntry, Price
from studio.models.audit import GUARDS

_KIND = LedgerEntry.Kind


class _Entry(NamedTuple):
    """An entry, with what its job or check says of the same."""

    pk: int
    kind: str
    attempt: int
    team_id: int
    member_id: int | None
    month: date
    day: date | None
    currency: str
    model: str
    price_id: int | None
    units: Decimal | None
    held: int
    settled: int
    note: str
    created_at: datetime
    job_id: int | None
    job__public_id: str | None
    job__team_id: int | None
    job__owner_id: int | None
    job__model: str | None
    job__price_id: int | None
    job__adopted: bool | None
    check_asked_id: int | None
    check_asked__public_id: str | None
    check_asked__team_id: int | None
    check_asked__model: str | None


_OF_HOLD = ("team_id", "member_id", "month", "day", "currency", "model")
# A quote and a month are taken a moment before the entry is written, perhaps on the day before.
_MOMENT = timedelta(minutes=1)
# A day begins first in zones 14 hours ahead of UTC and ends last in those 12 hours behind.
_FIRST, _LAST = timedelta(hours=-14), timedelta(hours=36) + _MOMENT


def entries_fit(tally: Tally) -> Iterator[str]:
    """A hold has a day that it was somewhere then, the month of that day, and person, model and
    price of its job; what ends it, or corrects it, those of the hold. Every price is of the model
    and was in force on the hold's day. What is more than was held says why, as does every
    correction."""
    if not append_only.protected(connection):
        yield "The database lets ledger entries be changed; manage.py migrate forbids it again."
    for guard in GUARDS:
        if not guard.protected(connection):
            where = guard.table
            yield f"The database lets rows of {where} be changed; manage.py migrate forbids it."
    known = _Prices()
    rows = LedgerEntry.objects.order_by("job_id", "check_asked_id", "pk")
    lines = map(_Entry._make, rows.values_list(*_Entry._fields).iterator(CHUNK))
    for _subject, entries in groupby(lines, key=lambda row: (row.job_id, row.check_asked_id)):
        holds: dict[int, _Entry] = {}
        for entry in entries:
            tally.seen += 1
            if entry.kind == _KIND.HOLD:
                holds[entry.attempt] = entry
                wrong = _wrong_hold(entry, known)
            elif entry.kind == _KIND.ADJUST:
                wrong = _wrong_adjustment(entry, list(holds.values()))
            else:
                wrong = _wrong_end(entry, holds.get(entry.attempt), known)
            for what in wrong:
                yield f"{_name(entry)} {what}."


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _name(entry: _Entry) -> str:
    whose = f"team {entry.team_id}"
    if entry.job_id or entry.check_asked_id:
        job, check = entry.job__public_id, entry.check_asked__public_id
        whose = f"job {job}" if entry.job_id else f"check {check}"
    return f"Ledger entry {entry.pk} ({entry.kind}) of {whose}"


def _wrong_hold(entry: _Entry, known: _Prices) -> Iterator[str]:
    at = entry.created_at
    if entry.day is not None and not _FIRST <= at - _midnight(entry.day) <= _LAST:
        yield f"counts for {entry.day} and was written on {at:%Y-%m-%d}"
    # Without a day it was written by a version whose months were those of UTC.
    days = (
        [entry.day] if entry.day else [when.astimezone(UTC).date() for when in (at, at - _MOMENT)]
    )
    if entry.month not in [day.replace(day=1) for day in days]:
        yield f"counts for {entry.month:%Y-%m} and was written on {at:%Y-%m-%d}"
    team = entry.job__team_id if entry.job_id else entry.check_asked__team_id
    model = entry.job__model if entry.job_id else entry.check_asked__model
    if (entry.team_id, entry.model) != (team, model):
        yield f"is of team {entry.team_id} and {entry.model} instead of {team} and {model}"
    if entry.job_id and entry.member_id != entry.job__owner_id:
        yield f"is of person {entry.member_id}, and the job of {entry.job__owner_id}"
    if entry.job_id and entry.price_id != entry.job__price_id:
        yield f"has price {entry.price_id}, and the job {entry.job__price_id}"
    price = known.rows.get(entry.price_id or 0)
    if price is None or entry.units is None:
        yield "has no price" if price is None else "has no units"
        return
    due = prices.amount(price, entry.units)
    if entry.held != due and not entry.job__adopted:
        yield f"holds {entry.held} millionths; {entry.units} units at {price.micros} are {due}"
    yield from known.wrong(entry, entry)


def _wrong_end(entry: _Entry, hold: _Entry | None, known: _Prices) -> Iterator[str]:
    if hold is None:
        yield "ends a hold that is not there"
        return
    yield from _unlike(entry, hold)
    if entry.kind == _KIND.RELEASE:
        if entry.price_id != hold.price_id:
            yield f"has price {entry.price_id}, and its hold {hold.price_id}"
        return
    if entry.price_id is not None:  # without one `settled_as_used` says so
        yield from known.wrong(entry, hold)
    # What a bill rounds was not noted by every version: a second of it needs no word.
    price = known.rows.get(entry.price_id or 0)
    rounded = price.micros if price is not None else 0
    if entry.settled - hold.held > rounded and not entry.note:
        more = f"more than the {hold.held} reserved, without a word"
        yield f"settles {entry.settled} millionths, {more}"


def _wrong_adjustment(entry: _Entry, holds: list[_Entry]) -> Iterator[str]:
    if not entry.note:
        yield "corrects something without a reason"
    if entry.held:
        yield f"holds {entry.held} millionths; a correction holds nothing"
    if entry.job_id or entry.check_asked_id:
        if not holds:
            yield "corrects what was never held"
        else:
            yield from _unlike(entry, holds[-1])


def _unlike(entry: _Entry, hold: _Entry) -> Iterator[str]:
    """Where it differs from its hold in what both must say."""
    for name in _OF_HOLD:
        mine, its = getattr(entry, name), getattr(hold, name)
        if mine != its:
            word = name.removesuffix("_id").replace("member", "person")
            yield f"has the {word} {mine}, and its hold {its}"


class _Prices:
    """The price table, which is small: what was in force when."""

    def __init__(self) -> None:
        self.rows: dict[int, Price] = Price.objects.in_bulk()
        self._alike: dict[tuple[str, ...], list[Price]] = defaultdict(list)
        for price in self.rows.values():
            self._alike[self._key(price)].append(price)

    @staticmethod
    def _key(price: Price) -> tuple[str, ...]:
        return price.model, price.variant, price.region, price.currency

    def wrong(self, entry: _Entry, hold: _Entry) -> Iterator[str]:
        """Whether the price of `entry` is one of its model, in force on the day of `hold`."""
        price = self.rows[entry.price_id or 0]
        day = hold.created_at.astimezone(UTC).date()
        if price.model != entry.model:
            yield f"has a price of {price.model}"
        if price.effective_from > day:
            yield f"has a price of {price.effective_from}, and was reserved on {day}"
        if hold.job__adopted:
            return  # found later than it was sent, so its price may be that of before
        known = hold.created_at - _MOMENT
        for newer in self._alike[self._key(price)]:
            if (
                price.effective_from < newer.effective_from <= known.astimezone(UTC).date()
                and newer.created_at <= known
            ):
                yield (
                    f"has the price of {price.effective_from}; on {day} the one of "
                    f"{newer.effective_from} was in force"
                )


_KINDS: dict[type[models.Model], str] = {
    Balance: "balance",
    DayBalance: "daily balance",
    HoldDay: "balance of the holds",
    KeyUse: "use of a key",
}


def balances_hold(tally: Tally) -> Iterator[str]:
    """Every balance is the sum of its entries, and no entry is in none."""
    tally.seen += sum(table._default_manager.count() for table in _KINDS)
    for table, key, lacks in balances.differences():
        whose = ", ".join(f"{name.removesuffix('_id')} {value}" for name, value in key.items())
        what = ", ".join(f"{n:+} {name}" for name, n in lacks.items() if n)
        kind = _KINDS[table]
        yield f"The {kind} of {whose} lacks {what} of its entries (manage.py recount)."
