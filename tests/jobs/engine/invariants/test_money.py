"""Every job holds what it should, and what it settled is its units."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from jobs.billing import ledger
from jobs.engine import invariants
from jobs.models import (
    Budget,
    Check,
    Job,
    JobEvent,
    LedgerEntry,
)
from studio.models import Team, User
from tests.jobs.engine.invariants.findings import PATHS, only, raw

pytestmark = pytest.mark.django_db


def entry(job: Job, kind: str) -> LedgerEntry:
    return LedgerEntry.objects.get(job=job, kind=kind)


def test_an_untouched_site_holds(site: dict[str, Job]) -> None:
    found = invariants.report()
    assert found.broken == []
    assert found.checked["jobs"] == len(PATHS)
    assert found.checked["results"] == 1
    assert found.checked["settlements"] == 2
    assert found.checked["open jobs"] == 5
    assert found.checked["events"] == sum(len(path) for path in PATHS.values())


def test_an_empty_site_holds(db: object) -> None:
    assert invariants.broken() == []


@pytest.mark.parametrize("state", ["succeeded", "failed", "canceled", "archiving"])
def test_an_ended_job_that_holds(site: dict[str, Job], state: str) -> None:
    end = "settle" if state in ("succeeded", "archiving") else "release"
    raw(
        "UPDATE jobs_ledgerentry SET held = held + 7 WHERE id = %s",
        entry(site[state], end).pk,
    )
    only(site[state].public_id, state, "still holds 7 millionths USD")


def test_a_job_that_ended_without_its_release(site: dict[str, Job]) -> None:
    raw(
        "DELETE FROM jobs_ledgerentry WHERE id = %s",
        entry(site["failed"], "release").pk,
    )
    only(
        site["failed"].public_id,
        "failed",
        f"still holds {site['failed'].quote_micros}",
    )


@pytest.mark.parametrize("state", ["queued", "submitting", "uncertain", "running"])
def test_an_open_job_whose_hold_was_given_back(site: dict[str, Job], state: str) -> None:
    ledger.release(site[state])
    only(site[state].public_id, state, "holds 0 of the")


def test_an_open_job_that_holds_something_else_than_its_quote(
    site: dict[str, Job],
) -> None:
    Job.objects.filter(pk=site["queued"].pk).update(quote_micros=1)
    only(site["queued"].public_id, "its quote is 1")


def test_an_adopted_job_holds_nothing(make: Callable[..., Job]) -> None:
    job = make("running", path=("running",), adopted=True)
    only(job.public_id, "its quote is 0")
    raw("UPDATE jobs_ledgerentry SET held = 0 WHERE job_id = %s", job.pk)
    assert invariants.broken() == []


def test_a_job_without_a_hold(site: dict[str, Job]) -> None:
    raw("DELETE FROM jobs_ledgerentry WHERE job_id = %s", site["queued"].pk)
    only(site["queued"].public_id, "has 0 holds")


def test_a_job_released_and_settled(site: dict[str, Job]) -> None:
    done = entry(site["succeeded"], "settle")
    columns = (
        "team_id, member_id, job_id, kind, attempt, held, settled, currency, model, price_id, "
        "month, day, note, created_at"
    )
    raw(
        f"INSERT INTO jobs_ledgerentry ({columns}) SELECT team_id, member_id, job_id, 'release', "
        "1, 0, 0, currency, model, price_id, month, day, '', created_at "
        "FROM jobs_ledgerentry WHERE id = %s",
        done.pk,
    )
    only(site["succeeded"].public_id, "both released and charged")


def test_a_job_that_was_never_settled(site: dict[str, Job]) -> None:
    raw(
        "UPDATE jobs_ledgerentry SET kind = 'release', settled = 0 WHERE id = %s",
        entry(site["succeeded"], "settle").pk,
    )
    Job.objects.filter(pk=site["succeeded"].pk).update(settled_micros=None)
    only(site["succeeded"].public_id, "never charged")


def test_a_job_that_says_another_cost(site: dict[str, Job]) -> None:
    Job.objects.filter(pk=site["succeeded"].pk).update(settled_micros=5)
    only(
        site["succeeded"].public_id,
        "cost 5",
        str(entry(site["succeeded"], "settle").settled),
    )


def test_a_check_that_ended_and_holds(site: dict[str, Job]) -> None:
    Check.objects.update(state=Check.State.PASSED)
    only("Check", "passed", "still holds 574")


def test_a_check_that_waits_and_holds_nothing(site: dict[str, Job]) -> None:
    ledger.release(Check.objects.get())
    only("Check", "asking", "holds 0 of the 574")


def test_a_check_released_and_settled(site: dict[str, Job]) -> None:
    check = Check.objects.get()
    ledger.settle(check, Decimal(1), "")
    Check.objects.update(state=Check.State.PASSED)
    assert invariants.broken() == []
    first = LedgerEntry.objects.get(check_asked=check, kind="settle")
    columns = (
        "team_id, member_id, check_asked_id, kind, attempt, held, settled, currency, model, "
        "price_id, month, day, note, created_at"
    )
    raw(
        f"INSERT INTO jobs_ledgerentry ({columns}) SELECT team_id, member_id, check_asked_id, "
        "'release', 1, 0, 0, currency, model, price_id, month, day, '', "
        "created_at FROM jobs_ledgerentry WHERE id = %s",
        first.pk,
    )
    only("Attempt 1 of check", "both released and charged")


def test_a_settlement_that_is_not_its_units(site: dict[str, Job]) -> None:
    done = entry(site["succeeded"], "settle")
    raw("UPDATE jobs_ledgerentry SET settled = settled + 1 WHERE id = %s", done.pk)
    Job.objects.filter(pk=site["succeeded"].pk).update(settled_micros=done.settled + 1)
    only(
        site["succeeded"].public_id,
        f"settles {done.settled + 1}",
        f"are {done.settled}",
    )


@pytest.mark.parametrize(
    ("column", "word"), [("units", "without units"), ("price_id", "without a price")]
)
def test_a_settlement_that_cannot_be_checked(site: dict[str, Job], column: str, word: str) -> None:
    raw(
        f"UPDATE jobs_ledgerentry SET {column} = NULL WHERE id = %s",
        entry(site["succeeded"], "settle").pk,
    )
    only(site["succeeded"].public_id, word)


def test_more_was_taken_than_a_limit_allows(
    site: dict[str, Job], make: Callable[..., Job], team: Team
) -> None:
    job = make("queued")
    Budget.objects.filter(team=team).update(micros=100)  # as if the hold had not looked
    only(str(team), "100 millionths", job.public_id)


def test_a_member_s_limit(
    site: dict[str, Job],
    make: Callable[..., Job],
    team: Team,
    creator: User,
    admin: User,
) -> None:
    budgets = [
        Budget.objects.create(team=team, member=who, micros=1_000_000_000)
        for who in (creator, admin)
    ]
    make("queued")
    Budget.objects.filter(pk__in=[budget.pk for budget in budgets]).update(micros=100)
    only(creator.email, "100 millionths")


def test_a_limit_that_was_set_or_changed_later_breaks_nothing(
    site: dict[str, Job], team: Team, owner: User
) -> None:
    budget = Budget.objects.get()
    Budget.objects.update(micros=1)  # all that is held was taken before the limit was there
    assert invariants.broken() == []
    Budget.objects.update(created_at=timezone.now() - timedelta(days=40))
    assert len(invariants.broken()) == 1
    kind = ContentType.objects.get_for_model(Budget)
    LogEntry.objects.create(
        user=owner,
        content_type=kind,
        object_id=str(budget.pk),
        action_flag=CHANGE,
        change_message="[]",
    )
    assert invariants.broken() == []


def test_a_bill_larger_than_its_hold_is_no_breach(make: Callable[..., Job], team: Team) -> None:
    budget = Budget.objects.create(team=team, micros=10_000_000)
    job = make("running")
    paid = ledger.settle(job, Decimal("400"), job.variant)
    Job.objects.filter(pk=job.pk).update(
        settled_micros=paid,
        state="archiving",
        result_expires_at=timezone.now() + timedelta(hours=1),
    )
    JobEvent.objects.create(team=team, job=job, old="running", new="archiving", text="x")
    later = make("queued")
    Budget.objects.filter(pk=budget.pk).update(
        micros=paid
    )  # as if the overrun had left no room for the later one
    assert paid > later.quote_micros
    assert invariants.broken() == []
