"""Balances are the sums of the ledger, whatever is held, settled, released and corrected."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.billing import balances, budget, ledger, periods, prices
from jobs.billing.limit_use import BudgetStatus
from jobs.catalogue import entries
from jobs.models import Account, Balance, Budget, Check, DayBalance, Job, KeyUse, LedgerEntry, Price
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db
NOVEMBER = date(2026, 11, 1)


def at(patch: pytest.MonkeyPatch, *when: int) -> None:
    """It is this moment (UTC) from now on."""
    patch.setattr("django.utils.timezone.now", lambda: datetime(*when, tzinfo=UTC))  # type: ignore[arg-type]


def missing() -> list[tuple[str, dict[str, int]]]:
    return [(table.__name__, lacks) for table, _key, lacks in balances.differences()]


def check_of(team: Team, owner: User, account: Account) -> Check:
    check = makers.check(makers.asset(team), account, asked_by=owner)
    with transaction.atomic():
        quote = prices.quote(entries.get(check.model), "", Decimal(1), currency=team.currency)
        ledger.hold(check, quote, team, owner)
    return check


STEP = st.tuples(
    st.sampled_from(["hold", "settle", "release", "adjust", "check", "give", "take"]),
    st.integers(0, 5),
    st.decimals(0, 60, places=5),
    st.integers(-50_000, 50_000).filter(bool),
    st.booleans(),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, max_size=12))
def test_balances_are_sums_of_their_entries(
    team: Team, creator: User, owner: User, account: Account, steps: list[tuple]
) -> None:
    jobs: list[Job] = []
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        keys = [account.keys.get(), makers.key(account, "sk-test-0002")]
        for number, (do, which, units, micros, other) in enumerate(steps):
            at(patch, 2026, 11, 25 + number // 2) if number < 12 else None
            job = jobs[which % len(jobs)] if jobs else None
            person = owner if other else creator
            if do == "hold" or job is None:
                jobs.append(makers.job(team, person, account=account, milliseconds=4000 + which))
                if which:  # else its task was made elsewhere
                    makers.sent(jobs[-1], keys[which % 2])
            elif do == "settle" and not job.ledger.filter(kind="release").exists():
                ledger.settle(job, units, "3:4" if other else "1:1")
            elif do == "release":
                ledger.release(job, note="Nothing was produced.")
            elif do == "check":
                check = check_of(team, person, account)
                Check.objects.filter(pk=check.pk).update(key=keys[which % 2])
                ledger.settle(check, Decimal(1), "") if other else ledger.release(check)
            elif do == "adjust":
                try:
                    ledger.adjust(team, micros, "a reason", owner, subject=job)
                except ledger.NotAdjustable:
                    continue
            else:
                whose = None if do == "give" else person
                ledger.adjust(team, micros, "a reason", owner, member=whose)
        assert missing() == []
        for member in (None, creator, owner):
            mine = LedgerEntry.objects.filter(month=NOVEMBER)
            mine = mine.filter(member=member) if member else mine
            sums = mine.aggregate(held=Sum("held", default=0), settled=Sum("settled", default=0))
            now = budget.status(team, member, NOVEMBER)
            assert {"held": now.held, "settled": now.settled} == sums
        of_keys = LedgerEntry.objects.filter(key__isnull=False).aggregate(Sum("settled"))
        assert KeyUse.objects.aggregate(Sum("settled")) == of_keys
        before = list(Balance.objects.order_by("pk").values_list(*balances.BALANCE_SUMS))
        balances.recount()
        assert missing() == []
        whole = sorted(row for row in before if any(row))
        assert sorted(Balance.objects.values_list(*balances.BALANCE_SUMS)) == whole
        transaction.set_rollback(True)


def test_a_bill_with_many_decimals_is_rounded_once(team: Team, creator: User) -> None:
    job = makers.job(team, creator, milliseconds=4000)
    paid = ledger.settle(job, Decimal("3.93333"), "1:1")
    entry = job.ledger.get(kind="settle")
    assert entry.units == Decimal("3.933")
    assert paid == entry.settled == (11_469 * 3933 + 500) // 1000 == 45_108


@pytest.mark.parametrize(("units", "kept"), [("0.0005", "0.001"), ("0.0015", "0.002")])
def test_units_are_rounded_half_up(units: str, kept: str) -> None:
    price = Price(micros=1_000_000, currency="USD", unit="second")
    quote = prices.priced(price, Decimal(units))
    assert (quote.units, quote.micros) == (Decimal(kept), int(Decimal(kept) * 1_000_000))


def test_a_settlement_above_its_hold_says_so_and_takes_room(team: Team, creator: User) -> None:
    Budget.objects.create(team=team, micros=100_000)
    job = makers.job(team, creator, milliseconds=4000)
    assert ledger.settle(job, Decimal("7"), "1:1", note="as billed") == 80_283
    note = job.ledger.get(kind="settle").note
    assert note == "The bill of $0.080283 is more than the $0.045876 that were reserved. as billed"
    with pytest.raises(budget.OverBudget):
        makers.job(team, creator, milliseconds=4000)


def test_an_adopted_task_says_why_nothing_was_held(team: Team, creator: User) -> None:
    job = makers.job(team, creator, adopted=True, milliseconds=1000)
    ledger.settle(job, Decimal(4), "1:1")
    assert job.ledger.get(kind="settle").note.startswith("Nothing was reserved for it")


def test_a_settlement_within_its_hold_says_nothing(team: Team, creator: User) -> None:
    job = makers.job(team, creator, milliseconds=4000)
    ledger.settle(job, Decimal(4), "1:1")
    assert job.ledger.get(kind="settle").note == ""


@pytest.mark.parametrize("of_member", [False, True])
def test_a_limit_may_be_used_to_its_last_millionth(
    team: Team, creator: User, of_member: bool
) -> None:
    Budget.objects.create(team=team, member=creator if of_member else None, micros=2 * 45_876)
    makers.job(team, creator, milliseconds=4000)
    makers.job(team, creator, milliseconds=4000)
    with pytest.raises(budget.OverBudget):
        makers.job(team, creator, milliseconds=1)


@pytest.mark.parametrize("short", [0, 1])
def test_one_millionth_decides(team: Team, creator: User, short: int) -> None:
    Budget.objects.create(team=team, micros=45_876 - short)
    if short:
        with pytest.raises(budget.OverBudget):
            makers.job(team, creator, milliseconds=4000)
    else:
        makers.job(team, creator, milliseconds=4000)


def test_the_price_of_the_hold_s_day_counts(
    team: Team, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for another variant than the quoted one, whose price is looked up when it is billed."""
    at(monkeypatch, 2026, 11, 20, 12)
    job = makers.job(team, creator, milliseconds=4000)
    for variant in ("1:1", "3:4"):
        Price.objects.create(
            model="emo-v1",
            variant=variant,
            currency="USD",
            unit="second",
            micros=90_000,
            effective_from=date(2026, 11, 21),
            source="test",
        )
    at(monkeypatch, 2026, 11, 22, 12)
    assert ledger.settle(job, Decimal(4), "3:4") == 4 * 22_937


def test_what_ends_a_hold_counts_for_the_hold_s_month(
    team: Team, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 2026, 11, 30, 23, 59)
    done, failed = (makers.job(team, creator, milliseconds=4000) for _ in range(2))
    at(monkeypatch, 2026, 12, 1, 0, 1)
    ledger.settle(done, Decimal(4), "1:1")
    ledger.release(failed)
    assert budget.status(team).used == 0
    assert budget.status(team, month=NOVEMBER) == BudgetStatus("USD", None, 0, 45_876)
    assert DayBalance.objects.get().day == date(2026, 12, 1)
    assert missing() == []


def test_sums_are_read_from_balances_alone(team: Team, creator: User) -> None:
    makers.job(team, creator)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        budget.status(team, creator)
        budget.spend_by_member(team, periods.month_of(team))
        budget.require_room(team, creator, 1)
    assert not [query for query in seen.captured_queries if "jobs_ledgerentry" in query["sql"]]


# ── corrections ───────────────────────────────────────────────────────────────────────────────────


def test_a_correction_changes_what_a_job_cost(team: Team, creator: User, owner: User) -> None:
    job = makers.job(team, creator, milliseconds=4000)
    paid = ledger.settle(job, Decimal(4), "1:1")
    Job.objects.filter(pk=job.pk).update(settled_micros=paid)
    entry = ledger.adjust(team, -876, " billed  twice ", owner, subject=job)
    more = ledger.adjust(team, 10, "no, not quite", owner, subject=job)
    job.refresh_from_db()
    assert job.settled_micros == 45_000 + 10
    assert (entry.kind, entry.held, entry.settled, entry.member) == ("adjust", 0, -876, creator)
    assert entry.note == "Adjusted by aiko@example.com: billed twice"
    assert (entry.attempt, more.attempt) == (1, 2)
    assert budget.status(team, creator).settled == 45_010
    assert missing() == []


def test_a_correction_of_a_job_counts_for_its_month(
    team: Team, creator: User, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 2026, 11, 30, 12)
    job = makers.job(team, creator)
    ledger.settle(job, Decimal(4), "1:1")
    at(monkeypatch, 2026, 12, 5, 12)
    assert ledger.adjust(team, -1, "x", owner, subject=job).month == NOVEMBER


@pytest.mark.parametrize(
    ("micros", "reason"), [(0, "why"), (5, "  "), (5, "x" * 301), (10**16, "why")]
)
def test_a_correction_needs_an_amount_and_a_reason(
    team: Team, owner: User, micros: int, reason: str
) -> None:
    with pytest.raises(ledger.NotAdjustable, match="needs an amount"):
        ledger.adjust(team, micros, reason, owner)
    assert not LedgerEntry.objects.exists()


def test_what_has_not_ended_is_not_corrected(team: Team, creator: User, owner: User) -> None:
    job = makers.job(team, creator)
    with pytest.raises(ledger.NotAdjustable, match="still reserved"):
        ledger.adjust(team, 5, "why", owner, subject=job)


def test_no_more_is_taken_off_than_it_cost(team: Team, creator: User, owner: User) -> None:
    job = makers.job(team, creator, milliseconds=4000)
    ledger.settle(job, Decimal(4), "1:1")
    with pytest.raises(ledger.NotAdjustable, match=r"cost \$0\.045876 in all"):
        ledger.adjust(team, -45_877, "why", owner, subject=job)
    ledger.adjust(team, -45_876, "why", owner, subject=job)
    assert budget.status(team).used == 0


# ── anew ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_lost_balance_is_written_anew(
    team: Team, creator: User, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.settle(makers.job(team, creator), Decimal(4), "1:1")
    Balance.objects.filter(of_holds=True).delete()
    DayBalance.objects.update(settled=1)
    assert [name for name, _lacks in missing()] == ["Balance", "DayBalance"]
    call_command("recount")
    assert "5 balances" in capsys.readouterr().out
    assert missing() == []
