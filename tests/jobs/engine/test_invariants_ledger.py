"""`verify` finds an entry with a wrong month, person, model or price, and a balance that is not its
sum. What is wrong is written behind the guard's back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from jobs.billing import append_only, balances, budget, ledger, prices
from jobs.catalogue import entries
from jobs.engine import invariants_ledger
from jobs.engine.invariant_tally import Tally
from jobs.models import Account, Balance, DayBalance, Job, LedgerEntry, Price
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(team: Team, creator: User, owner: User, account: Account) -> Job:
    """A job that was settled and corrected, one that was released, one that holds, and a check."""
    done = makers.job(team, creator, account=account, milliseconds=4000)
    ledger.settle(done, Decimal("3.93333"), "1:1")
    ledger.adjust(team, -8, "billed twice", owner, subject=done)
    ledger.adjust(team, 8, "a gift", owner)
    ledger.release(makers.job(team, creator, account=account))
    makers.job(team, owner, account=account)
    check = makers.check(makers.asset(team), account, asked_by=creator)
    quote = prices.quote(entries.get(check.model), "", Decimal(1), currency=team.currency)
    for attempt in (1, 2):
        with transaction.atomic():
            ledger.hold(check, quote, team, creator if attempt == 1 else owner, attempt)
        ledger.settle(check, Decimal(1), "", attempt=attempt)
    return done


def broken() -> list[str]:
    return [*invariants_ledger.entries_fit(Tally()), *invariants_ledger.balances_hold(Tally())]


@contextmanager
def unguarded() -> Iterator[Any]:
    append_only.unprotect(connection)
    with connection.cursor() as cursor:
        yield cursor
    append_only.protect(connection)


def wrong(entry: LedgerEntry, **columns: Any) -> list[str]:
    """What is said when these columns of `entry` are changed, and its balances with them."""
    names = ", ".join(f"{name} = %s" for name in columns)
    with unguarded() as cursor:
        cursor.execute(
            f"UPDATE jobs_ledgerentry SET {names} WHERE id = %s", [*columns.values(), entry.pk]
        )
    balances.recount()
    found = broken()
    assert all(f"entry {entry.pk} " in sentence or "its hold" in sentence for sentence in found)
    return found


def test_what_the_ledger_wrote_holds(job: Job) -> None:
    tally = Tally()
    assert broken() == []
    assert list(invariants_ledger.entries_fit(tally)) == []
    assert tally.seen == LedgerEntry.objects.count() == 11


@pytest.mark.parametrize("kind", ["hold", "settle", "adjust"])
@pytest.mark.parametrize(
    ("column", "word"),
    [("month", "2026-01|month"), ("member_id", "person"), ("model", "wan2.2-s2v")],
)
def test_another_month_person_or_model(
    job: Job, stranger: User, kind: str, column: str, word: str
) -> None:
    values = {"month": "2026-01-01", "member_id": stranger.pk, "model": "wan2.2-s2v"}
    found = wrong(job.ledger.get(kind=kind), **{column: values[column]})
    assert found
    assert any(part in sentence for part in word.split("|") for sentence in found)


def test_a_price_of_another_model(job: Job) -> None:
    other = Price.objects.filter(model="wan2.2-s2v").first()
    assert other is not None
    (said,) = wrong(job.ledger.get(kind="settle"), price_id=other.pk)
    assert "has a price of wan2.2-s2v" in said


def a_price(day: date) -> Price:
    return Price.objects.create(
        model="emo-v1",
        variant="1:1",
        currency="USD",
        unit="second",
        micros=90_000,
        effective_from=day,
        source="test",
    )


def test_a_price_of_after_the_hold(job: Job) -> None:
    later = a_price(date(2999, 1, 1))
    (said,) = wrong(job.ledger.get(kind="settle"), price_id=later.pk)
    assert "has a price of 2999-01-01, and was reserved on" in said


def test_a_price_that_another_had_replaced(job: Job) -> None:
    newer = a_price(date(2026, 3, 1))
    assert broken() == [], "it was entered after the hold"
    Price.objects.filter(pk=newer.pk).update(created_at="2026-03-01T00:00:00Z")
    found = broken()
    assert found
    assert all("2026-03-01 was in force" in sentence for sentence in found)


def test_a_hold_that_is_not_its_units(job: Job) -> None:
    said = wrong(job.ledger.get(kind="hold"), held=45_875)
    assert any("holds 45875 millionths; 4.000 units at 11469 are 45876" in one for one in said)


def test_a_hold_with_another_price_than_its_job(job: Job) -> None:
    tall = prices.price_of("emo-v1", "3:4", "USD")
    said = wrong(job.ledger.get(kind="hold"), price_id=tall.pk, held=4 * 22_937)
    assert len(said) == 1
    assert f"has price {tall.pk}, and the job {job.price_id}" in said[0]


def test_an_end_without_a_hold(job: Job) -> None:
    (said,) = wrong(job.ledger.get(kind="settle"), attempt=7)
    assert "ends a hold that is not there" in said


def test_a_release_with_another_price(job: Job) -> None:
    tall = prices.price_of("emo-v1", "3:4", "USD")
    (said,) = wrong(LedgerEntry.objects.get(kind="release"), price_id=tall.pk)
    assert "has price" in said


def test_more_than_was_held_without_a_word(job: Job) -> None:
    """Up to a second of it is what a bill rounds, which older versions did not note."""
    settled = job.ledger.get(kind="settle")
    second = settled.price.micros
    assert wrong(settled, settled=45_876 + second) == []
    (said,) = wrong(settled, settled=45_876 + second + 1)
    assert "more than the 45876 reserved, without a word" in said


@pytest.mark.parametrize(
    ("columns", "word"), [({"note": ""}, "without a reason"), ({"held": 5}, "holds nothing")]
)
def test_a_correction_that_is_none(job: Job, columns: dict[str, Any], word: str) -> None:
    (said,) = wrong(job.ledger.get(kind="adjust"), **columns)
    assert word in said


def test_a_ledger_without_its_guard(job: Job) -> None:
    append_only.unprotect(connection)
    assert broken() == [
        "The database lets ledger entries be changed; manage.py migrate forbids it again."
    ]


@pytest.mark.parametrize("table", [Balance, DayBalance])
def test_a_balance_that_is_not_its_sum(job: Job, table: Any, team: Team) -> None:
    row = table.objects.exclude(settled=0).first()
    table.objects.filter(pk=row.pk).update(settled=row.settled + 5)
    (said,) = broken()
    assert "lacks -5 settled of its entries (manage.py recount)" in said
    table.objects.filter(pk=row.pk).delete()
    (said,) = broken()
    assert f"lacks {row.settled:+} settled" in said or "+1 entries" in said
    balances.recount()
    assert broken() == []
    assert budget.status(team).used == sum(
        entry.held + entry.settled for entry in LedgerEntry.objects.all()
    )
