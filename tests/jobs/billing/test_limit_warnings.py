"""Half, most and all of a limit is told once, to whom it concerns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from hypothesis import given
from hypothesis import strategies as st

from jobs.billing import budget, ledger, limit_warnings
from jobs.models import Budget, LimitWarning
from studio.models import Role, Team, User
from tests import makers

pytestmark = pytest.mark.django_db
PRICE = 11_469  # micros of a second


def told() -> list[tuple[str, int]]:
    return list(LimitWarning.objects.order_by("pk").values_list("period", "level"))


@given(used=st.integers(0, 10**12), limit=st.integers(0, 10**12))
def test_a_level_is_reached_at_its_share(used: int, limit: int) -> None:
    levels = limit_warnings.levels_of(used, limit)
    assert levels == [n for n in (50, 80, 100) if limit > 0 and Decimal(used) / limit * 100 >= n]


def test_each_level_is_told_once_to_holders_and_the_person(
    team: Team, owner: User, admin: User, creator: User, mailbox: list[Any]
) -> None:
    billing = User.objects.create_user("edda@example.com", first_name="Edda")
    team.memberships.create(user=billing, role=Role.BILLING)
    Budget.objects.create(team=team, micros=10 * 1000 * PRICE // 1000)
    for milliseconds in (4000, 1000, 1000, 1000, 1000):
        makers.job(team, creator, milliseconds=milliseconds)
    assert told() == [("month", 50), ("month", 80)]
    assert sorted(one.to[0] for one in mailbox) == sorted(
        2 * [owner.email, billing.email, creator.email]
    )
    assert "50 % of the limit of Studio North for a month used" in mailbox[0].subject
    assert "$0.06 of $0.11 are reserved or charged" in mailbox[0].body
    assert "Who can raise it: Aiko, Edda." in mailbox[0].body
    mailbox.clear()
    makers.job(team, creator, milliseconds=2000)
    assert told()[2:] == [("month", 100)]
    assert "Nothing more is made until then." in mailbox[0].body


def test_several_levels_at_once_are_one_mail(
    team: Team, owner: User, creator: User, mailbox: list[Any]
) -> None:
    Budget.objects.create(team=team, member=creator, period="day", micros=4 * PRICE)
    makers.job(team, creator)
    assert told() == [("day", 50), ("day", 80), ("day", 100)]
    assert [one.to for one in mailbox] == [[owner.email], [creator.email]]
    assert mailbox[0].subject.startswith("Footlight: 100 % of Chidi’s limit")


def test_what_was_given_back_and_taken_again_is_told_once(
    team: Team, owner: User, creator: User, mailbox: list[Any]
) -> None:
    Budget.objects.create(team=team, micros=5 * PRICE)
    for _ in range(3):
        ledger.release(makers.job(team, creator))
    assert told() == [("month", 50), ("month", 80)]
    assert len(mailbox) == 2


def test_another_amount_is_another_limit(
    team: Team, owner: User, creator: User, mailbox: list[Any]
) -> None:
    limit = Budget.objects.create(team=team, micros=8 * PRICE)
    makers.job(team, creator)
    limit.micros = 16 * PRICE
    limit.save(update_fields=["micros"])
    makers.job(team, creator)
    assert LimitWarning.objects.count() == 2
    limit.micros = 0
    limit.save(update_fields=["micros"])
    with pytest.raises(budget.OverBudget):
        makers.job(team, creator)
    assert LimitWarning.objects.count() == 2


def test_a_bill_above_its_hold_and_a_correction_are_told(
    team: Team,
    owner: User,
    creator: User,
    mailbox: list[Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    Budget.objects.create(team=team, period="day", micros=10 * PRICE)
    job = makers.job(team, creator)
    assert told() == []
    with django_capture_on_commit_callbacks(execute=True):
        ledger.settle(job, Decimal(5), "1:1")
    assert told() == [("day", 50)]
    ledger.adjust(team, 3 * PRICE, "billed later", owner, subject=job)
    assert told() == [("day", 50), ("day", 80)]


def test_a_refused_order_tells_nothing(
    team: Team, creator: User, owner: User, mailbox: list[Any]
) -> None:
    Budget.objects.create(team=team, micros=3 * PRICE)
    with pytest.raises(budget.OverBudget):
        makers.job(team, creator)
    assert told() == []
    assert not mailbox


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    sent: list[Any] = []
    monkeypatch.setattr(mail.EmailMessage, "send", lambda self: sent.append(self) or 1)
    return sent
