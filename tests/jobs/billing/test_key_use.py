"""What was spent with each key, month by month: kept with the ledger, and read in one row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.billing import balances, ledger
from jobs.models import Account, Balance, Check, Job, KeyUse, LedgerEntry
from studio.models import Team, User
from tests import makers
from tests.jobs.billing.test_balances import at, check_of, missing

pytestmark = pytest.mark.django_db


def test_a_bill_counts_for_the_key_that_the_last_attempt_was_sent_with(
    team: Team, creator: User, account: Account
) -> None:
    old, new = account.keys.get(), makers.key(account, "sk-test-0002")
    job = makers.job(team, creator, account=account)
    makers.sent(job, old, 1)
    makers.sent(job, new, 2)
    paid = ledger.settle(job, Decimal("3.5"), "1:1")
    assert job.ledger.get(kind="settle").key_id == new.pk
    use = KeyUse.objects.get()
    month = job.ledger.get(kind="hold").month
    assert (use.key_id, use.month, use.currency) == (new.pk, month, team.currency)
    assert (use.settled, use.jobs, use.milliseconds, use.checks) == (paid, 1, 3500, 0)


def test_a_settlement_that_runs_twice_counts_once(
    team: Team, creator: User, account: Account
) -> None:
    job = makers.job(team, creator, account=account)
    makers.sent(job, account.keys.get())
    for _ in range(2):
        paid = ledger.settle(job, Decimal(4), "1:1")
    assert KeyUse.objects.get().settled == paid


def test_checks_and_corrections_count_too(team: Team, creator: User, account: Account) -> None:
    key = account.keys.get()
    check = check_of(team, creator, account)
    Check.objects.filter(pk=check.pk).update(key=key)
    paid = ledger.settle(check, Decimal(1), "")
    ledger.adjust(team, -1, "too much", creator, subject=check)
    ledger.adjust(team, 77, "of nobody", creator)
    use = KeyUse.objects.get()
    assert (use.key_id, use.checks, use.jobs, use.settled) == (key.pk, 1, 0, paid - 1)


def test_what_was_held_or_given_back_or_made_elsewhere_is_no_use_of_a_key(
    team: Team, creator: User, account: Account
) -> None:
    given_back, elsewhere = (makers.job(team, creator, account=account) for _ in range(2))
    makers.sent(given_back, account.keys.get())
    ledger.release(given_back)
    ledger.settle(elsewhere, Decimal(4), "1:1")
    assert not KeyUse.objects.exists()


def test_months_are_those_of_the_hold(team: Team, creator: User, account: Account) -> None:
    key = account.keys.get()
    with pytest.MonkeyPatch.context() as patch:
        at(patch, 2026, 10, 31, 12)
        job = makers.job(team, creator, account=account)
        makers.sent(job, key, began_at=datetime(2026, 10, 31, 12, tzinfo=UTC))
        at(patch, 2026, 11, 2)
        ledger.settle(job, Decimal(4), "1:1")
    assert [use.month for use in KeyUse.objects.all()] == [date(2026, 10, 1)]


def test_a_wrong_use_is_named_and_mended(team: Team, creator: User, account: Account) -> None:
    job = makers.job(team, creator, account=account)
    makers.sent(job, account.keys.get())
    ledger.settle(job, Decimal(4), "1:1")
    KeyUse.objects.update(settled=0, jobs=3)
    ((table, lacks),) = missing()
    assert table == "KeyUse"
    assert {name: n for name, n in lacks.items() if n} == {
        "settled": LedgerEntry.objects.get(kind="settle").settled,
        "jobs": -2,
    }
    balances.recount()
    assert missing() == []


def statements(job: Job) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        ledger.settle(job, Decimal(4), "1:1")
    return [one["sql"] for one in asked.captured_queries]


def test_it_costs_a_settlement_one_statement(team: Team, creator: User, account: Account) -> None:
    """Between a job whose key is known and one made elsewhere lies one update of one row."""
    jobs = [makers.job(team, creator, account=account) for _ in range(4)]
    for job in (jobs[0], jobs[1]):
        makers.sent(job, account.keys.get())
    statements(jobs[0])  # makes the rows of the month
    known, elsewhere = statements(jobs[1]), statements(jobs[2])
    assert len(known) == len(elsewhere) + 1
    assert sum("keyuse" in sql for sql in known) == 1
    assert Balance.objects.exists()
