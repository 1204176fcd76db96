"""What changed between the search, the warning and the day: people, clocks and restored backups."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from jobs.billing import ledger
from jobs.models import Account, Job
from jobs.orders import retention
from studio.models import Asset, Edit, Team, User
from tests.jobs.orders.test_retention import file, here, keeping, later, video

pytestmark = pytest.mark.django_db
__all__ = ("keeping",)


def test_what_was_pinned_while_it_was_searched_for_stays(
    keeping: Team, creator: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is searched for before the lock is taken, which orders wait for."""
    jobs = [video(keeping, creator, account, days) for days in (100, 99)]
    files = [file(keeping, creator, days) for days in (100, 99)]
    lock = ledger.lock

    def meanwhile(team: Team) -> Team:
        monkeypatch.setattr(ledger, "lock", lock)
        retention.pin(team, jobs[:1], files[:1], creator)
        return lock(team)

    monkeypatch.setattr(ledger, "lock", meanwhile)
    retention.work()
    assert [one.pk for one in retention.going_jobs(keeping)] == [jobs[1].pk]
    assert [one.pk for one in retention.going_files(keeping)] == [files[1].pk]
    (told,) = mail.outbox
    assert jobs[0].title not in told.body
    assert jobs[1].title in told.body


def test_the_search_for_files_holds_up_no_order(
    keeping: Team, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks at all old files, with the team's row free."""
    searched, found = retention.old_files, 0

    def search(*args: Any) -> Any:
        nonlocal found
        found += 1
        return searched(*args)

    lock, before = ledger.lock, []

    def locked(team: Team) -> Team:
        before.append(found)
        return lock(team)

    monkeypatch.setattr(ledger, "lock", locked)
    monkeypatch.setattr(retention, "old_files", search)
    file(keeping, creator, 100)
    retention.work()
    assert before == [1]


@pytest.mark.parametrize("days", [8, 400])
def test_a_day_that_is_long_over_is_announced_anew(
    keeping: Team, creator: User, account: Account, days: int
) -> None:
    """A backup was restored: whoever kept it since then did so in vain."""
    job, kept = video(keeping, creator, account, 500), file(keeping, creator, 500)
    retention.work()
    later(7 + days)
    assert retention.work() == 0
    assert here(job)
    Team.objects.update(ages_next_at=None)
    retention.work()
    for one in (job, kept):
        one.refresh_from_db()
        assert one.goes_at is not None
        assert one.goes_at > timezone.now() + timedelta(days=6)


def test_a_clock_that_was_ahead_puts_nothing_off(
    keeping: Team, creator: User, account: Account
) -> None:
    job, kept = video(keeping, creator, account, 100), file(keeping, creator, 100)
    ahead = timezone.now() + timedelta(days=300)
    Job.objects.update(goes_at=ahead)
    Asset.objects.filter(pk=kept.pk).update(goes_at=ahead)
    Team.objects.update(ages_next_at=ahead)
    assert retention.due()
    retention.work()  # that day is not believed
    Team.objects.update(ages_next_at=None)
    retention.work()
    for one in (job, kept):
        one.refresh_from_db()
        assert one.goes_at is not None
        assert one.goes_at < timezone.now() + timedelta(days=8)


@pytest.mark.parametrize(("state", "goes"), [("waiting", 0), ("working", 0), ("done", 1)])
def test_a_file_that_another_one_is_being_made_of_stays(
    keeping: Team, creator: User, state: str, goes: int
) -> None:
    kept = file(keeping, creator, 100)
    edit = Edit.objects.create(
        team=keeping, asset=kept, owner=creator, recipe={}, word="w", state=state
    )
    retention.work()
    assert retention.going_files(keeping).count() == goes
    # And if it was asked for after the warning
    Edit.objects.filter(pk=edit.pk).update(state="done")
    later(0)
    retention.work()
    Edit.objects.filter(pk=edit.pk).update(state=state)
    later(8)
    assert retention.work() == goes


def test_the_page_counts_videos_that_were_announced_too(
    keeping: Team, creator: User, account: Account
) -> None:
    for days in (500, 100, 20):
        video(keeping, creator, account, days)
    retention.work()
    assert [retention.older(keeping, days) for days in (10, 30, 365)] == [3, 2, 1]
