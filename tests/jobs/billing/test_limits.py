"""Whose limit counts, in which month, up to which micro; and what of it is said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from jobs.billing import balances, budget, ledger
from jobs.engine import checks
from jobs.models import Balance, Budget, DayBalance, Job, LedgerEntry
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db
HELD = 45_876  # micros of 4 s of emo-v1 at 1:1
MARCH = date(2026, 3, 1)


@pytest.fixture
def theirs(stranger: User) -> Team:
    """Another team, in which everybody has limits and holds of their own."""
    return stranger.memberships.get().team


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), date(2026, 3, 1)),
        (datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), date(2026, 3, 1)),
        (datetime(2026, 4, 1, 1, tzinfo=timezone(timedelta(hours=2))), date(2026, 3, 1)),
        (datetime(2026, 3, 31, 23, tzinfo=timezone(timedelta(hours=-2))), date(2026, 4, 1)),
    ],
)
def test_months_are_those_of_utc(moment: datetime, month: date) -> None:
    assert budget.month_of(moment) == month


def test_the_month_of_now_is_that_of_the_sites_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    there = datetime(2027, 2, 28, 12, tzinfo=UTC)
    monkeypatch.setattr("studio.common.clock.now", lambda: there)
    assert budget.month_of() == date(2027, 2, 1)


@pytest.mark.parametrize(
    ("month", "after"),
    [
        (date(2026, 1, 1), date(2026, 2, 1)),
        (date(2026, 11, 1), date(2026, 12, 1)),
        (date(2026, 12, 1), date(2027, 1, 1)),
    ],
)
def test_the_month_after(month: date, after: date) -> None:
    assert budget.next_month(month) == after


def test_a_status_is_of_one_team_month_and_person(
    team: Team, creator: User, owner: User, theirs: Team, stranger: User
) -> None:
    for one, person in ((team, creator), (team, owner), (theirs, stranger), (theirs, creator)):
        makers.account(one)
        makers.job(one, person)
    done = makers.job(team, creator)
    ledger.settle(done, Decimal(2), "1:1")
    Budget.objects.create(team=theirs, micros=1)
    Budget.objects.create(team=theirs, member=creator, micros=2)
    Budget.objects.create(team=team, member=owner, micros=3)
    Budget.objects.create(team=team, member=creator, micros=4)
    Budget.objects.create(team=team, micros=5)
    assert budget.status(team) == budget.BudgetStatus("USD", 5, 2 * HELD, 22_938)
    assert budget.status(team, creator) == budget.BudgetStatus("USD", 4, HELD, 22_938)
    assert budget.status(team, owner) == budget.BudgetStatus("USD", 3, HELD, 0)
    assert budget.status(theirs, stranger).limit is None
    assert (budget.status(theirs).limit, budget.status(theirs, creator).limit) == (1, 2)
    assert budget.status(team, month=MARCH) == budget.BudgetStatus("USD", 5, 0, 0)


@pytest.mark.parametrize(("limit", "left"), [(None, None), (10, 3), (7, 0), (5, 0)])
def test_what_is_left_is_never_less_than_nothing(limit: int | None, left: int | None) -> None:
    status = budget.BudgetStatus("USD", limit, 3, 4)
    assert (status.used, status.left) == (7, left)


# ── room ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("of_member", [False, True])
def test_room_up_to_the_last_micro(team: Team, creator: User, of_member: bool) -> None:
    makers.job(team, creator)
    Budget.objects.create(team=team, member=creator if of_member else None, micros=HELD + 10)
    budget.require_room(team, creator, 10)
    with pytest.raises(budget.OverBudget):
        budget.require_room(team, creator, 11)
    budget.require_room(team, creator, 11, MARCH)


@pytest.mark.parametrize("of_member", [False, True])
def test_one_micro_needs_room_and_nothing_needs_none(
    team: Team, creator: User, of_member: bool
) -> None:
    Budget.objects.create(team=team, member=creator if of_member else None, micros=0)
    budget.require_room(team, creator, 0)
    with pytest.raises(budget.OverBudget):
        budget.require_room(team, creator, 1)


def test_limits_of_others_and_elsewhere_stop_nobody(
    team: Team, creator: User, owner: User, theirs: Team
) -> None:
    Budget.objects.create(team=team, member=owner, micros=0)
    Budget.objects.create(team=theirs, member=creator, micros=0)
    Budget.objects.create(team=theirs, micros=0)
    budget.require_room(team, creator, 10**9)


def test_what_others_hold_counts_for_the_team_and_not_for_the_person(
    team: Team, creator: User, owner: User, theirs: Team
) -> None:
    makers.job(team, owner)
    makers.account(theirs)
    makers.job(theirs, creator)
    limit = Budget.objects.create(team=team, member=creator, micros=10)
    budget.require_room(team, creator, 10)
    limit.member, limit.micros = None, HELD + 10
    limit.save(update_fields=["member", "micros"])
    budget.require_room(team, creator, 10)
    with pytest.raises(budget.OverBudget):
        budget.require_room(team, creator, 11)


def test_the_refusal_names_whose_limit_it_is_and_what_is_left(team: Team, creator: User) -> None:
    limit = Budget.objects.create(team=team, member=creator, micros=1_250_000)
    with pytest.raises(budget.OverBudget) as refused:
        budget.require_room(team, creator, 2_000_000, MARCH)
    assert str(refused.value) == (
        "This needs $2.0000, and Chidi’s limit in Studio North has $1.25 of $1.25 left in March. "
        "It begins anew on 1 Apr; an owner can raise it."
    )
    limit.member, limit.micros = None, 0
    limit.save(update_fields=["member", "micros"])
    with pytest.raises(budget.OverBudget) as refused:
        budget.require_room(team, creator, 2_000_000, MARCH)
    assert str(refused.value) == (
        "This needs $2.0000, and the limit of Studio North has $0.00 of $0.00 left in March. "
        "It begins anew on 1 Apr; an owner can raise it."
    )


# ── who spent what ────────────────────────────────────────────────────────────────────────────────


def test_who_spent_what_is_of_one_team_and_month(
    team: Team, creator: User, owner: User, theirs: Team, stranger: User, account: object
) -> None:
    job, waiting = makers.job(team, creator), makers.job(team, owner)
    ledger.settle(job, Decimal("3.5"), "1:1")
    makers.account(theirs)
    makers.job(theirs, stranger)
    ledger.adjust(team, 100_000, "a credit that was taken back", owner)
    this = budget.month_of()
    rows = budget.spend_by_member(team, this)
    assert rows == [
        budget.MemberSpend(None, 0, 100_000, 0, 0, Decimal(0)),
        budget.MemberSpend(owner, waiting.quote_micros, 0, 0, 0, Decimal(0)),
        budget.MemberSpend(creator, 0, 40_142, 1, 0, Decimal("3.5")),
    ]
    assert budget.spend_by_member(team, MARCH) == []


def test_checks_are_counted_apart_from_films(team: Team, creator: User, account: object) -> None:
    check = makers.check(makers.asset(team), team.accounts.get())
    quote = checks.price(check.model, check.account)
    ledger.hold(check, quote, team, creator)
    ledger.settle(check, Decimal(1), "")
    (row,) = budget.spend_by_member(team, budget.month_of())
    assert (row.jobs, row.checks, row.settled, row.seconds) == (0, 1, quote.micros, Decimal(0))


# ── counted anew ──────────────────────────────────────────────────────────────────────────────────


def test_balances_that_are_wrong_are_named_and_mended(team: Team, creator: User) -> None:
    """What each lacks of its entries, whichever way it is wrong."""
    job = makers.job(team, creator)
    ledger.settle(job, Decimal(4), "1:1")
    assert list(balances.differences()) == []
    rows = [columns for table in (Balance, DayBalance) for columns in table.objects.values()]
    Balance.objects.filter(of_holds=True).update(held=0)
    DayBalance.objects.all().delete()
    found = list(balances.differences())
    assert [table for table, _key, _lacks in found] == [Balance, DayBalance]
    assert found[0][2]["held"] == HELD
    assert {name for name, n in found[0][2].items() if n} == {"held"}
    assert found[0][1]["team_id"] == team.pk
    assert set(found[0][1]) == set(balances.BALANCE_KEY)
    assert found[1][2] == {"settled": HELD, "milliunits": 4000}
    assert balances.recount() == len(rows)
    assert list(balances.differences()) == []
    again = [columns for table in (Balance, DayBalance) for columns in table.objects.values()]
    assert [{**one, "id": 0} for one in again] == [{**one, "id": 0} for one in rows]


def test_a_balance_that_cannot_be_made_is_no_silence(
    team: Team, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry would be in no sum."""
    job = makers.job(team, creator)
    entry = LedgerEntry.objects.get(job=job)
    Balance.objects.all().delete()
    monkeypatch.setattr(
        type(Balance._default_manager), "bulk_create", lambda *args, **more: None, raising=False
    )
    with pytest.raises(RuntimeError, match="neither there nor can it be made"):
        balances.add([entry])
    assert Job.objects.count() == 1
