"""The noted expiry of a key: on the page, and by mail once at 30, 7 and 1 days before it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage

from jobs.accounts import key_expiry
from jobs.models import Account, ApiKey
from studio.audit.events import Event
from studio.models import AuditEntry, Team, User
from tests import makers

pytestmark = pytest.mark.django_db
DAY = date(2027, 3, 31)
Capture = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def key(account: Account, owner: User, monkeypatch: pytest.MonkeyPatch) -> ApiKey:
    at(monkeypatch, DAY - timedelta(days=60))
    found: ApiKey = account.keys.get()
    key_expiry.note(found, DAY, owner)
    return found


def at(patch: pytest.MonkeyPatch, day: date, hour: int = 12) -> None:
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    patch.setattr("django.utils.timezone.now", lambda: moment)


def test_reminders_come_once_at_30_7_and_1_days(
    key: ApiKey,
    team: Team,
    owner: User,
    admin: User,
    creator: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Capture,
    mailoutbox: list[EmailMessage],
) -> None:
    said = []
    for left in range(40, -5, -1):
        at(monkeypatch, DAY - timedelta(days=left))
        for _ in range(2):
            with django_capture_on_commit_callbacks(execute=True):
                said += [left] * key_expiry.remind()
    assert said == [30, 7, 1]
    assert [one.to for one in mailoutbox] == [[owner.email], [admin.email]] * 3
    assert "expires in 30 days, on 31 Mar" in mailoutbox[0].body
    assert "expires in 1 day, on 31 Mar" in mailoutbox[-1].body
    assert key.fingerprint not in "".join(one.body for one in mailoutbox)


def test_what_was_missed_is_told_once_and_only_the_nearest(
    key: ApiKey, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, DAY - timedelta(days=5))
    assert [key_expiry.remind(), key_expiry.remind()] == [1, 0]
    key.refresh_from_db()
    assert key.reminded == 7


def test_who_notes_a_day_that_is_near_is_not_told_what_they_know(
    account: Account, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, DAY - timedelta(days=5))
    key_expiry.note(account.keys.get(), DAY, owner)
    assert key_expiry.remind() == 0
    at(monkeypatch, DAY - timedelta(days=1))
    assert key_expiry.remind() == 1


def test_another_day_begins_anew(key: ApiKey, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, DAY)
    assert key_expiry.remind() == 1
    key_expiry.note(key, DAY + timedelta(days=90), owner)
    assert key_expiry.remind() == 0
    at(monkeypatch, DAY + timedelta(days=61))
    assert key_expiry.remind() == 1


def test_a_key_that_is_retired_or_without_a_day_is_never_spoken_of(
    key: ApiKey, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers.key(account, "sk-test-0002")
    ApiKey.objects.filter(pk=key.pk).update(active=False)
    at(monkeypatch, DAY)
    assert key_expiry.remind() == 0


def test_days_are_those_of_the_team(
    key: ApiKey, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At eleven in the evening of UTC it is the next day in Shanghai already."""
    at(monkeypatch, DAY - timedelta(days=31), hour=23)
    assert key_expiry.remind() == 0
    Team.objects.filter(pk=team.pk).update(time_zone="Asia/Shanghai")
    assert key_expiry.remind() == 1


def test_the_page_says_when_and_what_to_do(key: ApiKey, monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_expiry.sentence(key) is None
    at(monkeypatch, DAY - timedelta(days=3))
    assert str(key_expiry.sentence(key)).startswith(f"The key …{key.last4} expires in 3 days")
    at(monkeypatch, DAY + timedelta(days=1))
    assert "expired on 31 Mar" in str(key_expiry.sentence(key))


def test_the_trail_tells_of_it(key: ApiKey, owner: User) -> None:
    entry = AuditEntry.objects.get(event=Event.KEY_EXPIRY_NOTED)
    assert (entry.by, entry.before, entry.after["expires_on"]) == (
        owner,
        {"expires_on": None},
        DAY.isoformat(),
    )


def test_who_was_reminded_hides_nobody(
    key: ApiKey, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More keys than are looked at in one go expire sooner, and were told of."""
    today = key_expiry.today_of(key.account.team)
    key_expiry.note(key, today + timedelta(days=20), owner)
    other = makers.key(key.account, "sk-test-0077")
    key_expiry.note(other, today + timedelta(days=40), owner)
    ApiKey.objects.filter(pk=other.pk).update(expires_on=today + timedelta(days=25))
    monkeypatch.setattr(key_expiry, "MOST", 1)
    assert key_expiry.remind() == 1
    other.refresh_from_db()
    assert other.reminded == 30
