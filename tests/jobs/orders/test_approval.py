"""Approval: above an amount per click somebody asks first, once; yes orders once, at the price that
was seen; no, withdrawing and time end it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from jobs.billing import budget
from jobs.common.errors import Refused
from jobs.models import Account, Budget, Job, JobSet, LedgerEntry, PendingOrder, Price
from jobs.orders import approval, stored_orders
from jobs.orders.approval import NeedsApproval
from jobs.orders.create import again, create
from jobs.orders.create_batch import create_batch
from jobs.orders.order_request import OrderRequest
from studio.models import Membership, Role, Team, User
from studio.models.audit import AuditEntry
from tests import makers

pytestmark = pytest.mark.django_db
PRICE = 4 * 11_469  # of a video of 4 s
State = PendingOrder.State


@pytest.fixture
def wish(team: Team, creator: User, account: Account) -> OrderRequest:
    picture, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(picture, account, answered_at=timezone.now())
    files = {"image_url": picture, "audio_url": speech}
    return OrderRequest(
        team, creator, "emo-v1", files, {"ratio": "1:1"}, account=account, title="Hello", key="k"
    )


@pytest.fixture
def above(team: Team) -> int:
    """The team's amount per click, one millionth below what the wish costs."""
    amount = PRICE - 1
    Team.objects.filter(pk=team.pk).update(approval_micros=amount)
    team.approval_micros = amount
    return amount


def asked(wish: OrderRequest) -> PendingOrder:
    with pytest.raises(NeedsApproval) as refused:
        create(wish)
    return fresh(stored_orders.ask(refused.value))


def fresh(pending: PendingOrder) -> PendingOrder:
    return PendingOrder.objects.select_related("team", "owner", "answered_by").get(pk=pending.pk)


def events(*kinds: str) -> list[str]:
    rows = AuditEntry.objects.filter(event__startswith="money.approv").order_by("id")
    return [row.event for row in rows]


# ── who asks, and for what ──


@pytest.mark.parametrize(
    ("amount", "asks"), [(None, False), (PRICE, False), (PRICE - 1, True), (0, True)]
)
def test_only_above_the_amount(wish: OrderRequest, amount: int | None, asks: bool) -> None:
    Team.objects.filter(pk=wish.team.pk).update(approval_micros=amount)
    # The rule is read under the lock, not from a page that was open.
    if asks:
        with pytest.raises(NeedsApproval):
            create(wish)
        assert (Job.objects.count(), LedgerEntry.objects.count()) == (0, 0)
    else:
        assert create(wish).quote_micros == PRICE


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_who_may_approve_does_not_ask(
    wish: OrderRequest, above: int, creator: User, role: str
) -> None:
    Membership.objects.filter(user=creator, team=wish.team).update(role=role)
    assert create(wish).owner == creator


def test_every_path_asks(wish: OrderRequest, above: int, owner: User, creator: User) -> None:
    made = create(replace(wish, owner=owner))
    with pytest.raises(NeedsApproval):
        again(made, creator, key="again")
    with pytest.raises(NeedsApproval):
        create_batch([wish, wish], kind=JobSet.Kind.BATCH, title="Two", key="b")
    assert Job.objects.count() == 1


def test_a_batch_counts_as_one_click(wish: OrderRequest, owner: User, admin: User) -> None:
    Team.objects.filter(pk=wish.team.pk).update(approval_micros=PRICE)
    create(wish)
    with pytest.raises(NeedsApproval) as refused:
        create_batch([wish, wish], kind=JobSet.Kind.BATCH, title="Two", key="b")
    assert refused.value.micros == 2 * PRICE
    assert "Aiko, Ben" in str(refused.value.sentence)


# ── asking ──


def test_asking_reserves_nothing_and_tells_who_may_approve(
    wish: OrderRequest, above: int, owner: User, admin: User
) -> None:
    pending = asked(wish)
    assert (pending.quote_micros, pending.videos, pending.title) == (PRICE, 1, "Hello")
    assert (Job.objects.count(), LedgerEntry.objects.count()) == (0, 0)
    assert sorted(letter.to[0] for letter in mail.outbox) == sorted([owner.email, admin.email])
    assert f"/approvals/{pending.public_id}/" in mail.outbox[0].body
    assert events() == ["money.approval-asked"]


def test_the_same_click_asks_once(wish: OrderRequest, above: int) -> None:
    first = asked(wish)
    assert asked(wish).pk == first.pk
    assert asked(replace(wish, key="another")).pk != first.pk
    assert len(events()) == 2


def test_asking_needs_no_room_in_a_limit(wish: OrderRequest, above: int) -> None:
    Budget.objects.create(team=wish.team, micros=0)
    assert asked(wish).is_open


# ── yes ──


def test_yes_orders_in_the_name_of_who_asked(
    wish: OrderRequest, above: int, owner: User, creator: User
) -> None:
    pending = asked(wish)
    mail.outbox.clear()
    made = stored_orders.approve(pending, owner, PRICE, "Go for it")
    assert isinstance(made, Job)
    assert (made.owner, made.quote_micros, made.title) == (creator, PRICE, "Hello")
    assert {row.name: row.asset for row in made.inputs.all()} == wish.files
    pending = fresh(pending)
    assert (pending.state, pending.job, pending.answered_by) == (State.ORDERED, made, owner)
    (letter,) = mail.outbox
    assert letter.to == [creator.email]
    assert "approved by Aiko" in letter.body
    assert "Go for it" in letter.body
    assert events() == ["money.approval-asked", "money.approved"]


def test_yes_twice_orders_once(wish: OrderRequest, above: int, owner: User, admin: User) -> None:
    pending = asked(wish)
    stale = fresh(pending)
    stored_orders.approve(pending, owner, PRICE)
    for again_pressed in (stale, fresh(pending)):
        with pytest.raises(Refused, match="ordered already, by Aiko"):
            stored_orders.approve(again_pressed, admin, PRICE)
    assert Job.objects.count() == 1


def test_the_database_lets_no_second_question_have_the_same_job(
    wish: OrderRequest, above: int, owner: User
) -> None:
    from django.db import IntegrityError, transaction

    first, second = asked(wish), asked(replace(wish, key="other"))
    made = stored_orders.approve(first, owner, PRICE)
    with pytest.raises(IntegrityError), transaction.atomic():
        PendingOrder.objects.filter(pk=second.pk).update(job=made)


def test_the_click_comes_again_after_yes(wish: OrderRequest, above: int, owner: User) -> None:
    """The page of before was still open: its click finds the job that was approved."""
    made = stored_orders.approve(asked(wish), owner, PRICE)
    assert create(wish) == made


def test_the_amount_was_raised_and_the_click_came_again(
    wish: OrderRequest, above: int, owner: User
) -> None:
    pending = asked(wish)
    Team.objects.filter(pk=wish.team.pk).update(approval_micros=None)
    made = create(wish)
    assert stored_orders.approve(pending, owner, PRICE) == made
    assert (fresh(pending).state, fresh(pending).job, Job.objects.count()) == (
        State.ORDERED,
        made,
        1,
    )


def test_a_price_that_grew_is_not_paid_silently(
    wish: OrderRequest, above: int, owner: User
) -> None:
    pending = asked(wish)
    Price.objects.filter(model="emo-v1").update(micros=20_000)
    with pytest.raises(Refused, match="The price is"):
        stored_orders.approve(pending, owner, PRICE)
    assert (Job.objects.count(), fresh(pending).state) == (0, State.OPEN)
    now = stored_orders.price_now(pending)
    assert now > PRICE
    made = stored_orders.approve(fresh(pending), owner, now)
    assert isinstance(made, Job)
    assert made.quote_micros == now


def test_limits_are_tested_again(wish: OrderRequest, above: int, owner: User) -> None:
    pending = asked(wish)
    limit = Budget.objects.create(team=wish.team, member=wish.owner, micros=PRICE - 1)
    with pytest.raises(budget.OverBudget, match="Chidi’s limit"):
        stored_orders.approve(pending, owner, PRICE)
    assert fresh(pending).state == State.OPEN
    Budget.objects.filter(pk=limit.pk).update(micros=PRICE)
    stored_orders.approve(fresh(pending), owner, PRICE)
    assert Job.objects.count() == 1


def test_a_batch_is_approved_as_a_whole(wish: OrderRequest, above: int, owner: User) -> None:
    several = [replace(wish, title=f"Take {n}") for n in range(3)]
    with pytest.raises(NeedsApproval) as refused:
        create_batch(several, kind=JobSet.Kind.BATCH, title="Many", key="b")
    pending = fresh(stored_orders.ask(refused.value))
    made = stored_orders.approve(pending, owner, 3 * PRICE)
    assert isinstance(made, JobSet)
    assert [job.title for job in made.jobs.order_by("id")] == ["Take 0", "Take 1", "Take 2"]
    assert (fresh(pending).set, made.owner) == (made, wish.owner)


# ── what has gone meanwhile ──


def _left(pending: PendingOrder) -> None:
    Membership.objects.filter(user=pending.owner, team=pending.team).delete()


def _lowered(pending: PendingOrder) -> None:
    Membership.objects.filter(user=pending.owner).update(role=Role.VIEWER)


def _inactive(pending: PendingOrder) -> None:
    User.objects.filter(pk=pending.owner_id).update(is_active=False)


def _file_deleted(pending: PendingOrder) -> None:
    wanted = pending.wish["orders"][0]["files"]["audio_url"]
    pending.team.assets.filter(public_id=wanted).delete()


def _connection_gone(pending: PendingOrder) -> None:
    from jobs.models import ApiKey, Check

    ApiKey.objects.all().delete()
    Check.objects.all().delete()
    pending.team.accounts.all().delete()


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (_left, "Chidi is not in Studio North any more"),
        (_inactive, "Chidi is not in Studio North any more"),
        (_lowered, "Chidi is Viewer in Studio North now"),
        (_file_deleted, "was deleted since"),
        (_connection_gone, "connection that this was to use is gone"),
    ],
)
def test_what_has_gone_is_said(
    wish: OrderRequest, above: int, owner: User, what: Any, says: str
) -> None:
    pending = asked(wish)
    what(pending)
    with pytest.raises(Refused, match=says):
        stored_orders.approve(fresh(pending), owner, PRICE)
    assert (Job.objects.count(), fresh(pending).state) == (0, State.OPEN)


# ── no ──


def test_no_with_a_reason(wish: OrderRequest, above: int, owner: User, creator: User) -> None:
    pending = asked(wish)
    mail.outbox.clear()
    assert stored_orders.decline(pending, owner, "Use the shorter one")
    assert not stored_orders.decline(fresh(pending), owner, "Twice")
    (letter,) = mail.outbox
    assert letter.to == [creator.email]
    assert "declined by Aiko" in letter.body
    assert "Use the shorter one" in letter.body
    with pytest.raises(Refused, match="declined already, by Aiko"):
        stored_orders.approve(pending, owner, PRICE)
    assert Job.objects.count() == 0


def test_who_asked_withdraws_and_gets_no_letter(wish: OrderRequest, above: int) -> None:
    pending = asked(wish)
    mail.outbox.clear()
    assert stored_orders.withdraw(pending, wish.owner)
    assert (fresh(pending).state, mail.outbox) == (State.WITHDRAWN, [])
    assert events()[-1] == "money.approval-withdrawn"


def test_it_expires_after_seven_days_once(
    wish: OrderRequest, above: int, owner: User, creator: User
) -> None:
    pending = asked(wish)
    assert pending.expires_at is not None
    assert pending.expires_at - pending.created_at == timedelta(days=7)
    assert stored_orders.expire() == 0
    before = timezone.now() - timedelta(seconds=1)
    PendingOrder.objects.filter(pk=pending.pk).update(expires_at=before)
    with pytest.raises(Refused, match="expired"):  # also before it is swept
        stored_orders.approve(fresh(pending), owner, PRICE)
    mail.outbox.clear()
    assert (stored_orders.expire(), stored_orders.expire()) == (1, 0)
    (letter,) = mail.outbox
    assert letter.to == [creator.email]
    assert "has expired" in letter.body
    assert fresh(pending).state == State.EXPIRED
    assert events()[-1] == "money.approval-expired"


def test_needed_asks_nothing_without_an_amount(
    team: Team, creator: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert not approval.needed(team, creator, 10**12)


def test_the_same_click_under_two_titles_is_made_once(
    wish: OrderRequest, above: int, owner: User
) -> None:
    first, second = asked(wish), asked(replace(wish, title="Hello again"))
    assert first.pk != second.pk
    made = stored_orders.approve(first, owner, PRICE)
    with pytest.raises(Refused) as refused:
        stored_orders.approve(second, owner, PRICE)
    assert "same click" in str(refused.value.sentence)
    assert Job.objects.get() == made
    assert fresh(second).is_open
    assert stored_orders.withdraw(fresh(second), wish.owner)
