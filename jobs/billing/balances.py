"""The running sums of the ledger: each entry is added to its balances in the transaction that
writes it. Only `ledger` calls `add`.

A transaction takes its locks in this order, so that no two wait for each other: the team's row, the
rows of jobs and checks, the balances of holds (which only a holder of the team's row writes), the
other balances in the order of their keys, the days of settlements, those of holds and then the use
of API keys, each in the order of theirs. Nothing is locked after them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date

from django.db import connection, models, transaction

from jobs.models import Balance, DayBalance, HoldDay, KeyUse, LedgerEntry

Value = int | str | date | None
Key = dict[str, Value]
Sums = dict[str, int]
_KIND = LedgerEntry.Kind

BALANCE_KEY = ("team_id", "month", "member_id", "currency", "model", "of_holds")
BALANCE_SUMS = (
    "held",
    "settled",
    "entries",
    "releases",
    "jobs",
    "milliseconds",
    "checks",
    "checks_settled",
)
DAY_KEY = ("team_id", "month", "day", "model", "price_id")
DAY_SUMS = ("settled", "milliunits")
HOLD_DAY_KEY = ("team_id", "day", "member_id", "currency", "of_holds")
HOLD_DAY_SUMS = ("held", "settled", "entries")
KEY_USE_KEY = ("key_id", "month", "currency")
KEY_USE_SUMS = ("settled", "entries", "jobs", "milliseconds", "checks")


# ── with each entry ───────────────────────────────────────────────────────────────────────────────


def add(entries: Sequence[LedgerEntry]) -> None:
    """Add entries that were written in this transaction. It must lock nothing afterwards but what
    no other transaction waits for while it holds a balance."""
    _add_all(Balance, [(_balance_key(entry), _balance_sums(entry)) for entry in entries])
    paid = [entry for entry in entries if _has_day(entry)]
    _add_all(DayBalance, [(_day_key(entry), _day_sums(entry)) for entry in paid])
    dated = [entry for entry in entries if entry.day is not None]
    _add_all(HoldDay, [(_hold_day_key(entry), _hold_day_sums(entry)) for entry in dated])
    sent = [entry for entry in entries if entry.key_id is not None]
    _add_all(KeyUse, [(_key_use_key(entry), _key_use_sums(entry)) for entry in sent])


def _add_all(table: type[models.Model], rows: list[tuple[Key, Sums]]) -> None:
    for key, sums in sorted(rows, key=lambda row: [str(value) for value in row[0].values()]):
        if not any(sums.values()) or _added(table, key, sums):
            continue
        # Another transaction may be making the same row: then this waits for it and makes none.
        table._default_manager.bulk_create([table(**key)], ignore_conflicts=True)
        if not _added(table, key, sums):
            raise RuntimeError(f"{table.__name__} {key} is neither there nor can it be made")


def _added(table: type[models.Model], key: Key, sums: Sums) -> bool:
    """Whether the row was there and has the sums now. Put together by hand: every click does it
    under the team's lock, and a queryset costs several times as much."""
    more = {name: n for name, n in sums.items() if n}
    known = {name: value for name, value in key.items() if value is not None}
    tests = [f"{name} = %s" if name in known else f"{name} IS NULL" for name in key]
    sets = ", ".join(f"{name} = {name} + %s" for name in more)
    with connection.cursor() as cursor:
        # Names of tables and columns of ours, no word of anybody else.
        cursor.execute(
            f"UPDATE {table._meta.db_table} SET {sets} WHERE {' AND '.join(tests)}",  # noqa: S608
            [*more.values(), *map(for_database, known.values())],
        )
        return bool(cursor.rowcount)


def for_database(value: Value) -> Value:
    """A day as this database's driver takes it; anything else as it is."""
    if isinstance(value, date):
        day: Value = connection.ops.adapt_datefield_value(value)
        return day
    return value


def _balance_key(entry: LedgerEntry) -> Key:
    return {
        "team_id": entry.team_id,
        "month": entry.month,
        "member_id": entry.member_id,
        "currency": entry.currency,
        "model": entry.model,
        "of_holds": entry.kind == _KIND.HOLD,
    }


def _balance_sums(entry: LedgerEntry) -> Sums:
    settles, of_job = entry.kind == _KIND.SETTLE, entry.job_id is not None
    of_check = entry.check_asked_id is not None
    return {
        "held": entry.held,
        "settled": entry.settled,
        "entries": 1,
        "releases": int(entry.kind == _KIND.RELEASE),
        "jobs": int(settles and of_job),
        "milliseconds": int((entry.units or 0) * 1000) if settles and of_job else 0,
        "checks": int(settles and of_check),
        "checks_settled": entry.settled if of_check else 0,
    }


def _has_day(entry: LedgerEntry) -> bool:
    return entry.kind in (_KIND.SETTLE, _KIND.ADJUST)


def _day_key(entry: LedgerEntry) -> Key:
    return {
        "team_id": entry.team_id,
        "month": entry.month,
        "day": entry.written_on or entry.created_at.astimezone(UTC).date(),
        "model": entry.model,
        "price_id": entry.price_id,
    }


def _day_sums(entry: LedgerEntry) -> Sums:
    return {"settled": entry.settled, "milliunits": int((entry.units or 0) * 1000)}


def _hold_day_key(entry: LedgerEntry) -> Key:
    return {
        "team_id": entry.team_id,
        "day": entry.day,
        "member_id": entry.member_id,
        "currency": entry.currency,
        "of_holds": entry.kind == _KIND.HOLD,
    }


def _hold_day_sums(entry: LedgerEntry) -> Sums:
    return {"held": entry.held, "settled": entry.settled, "entries": 1}


def _key_use_key(entry: LedgerEntry) -> Key:
    return {"key_id": entry.key_id, "month": entry.month, "currency": entry.currency}


def _key_use_sums(entry: LedgerEntry) -> Sums:
    sums = _balance_sums(entry)
    return {name: sums[name] for name in KEY_USE_SUMS}


# ── from the whole ledger ─────────────────────────────────────────────────────────────────────────

# What each entry adds, a row per entry, as the `…_sums` above have it.
_BALANCE_ROWS = """
    SELECT team_id, month, member_id, currency, model, kind = 'hold' AS of_holds, held, settled,
        1 AS entries, CASE WHEN kind = 'release' THEN 1 ELSE 0 END AS releases,
        CASE WHEN kind = 'settle' AND job_id IS NOT NULL THEN 1 ELSE 0 END AS jobs,
        CASE WHEN kind = 'settle' AND job_id IS NOT NULL
            THEN CAST(ROUND(COALESCE(units, 0) * 1000) AS BIGINT) ELSE 0 END AS milliseconds,
        CASE WHEN kind = 'settle' AND check_asked_id IS NOT NULL THEN 1 ELSE 0 END AS checks,
        CASE WHEN check_asked_id IS NOT NULL THEN settled ELSE 0 END AS checks_settled
    FROM jobs_ledgerentry
"""
_DAY_ROWS = """
    SELECT team_id, month, {day} AS day, model, price_id, settled,
        CAST(ROUND(COALESCE(units, 0) * 1000) AS BIGINT) AS milliunits
    FROM jobs_ledgerentry WHERE kind IN ('settle', 'adjust')
"""
# Entries of before teams had time zones were written on a day of UTC.
_DAY = {
    "sqlite": "COALESCE(written_on, date(created_at))",
    "postgresql": "COALESCE(written_on, CAST(created_at AT TIME ZONE 'UTC' AS date))",
}
_HOLD_DAY_ROWS = """
    SELECT team_id, day, member_id, currency, kind = 'hold' AS of_holds, held, settled, 1 AS entries
    FROM jobs_ledgerentry WHERE day IS NOT NULL
"""
_KEY_USE_ROWS = """
    SELECT key_id, month, currency, settled, 1 AS entries,
        CASE WHEN kind = 'settle' AND job_id IS NOT NULL THEN 1 ELSE 0 END AS jobs,
        CASE WHEN kind = 'settle' AND job_id IS NOT NULL
            THEN CAST(ROUND(COALESCE(units, 0) * 1000) AS BIGINT) ELSE 0 END AS milliseconds,
        CASE WHEN kind = 'settle' AND check_asked_id IS NOT NULL THEN 1 ELSE 0 END AS checks
    FROM jobs_ledgerentry WHERE key_id IS NOT NULL
"""


def _tables() -> list[tuple[type[models.Model], str, tuple[str, ...], tuple[str, ...]]]:
    days = _DAY_ROWS.format(day=_DAY[connection.vendor])
    return [
        (Balance, _BALANCE_ROWS, BALANCE_KEY, BALANCE_SUMS),
        (DayBalance, days, DAY_KEY, DAY_SUMS),
        (HoldDay, _HOLD_DAY_ROWS, HOLD_DAY_KEY, HOLD_DAY_SUMS),
        (KeyUse, _KEY_USE_ROWS, KEY_USE_KEY, KEY_USE_SUMS),
    ]


def recount() -> int:
    """Write all balances anew from the ledger; how many rows there are now. Whoever writes the
    ledger waits meanwhile."""
    made = 0
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE jobs_ledgerentry IN SHARE ROW EXCLUSIVE MODE")
        for table, rows, key, sums in _tables():
            table._default_manager.all().delete()
            summed = ", ".join(f"SUM({name})" for name in sums)
            names = ", ".join(key)
            # Names of columns of ours, no word of anybody else.
            cursor.execute(
                f"INSERT INTO {table._meta.db_table} ({names}, {', '.join(sums)}) "  # noqa: S608
                f"SELECT {names}, {summed} FROM ({rows}) AS entry GROUP BY {names}"
            )
            made += cursor.rowcount
    return made


def differences() -> Iterator[tuple[type[models.Model], Key, Sums]]:
    """What each balance lacks of the sums of its entries, where that is not nothing. One statement
    a table, so that it sees one moment of a site at work."""
    for table, rows, key, sums in _tables():
        summed = ", ".join(f"SUM({name}) AS {name}" for name in sums)
        missing = " OR ".join(f"SUM({name}) <> 0" for name in sums)
        taken, names = ", ".join(f"-{name}" for name in sums), ", ".join(key)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {names}, {summed} FROM ({rows} UNION ALL "  # noqa: S608
                f"SELECT {names}, {taken} FROM {table._meta.db_table}) AS entry "
                f"GROUP BY {names} HAVING {missing}"
            )
            for row in cursor.fetchall():
                lacks = {name: int(n) for name, n in zip(sums, row[len(key) :], strict=True)}
                yield table, dict(zip(key, row, strict=False)), lacks
