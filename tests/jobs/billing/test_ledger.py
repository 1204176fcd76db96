from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from jobs.billing import budget, ledger, periods, prices, seed_prices
from jobs.billing.limit_use import BudgetStatus
from jobs.catalogue import entries
from jobs.models import Budget, LedgerEntry, Price
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db


def test_the_seeds_example() -> None:
    quote = prices.quote(entries.EMO, "1:1", Decimal("13.93"), currency="USD")
    assert quote.micros == 159_763
    assert quote.formula == "13.93 s × $0.011469"
    assert prices.format_money(quote.micros, "USD") == "$0.1598"


def test_every_model_variant_and_region_has_a_price() -> None:
    for model in entries.MODELS.values():
        for row in model.prices:
            price = prices.price_of(model.name, row.variant, row.currency, row.region)
            assert (price.micros, price.unit, price.source) == (row.micros, row.unit, row.source)


def test_a_price_of_the_region_comes_first() -> None:
    assert (
        prices.price_of("wan2.2-animate-move", "wan-std", "USD", "ap-southeast-1").micros == 120_000
    )
    assert prices.price_of("wan2.2-animate-move", "wan-std", "USD", "cn-beijing").micros == 57_347


def test_a_new_price_counts_from_its_day_and_old_days_keep_theirs() -> None:
    Price.objects.create(
        model="emo-v1",
        variant="1:1",
        currency="USD",
        unit="second",
        micros=20_000,
        effective_from=date(2026, 3, 1),
        source="test",
    )
    assert prices.price_of("emo-v1", "1:1", "USD", at=date(2026, 2, 28)).micros == 11_469
    assert prices.price_of("emo-v1", "1:1", "USD", at=date(2026, 3, 1)).micros == 20_000


def test_seeding_adds_what_is_missing_and_touches_nothing(
    django_assert_num_queries: Any,
) -> None:
    rows = Price.objects.count()
    Price.objects.filter(model="emo-v1", variant="1:1").update(micros=1, source="a letter")
    Price.objects.filter(model="emo-v1", variant="3:4").delete()
    with django_assert_num_queries(2):
        seed_prices.seed()
    assert Price.objects.count() == rows
    assert prices.price_of("emo-v1", "1:1", "USD").source == "a letter"
    assert prices.price_of("emo-v1", "3:4", "USD").micros == 22_937


def test_no_price_is_never_zero() -> None:
    with pytest.raises(prices.NoPrice, match="nothing can be sent"):
        prices.quote(entries.EMO, "16:9", Decimal(1), currency="USD")
    with pytest.raises(prices.NoPrice):
        prices.price_of("emo-v1", "1:1", "USD", at=date(2020, 1, 1))


@given(micros=st.integers(0, 10**9), milliseconds=st.integers(0, 3_600_000))
def test_amount_is_exact_and_rounds_once(micros: int, milliseconds: int) -> None:
    price = Price(micros=micros, currency="USD", unit="second")
    exact = micros * milliseconds
    assert prices.amount(price, Decimal(milliseconds) / 1000) == (exact + 500) // 1000


@pytest.mark.parametrize(
    ("micros", "places", "text"),
    [
        (0, 4, "$0.0000"),
        (472_500, 4, "$0.4725"),
        (472_549, 4, "$0.4725"),
        (472_550, 4, "$0.4726"),
        (-5, 6, "−$0.000005"),
    ],
)
def test_shown(micros: int, places: int, text: str) -> None:
    assert prices.format_money(micros, "USD", places) == text


def test_left_is_rounded_down() -> None:
    assert prices.format_money_left(319_999, "USD") == "$0.31"


def test_a_hold_becomes_the_settlement(team: Team, creator: User) -> None:
    job = makers.job(team, creator, milliseconds=4000)
    assert budget.status(team) == BudgetStatus("USD", None, 45_876, 0)
    assert ledger.settle(job, Decimal("3.93"), "1:1") == 45_073
    assert ledger.settle(job, Decimal("3.93"), "1:1") == 45_073, "twice writes once"
    ledger.release(job)
    assert budget.status(team) == BudgetStatus("USD", None, 0, 45_073)
    assert job.ledger.count() == 2


def test_what_was_billed_decides_the_variant(team: Team, creator: User) -> None:
    job = makers.job(team, creator)
    assert ledger.settle(job, Decimal(4), "3:4") == 4 * 22_937


def test_a_variant_without_a_price_is_settled_as_quoted_and_noted(
    team: Team, creator: User
) -> None:
    """A video must not be lost for a missing price row."""
    job = makers.job(team, creator)
    assert ledger.settle(job, Decimal(4), "16:9") == 45_876
    assert "no price for what was billed (16:9)" in job.ledger.get(kind="settle").note


def test_a_release_leaves_nothing(team: Team, creator: User) -> None:
    job = makers.job(team, creator)
    ledger.release(job)
    ledger.release(job)
    assert budget.status(team).used == 0
    assert job.ledger.count() == 2


def test_the_ledger_cannot_be_changed(team: Team, creator: User) -> None:
    entry = makers.job(team, creator).ledger.get()
    entry.held = 1
    with pytest.raises(ValidationError):
        entry.save()
    with pytest.raises(ValidationError):
        entry.delete()
    with pytest.raises(ValidationError):
        LedgerEntry.objects.all().delete()
    with pytest.raises(ValidationError):
        LedgerEntry.objects.update(held=0)


@pytest.mark.parametrize("of_member", [False, True])
def test_a_limit_is_hard_and_named(team: Team, creator: User, owner: User, of_member: bool) -> None:
    Budget.objects.create(team=team, member=creator if of_member else None, micros=100_000)
    makers.job(team, creator, milliseconds=4000)
    makers.job(team, creator, milliseconds=4000)
    with pytest.raises(
        budget.OverBudget,
        match=r"needs \$0\.0459, and .* has \$0\.00 of \$0\.10 left in .* begins anew on 1 ",
    ):
        makers.job(team, creator, milliseconds=4000)
    if of_member:
        makers.job(team, owner, milliseconds=4000)  # another member is not touched


def test_zero_stops_everything_and_no_row_nothing(team: Team, creator: User) -> None:
    makers.job(team, creator)
    Budget.objects.create(team=team, micros=0)
    with pytest.raises(budget.OverBudget):
        makers.job(team, creator)


def test_a_release_makes_room_again(team: Team, creator: User) -> None:
    Budget.objects.create(team=team, micros=50_000)
    ledger.release(makers.job(team, creator, milliseconds=4000))
    makers.job(team, creator, milliseconds=4000)


def test_the_hold_belongs_into_a_transaction(
    team: Team, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = makers.job(team, creator)
    quote = prices.quote(entries.EMO, "1:1", Decimal(1), currency="USD")
    monkeypatch.setattr(transaction.get_connection(), "in_atomic_block", False)
    with pytest.raises(RuntimeError):
        ledger.hold(job, quote, team, creator, attempt=2)


def test_spend_by_member(team: Team, creator: User, owner: User) -> None:
    account = makers.account(team)
    ledger.settle(makers.job(team, creator, account=account), Decimal("3.9"), "1:1")
    makers.job(team, owner, account=account)
    rows = budget.spend_by_member(team, periods.month_of(team))
    assert [(row.member, row.settled, row.held, row.jobs, row.seconds) for row in rows] == [
        (owner, 0, 45_876, 0, Decimal(0)),
        (creator, 44_729, 0, 1, Decimal("3.900")),
    ]


def test_december_is_followed_by_january() -> None:
    assert periods.next_month(date(2026, 12, 1)) == date(2027, 1, 1)
    assert periods.next_month(date(2026, 11, 1)) == date(2026, 12, 1)
