"""What a hold fixes for good: its place in line for the limit, its month, and the prices of its
day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from jobs.billing import budget, ledger
from jobs.billing.limit_use import BudgetStatus
from jobs.models import Job, LedgerEntry, Price
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db
HELD = 45_876  # micros of 4 s of emo-v1 at 1:1
MARCH = date(2026, 3, 1)


@pytest.fixture
def held_in_march(team: Team, creator: User, monkeypatch: pytest.MonkeyPatch) -> Job:
    """On the last evening of March; in June the price of the other shape went up."""
    with monkeypatch.context() as then:
        evening = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
        then.setattr("django.utils.timezone.now", lambda: evening)
        job = makers.job(team, creator)
    Price.objects.create(
        model="emo-v1",
        variant="3:4",
        currency="USD",
        unit="second",
        micros=99_999,
        effective_from=date(2026, 6, 1),
        source="test",
    )
    return job


def test_a_shape_that_was_not_quoted_is_settled_at_the_price_of_the_holds_day(
    held_in_march: Job,
) -> None:
    assert ledger.settle(held_in_march, Decimal(4), "3:4") == 4 * 22_937


@pytest.mark.parametrize("end", ["settle", "release"])
def test_what_ends_a_hold_counts_for_the_month_of_the_hold(
    held_in_march: Job, team: Team, creator: User, end: str
) -> None:
    """Or the limit of one month would never get back what the other took."""
    if end == "settle":
        ledger.settle(held_in_march, Decimal(2), "1:1")
    else:
        ledger.release(held_in_march)
    assert {entry.month for entry in LedgerEntry.objects.all()} == {MARCH}
    settled = 22_938 if end == "settle" else 0
    for person in (None, creator):
        assert budget.status(team, person, MARCH) == BudgetStatus("USD", None, 0, settled)
        assert budget.status(team, person).used == 0


def test_a_hold_waits_for_the_team_before_it_reads_what_is_left(
    team: Team, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two holds at once would both find the room that there is for one."""
    steps: list[tuple[str, Team]] = []
    lock, room = ledger.lock, ledger.require_room

    def locked(team: Team) -> Team:
        steps.append(("lock", team))
        return lock(team)

    def looked(team: Team, *args: Any) -> object:
        steps.append(("room", team))
        return room(team, *args)

    monkeypatch.setattr(ledger, "lock", locked)
    monkeypatch.setattr(ledger, "require_room", looked)
    makers.job(team, creator)
    assert steps == [("lock", team), ("room", team)]


def test_a_correction_waits_for_the_team_before_it_reads_what_was_paid(
    team: Team, creator: User, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = makers.job(team, creator)
    ledger.settle(job, Decimal(4), "1:1")
    paid: list[int] = []

    def locked(team: Team) -> Team:
        paid.append(Job.objects.get(pk=job.pk).settled_micros or 0)
        return team

    monkeypatch.setattr(ledger, "lock", locked)
    ledger.adjust(team, -100, "a credit", owner, subject=job)
    assert paid == [0], "nothing is written before"
    assert Job.objects.get(pk=job.pk).settled_micros == HELD - 100


def test_who_settles_second_is_told_what_the_first_wrote(
    team: Team, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process settled between our look and our write: its entry counts, of this very
    attempt and job."""
    job, other = makers.job(team, creator), makers.job(team, creator)
    ledger.settle(other, Decimal(1), "1:1")
    before = ledger._more

    def meanwhile(held: LedgerEntry, subject: Any, bill: Any) -> Any:
        monkeypatch.setattr(ledger, "_more", before)
        ledger.settle(job, Decimal(3), "1:1")
        return before(held, subject, bill)

    monkeypatch.setattr(ledger, "_more", meanwhile)
    assert ledger.settle(job, Decimal(2), "1:1") == 3 * 11_469
    assert job.ledger.filter(kind="settle").count() == 1
    assert budget.status(team) == BudgetStatus("USD", None, 0, 4 * 11_469)
