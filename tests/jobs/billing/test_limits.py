"""Whose limit counts, in which month, up to which micro; and what of it is said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, models

from jobs.billing import append_only, balances, budget, ledger, periods
from jobs.billing.limit_use import BudgetStatus
from jobs.engine import checks
from jobs.models import Balance, Budget, DayBalance, HoldDay, Job, LedgerEntry
from studio.common import time_zones
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db
HELD = 45_876  # micros of 4 s of emo-v1 at 1:1
MARCH = date(2026, 3, 1)


def at(patch: pytest.MonkeyPatch, when: datetime) -> None:
    """It is this moment from now on."""
    patch.setattr("django.utils.timezone.now", lambda: when)


@pytest.fixture
def theirs(stranger: User) -> Team:
    """Another team, in which everybody has limits and holds of their own."""
    return stranger.memberships.get().team


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", datetime(2026, 3, 1, tzinfo=UTC), date(2026, 3, 1)),
        ("UTC", datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), date(2026, 3, 31)),
        ("UTC", datetime(2026, 4, 1, 1, tzinfo=timezone(timedelta(hours=2))), date(2026, 3, 31)),
        ("Europe/Berlin", datetime(2026, 3, 31, 22, tzinfo=UTC), date(2026, 4, 1)),
        ("Europe/Berlin", datetime(2026, 1, 31, 22, 59, tzinfo=UTC), date(2026, 1, 31)),
        ("Asia/Kathmandu", datetime(2026, 3, 31, 18, 15, tzinfo=UTC), date(2026, 4, 1)),
        ("America/Sao_Paulo", datetime(2026, 4, 1, 2, 59, tzinfo=UTC), date(2026, 3, 31)),
        # Samoa had no 30 December 2011.
        ("Pacific/Apia", datetime(2011, 12, 30, 9, 59, tzinfo=UTC), date(2011, 12, 29)),
        ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC), date(2011, 12, 31)),
    ],
)
def test_days_and_months_are_those_of_the_team_s_zone(
    team: Team, zone: str, moment: datetime, day: date
) -> None:
    team.time_zone = zone
    assert periods.day_of(team, moment) == day
    assert periods.month_of(team, moment) == day.replace(day=1)


def test_a_zone_that_is_not_known_any_more_is_utc(
    team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    team.time_zone = "Europe/Atlantis"
    assert periods.day_of(team, datetime(2026, 3, 1, 23, tzinfo=UTC)) == date(2026, 3, 1)
    assert "Europe/Atlantis" in caplog.text


def test_a_zone_is_one_that_is_offered() -> None:
    for name in ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia"):
        time_zones.validate(name)
    for name in ("", "Berlin", "localtime", "../etc/passwd", "Europe/Berlin\x00", "utc"):
        with pytest.raises(ValidationError, match="no time zone"):
            time_zones.validate(name)


def test_now_is_that_of_the_sites_clock(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    there = datetime(2027, 2, 28, 12, tzinfo=UTC)
    monkeypatch.setattr("studio.common.clock.now", lambda: there)
    assert periods.month_of(team) == date(2027, 2, 1)
    assert periods.day_of(team) == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("month", "after"),
    [
        (date(2026, 1, 1), date(2026, 2, 1)),
        (date(2026, 11, 1), date(2026, 12, 1)),
        (date(2026, 12, 1), date(2027, 1, 1)),
    ],
)
def test_the_month_after(month: date, after: date) -> None:
    assert periods.next_month(month) == after


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
    assert budget.status(team) == BudgetStatus("USD", 5, 2 * HELD, 22_938)
    assert budget.status(team, creator) == BudgetStatus("USD", 4, HELD, 22_938)
    assert budget.status(team, owner) == BudgetStatus("USD", 3, HELD, 0)
    assert budget.status(theirs, stranger).limit is None
    assert (budget.status(theirs).limit, budget.status(theirs, creator).limit) == (1, 2)
    assert budget.status(team, month=MARCH) == BudgetStatus("USD", 5, 0, 0)


@pytest.mark.parametrize(("limit", "left"), [(None, None), (10, 3), (7, 0), (5, 0)])
def test_what_is_left_is_never_less_than_nothing(limit: int | None, left: int | None) -> None:
    status = BudgetStatus("USD", limit, 3, 4)
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


def test_the_refusal_names_whose_limit_it_is_and_what_is_left(
    team: Team, creator: User, owner: User
) -> None:
    limit = Budget.objects.create(team=team, member=creator, micros=1_250_000)
    with pytest.raises(budget.OverBudget) as refused:
        budget.require_room(team, creator, 2_000_000, MARCH)
    assert str(refused.value) == (
        "This needs $2.0000, and Chidi’s limit in Studio North for a month has $1.25 of $1.25 left "
        "in March. It begins anew on 1 Apr (UTC). Who can raise it: Aiko."
    )
    limit.member, limit.micros = None, 0
    limit.save(update_fields=["member", "micros"])
    with pytest.raises(budget.OverBudget) as refused:
        budget.require_room(team, creator, 2_000_000, MARCH)
    assert str(refused.value) == (
        "This needs $2.0000, and the limit of Studio North for a month has $0.00 of $0.00 left in "
        "March. It begins anew on 1 Apr (UTC). Who can raise it: Aiko."
    )


# ── per day, for each person, and none at all ─────────────────────────────────────────────────────


def test_the_refusal_of_a_day_s_limit_says_so(team: Team, creator: User, owner: User) -> None:
    Team.objects.filter(pk=team.pk).update(time_zone="Asia/Kathmandu")
    team.refresh_from_db()
    Budget.objects.create(team=team, of_each=True, period="day", micros=1_000_000)
    with pytest.raises(budget.OverBudget) as refused:
        budget.require_room(team, creator, 2_000_000, day=date(2026, 3, 31))
    assert str(refused.value) == (
        "This needs $2.0000, and Chidi’s limit in Studio North for a day has $1.00 of $1.00 left "
        "on 31 Mar. It begins anew on 1 Apr (Asia/Kathmandu). Who can raise it: Aiko."
    )


@pytest.mark.parametrize("who", ["team", "member", "each"])
def test_a_day_s_limit_has_room_again_on_the_next_day(
    team: Team, creator: User, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    Team.objects.filter(pk=team.pk).update(time_zone="Europe/Berlin")
    team.refresh_from_db()
    member = creator if who == "member" else None
    Budget.objects.create(
        team=team, member=member, of_each=who == "each", period="day", micros=HELD
    )
    at(monkeypatch, datetime(2026, 3, 30, 21, 59, tzinfo=UTC))
    job = makers.job(team, creator)
    with pytest.raises(budget.OverBudget):
        makers.job(team, creator, milliseconds=1)
    # Midnight in Berlin is over, also by the clock of the database, which may differ by a moment.
    at(monkeypatch, datetime(2026, 3, 30, 22, 1, tzinfo=UTC))
    makers.job(team, creator)
    assert [day.day for day in team.hold_days.all()] == [date(2026, 3, 31), date(2026, 3, 30)]
    # What ends on the next day makes room on the day of its hold alone.
    ledger.release(job)
    assert budget.day_status(team, creator, date(2026, 3, 30)).used == 0
    with pytest.raises(budget.OverBudget):
        makers.job(team, creator, milliseconds=1)
    assert list(balances.differences()) == []


def test_not_set_no_limit_and_0_are_three_things(team: Team, creator: User, owner: User) -> None:
    Budget.objects.create(team=team, of_each=True, micros=10)
    for person in (creator, owner):
        with pytest.raises(budget.OverBudget):
            budget.require_room(team, person, 11)
    own = Budget.objects.create(team=team, member=creator, micros=None)  # no limit
    budget.require_room(team, creator, 10**12)
    own.micros = 0
    own.save(update_fields=["micros"])
    with pytest.raises(budget.OverBudget):
        budget.require_room(team, creator, 1)
    own.delete()  # not set: as each person
    budget.require_room(team, creator, 10)
    with pytest.raises(budget.OverBudget):
        budget.require_room(team, creator, 11)


def test_no_limit_of_the_person_does_not_lift_the_team_s(team: Team, creator: User) -> None:
    Budget.objects.create(team=team, member=creator, micros=None)
    Budget.objects.create(team=team, micros=5)
    with pytest.raises(budget.OverBudget):
        budget.require_room(team, creator, 6)


def test_another_zone_counts_from_now_on(
    team: Team, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, datetime(2026, 3, 31, 23, tzinfo=UTC))
    before = makers.job(team, creator)
    Team.objects.filter(pk=team.pk).update(time_zone="Europe/Berlin")
    after = makers.job(team, creator)  # the team's row in hand says UTC still
    ledger.settle(before, Decimal(4), "1:1")
    ledger.settle(after, Decimal(4), "1:1")
    rows = LedgerEntry.objects.order_by("pk").values_list("job", "kind", "month", "day")
    march, april = date(2026, 3, 1), date(2026, 4, 1)
    assert list(rows) == [
        (before.pk, "hold", march, date(2026, 3, 31)),
        (after.pk, "hold", april, april),
        (before.pk, "settle", march, date(2026, 3, 31)),
        (after.pk, "settle", april, april),
    ]
    # Written in Berlin's first April hour, both.
    assert {row.day for row in team.days.all()} == {april}
    assert list(balances.differences()) == []


def test_entries_of_before_days_count_for_no_day(team: Team, creator: User) -> None:
    """A ledger is never rewritten: what an older version held is in no sum of a day."""
    job = makers.job(team, creator)
    append_only.unprotect(connection)
    models.QuerySet.update(LedgerEntry.objects.filter(job=job), day=None, written_on=None)
    append_only.protect(connection)
    balances.recount()
    ledger.settle(job, Decimal(4), "1:1")
    assert not team.hold_days.exists()
    assert budget.status(team).settled == HELD
    assert list(balances.differences()) == []


# ── who spent what ────────────────────────────────────────────────────────────────────────────────


def test_who_spent_what_is_of_one_team_and_month(
    team: Team, creator: User, owner: User, theirs: Team, stranger: User, account: object
) -> None:
    job, waiting = makers.job(team, creator), makers.job(team, owner)
    ledger.settle(job, Decimal("3.5"), "1:1")
    makers.account(theirs)
    makers.job(theirs, stranger)
    ledger.adjust(team, 100_000, "a credit that was taken back", owner)
    this = periods.month_of(team)
    rows = budget.spend_by_member(team, this)
    assert rows == [
        budget.MemberSpend(None, 0, 100_000, 0, 0, Decimal(0)),
        budget.MemberSpend(owner, waiting.quote_micros, 0, 0, 0, Decimal(0)),
        budget.MemberSpend(creator, 0, 40_142, 1, 0, Decimal("3.5")),
    ]
    assert budget.spend_by_member(team, MARCH) == []


def test_checks_are_counted_apart_from_videos(team: Team, creator: User, account: object) -> None:
    check = makers.check(makers.asset(team), team.accounts.get())
    quote = checks.price(check.model, check.account)
    ledger.hold(check, quote, team, creator)
    ledger.settle(check, Decimal(1), "")
    (row,) = budget.spend_by_member(team, periods.month_of(team))
    assert (row.jobs, row.checks, row.settled, row.seconds) == (0, 1, quote.micros, Decimal(0))


# ── counted anew ──────────────────────────────────────────────────────────────────────────────────


def all_balances() -> list[dict[str, object]]:
    tables = (Balance, DayBalance, HoldDay)
    return [columns for table in tables for columns in table.objects.values()]


def test_balances_that_are_wrong_are_named_and_mended(team: Team, creator: User) -> None:
    """What each lacks of its entries, whichever way it is wrong."""
    job = makers.job(team, creator)
    ledger.settle(job, Decimal(4), "1:1")
    assert list(balances.differences()) == []
    rows = [
        columns for table in (Balance, DayBalance, HoldDay) for columns in table.objects.values()
    ]
    Balance.objects.filter(of_holds=True).update(held=0)
    DayBalance.objects.all().delete()
    HoldDay.objects.filter(of_holds=False).update(settled=7)
    found = list(balances.differences())
    assert [table for table, _key, _lacks in found] == [Balance, DayBalance, HoldDay]
    assert found[0][2]["held"] == HELD
    assert {name for name, n in found[0][2].items() if n} == {"held"}
    assert found[0][1]["team_id"] == team.pk
    assert set(found[0][1]) == set(balances.BALANCE_KEY)
    assert found[1][2] == {"settled": HELD, "milliunits": 4000}
    assert found[2][2] == {"held": 0, "settled": HELD - 7, "entries": 0}
    assert balances.recount() == len(rows)
    assert list(balances.differences()) == []
    again = [
        columns for table in (Balance, DayBalance, HoldDay) for columns in table.objects.values()
    ]
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
