"""What stands in each entry of the ledger: of a hold, of what ends it, of a correction; and which
attempt of a check an entry is about."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import transaction

from jobs.billing import budget, ledger, prices
from jobs.catalogue import entries
from jobs.common.states import State
from jobs.models import Account, Budget, Check, Job, LedgerEntry
from studio.audit.events import Event
from studio.common.translatable import phrase, translated
from studio.models import AuditEntry, Team, User
from tests import makers

pytestmark = pytest.mark.django_db
Kind = LedgerEntry.Kind
DETECT = "emo-detect-v1"


@pytest.fixture
def check(team: Team, account: Account) -> Check:
    return makers.check(makers.asset(team), account, state="asking")


def hold(check: Check, member: User, attempt: int) -> LedgerEntry:
    quote = prices.quote(entries.get(DETECT), "", Decimal(1), currency="USD")
    with transaction.atomic():
        return ledger.hold(check, quote, check.team, member, attempt)


def test_a_hold_says_what_for_and_when(team: Team, creator: User) -> None:
    job = makers.job(team, creator)
    entry = LedgerEntry.objects.get(job=job, kind=Kind.HOLD)
    today = datetime.now(UTC).date()
    assert (entry.team_id, entry.member_id, entry.attempt) == (team.pk, creator.pk, 1)
    assert (entry.held, entry.settled, entry.currency) == (job.quote_micros, 0, "USD")
    assert (entry.model, entry.price_id) == ("emo-v1", job.price_id)
    assert entry.units == Decimal(4)
    assert (entry.month, entry.day, entry.written_on) == (today.replace(day=1), today, today)


def test_what_ends_a_hold_says_the_same(team: Team, creator: User) -> None:
    job = makers.job(team, creator)
    held = LedgerEntry.objects.get(job=job, kind=Kind.HOLD)
    assert ledger.settle(job, Decimal(3), "1:1", note=phrase("Billed")) == 3 * 11_469
    entry = LedgerEntry.objects.get(job=job, kind=Kind.SETTLE)
    for name in (
        "team_id",
        "member_id",
        "attempt",
        "currency",
        "model",
        "price_id",
        "month",
        "day",
    ):
        assert getattr(entry, name) == getattr(held, name), name
    assert (entry.held, entry.settled, entry.units) == (-held.held, 3 * 11_469, Decimal(3))
    assert translated(entry.note) == "Billed"
    assert entry.written_on == held.written_on
    other = makers.job(team, creator)
    ledger.release(other, note=phrase("Given back"))
    entry = LedgerEntry.objects.get(job=other, kind=Kind.RELEASE)
    assert (entry.held, entry.settled, entry.units) == (-other.quote_micros, 0, None)
    assert (entry.model, entry.price_id, entry.attempt) == ("emo-v1", other.price_id, 1)
    assert translated(entry.note) == "Given back"


def test_each_attempt_of_a_check_has_a_hold_and_an_end_of_its_own(
    check: Check, creator: User
) -> None:
    first = hold(check, creator, 1)
    ledger.settle(check, Decimal(1), "", attempt=1)
    second = hold(check, creator, 2)
    assert (first.attempt, second.attempt) == (1, 2)
    assert second.held == first.held > 0
    assert ledger.settle(check, Decimal(1), "", attempt=2) == second.held
    assert list(
        LedgerEntry.objects.filter(check_asked=check).order_by("pk").values_list("kind", "attempt")
    ) == [(Kind.HOLD, 1), (Kind.SETTLE, 1), (Kind.HOLD, 2), (Kind.SETTLE, 2)]
    third = hold(check, creator, 3)
    ledger.release(check, attempt=3)
    assert LedgerEntry.objects.filter(check_asked=check, kind=Kind.RELEASE).get().attempt == 3
    assert ledger.settle(check, Decimal(1), "", attempt=2) == second.held, "twice writes once"
    assert LedgerEntry.objects.filter(check_asked=check).count() == 6
    assert third.attempt == 3


def test_holds_that_end_with_a_bill_go_back_with_their_own_note(team: Team, creator: User) -> None:
    """Of several at once each gets its entry."""
    paid, *free = (makers.job(team, creator) for _ in range(3))
    ledger.settle(paid, Decimal(4), "1:1", free=free, free_note=phrase("The other one is paid"))
    back = LedgerEntry.objects.filter(kind=Kind.RELEASE).order_by("pk")
    assert [entry.job_id for entry in back] == [one.pk for one in free]
    assert {translated(entry.note) for entry in back} == {"The other one is paid"}
    assert budget.status(team).held == 0


def test_a_variant_without_a_price_keeps_the_note_that_came_with_the_bill(
    team: Team, creator: User
) -> None:
    job = makers.job(team, creator)
    ledger.settle(job, Decimal(4), "9:16", note=phrase("Plays 4 s"))
    note = translated(LedgerEntry.objects.get(kind=Kind.SETTLE).note)
    assert "There is no price for what was billed (9:16)" in note
    assert "Plays 4 s" in note


def test_a_correction_is_in_the_trail(team: Team, creator: User, owner: User) -> None:
    job = makers.job(team, creator)
    ledger.settle(job, Decimal(4), "1:1")
    Job.objects.filter(pk=job.pk).update(state=State.SUCCEEDED)
    elsewhere = makers.job(Team.start("Elsewhere", owner), owner)
    entry = ledger.adjust(team, -5_000, "  Billed   twice ", owner, subject=job)
    told = AuditEntry.objects.get(event=Event.ADJUSTED)
    assert (told.team_id, told.by_id, told.person_id) == (team.pk, owner.pk, creator.pk)
    assert told.about == "Billed twice"
    assert told.after == {
        "micros": -5_000,
        "currency": "USD",
        "month": entry.month.isoformat(),
    }
    assert (entry.model, entry.price_id, entry.attempt) == ("emo-v1", job.price_id, 1)
    again = ledger.adjust(team, 1, "And back", owner, subject=job)
    assert again.attempt == 2
    job.refresh_from_db()
    assert job.settled_micros == job.quote_micros - 4_999
    with pytest.raises(ledger.NotAdjustable):
        ledger.adjust(team, 1, "Not ours", owner, subject=elsewhere)


def test_the_largest_correction_and_the_longest_reason_are_taken(team: Team, owner: User) -> None:
    reason = "x" * ledger.LONGEST_REASON
    assert ledger.adjust(team, ledger.MOST, reason, owner).settled == ledger.MOST
    for micros, said in ((ledger.MOST + 1, "x"), (1, reason + "x"), (0, "x"), (1, " ")):
        with pytest.raises(ledger.NotAdjustable):
            ledger.adjust(team, micros, said, owner)


def test_the_room_is_that_of_the_tightest_limit(team: Team, creator: User, owner: User) -> None:
    assert budget.room(team, creator) is None
    Budget.objects.create(team=team, micros=1_000_000)
    Budget.objects.create(team=team, member=creator, micros=200_000)
    makers.job(team, creator)
    assert budget.room(team, creator) == 200_000 - 45_876
    assert budget.room(team, owner) == 1_000_000 - 45_876


def test_what_a_team_without_a_limit_used_this_month(team: Team, creator: User) -> None:
    ledger.settle(makers.job(team, creator), Decimal(2), "1:1")
    makers.job(team, creator)
    found = budget.without_limit(team)
    assert (found.currency, found.limit) == ("USD", None)
    assert (found.held, found.settled) == (45_876, 22_938)
    long_ago = date(2020, 1, 1)
    assert budget.status(team, None, long_ago).settled == 0
