"""What a stored order is ordered with when it goes on, and who may end it; and what a click hands
on to the jobs that it makes."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from jobs.common.errors import Refused
from jobs.models import Account, Job, JobSet, PendingOrder
from jobs.orders import approval, create, create_batch, rest, sets, stored_orders
from jobs.orders.approval import GoAhead
from jobs.orders.order_group import OrderGroup
from jobs.orders.order_request import OrderRequest
from studio.audit.events import Event
from studio.models import AuditEntry, Team, User
from tests import makers

pytestmark = pytest.mark.django_db


def go_ahead(pending: PendingOrder, by: User) -> GoAhead:
    return GoAhead(pending, by, most=10**9, round=pending.round)


def order(team: Team, by: User, account: Account, title: str = "Take") -> OrderRequest:
    files = {"image_url": makers.asset(team), "audio_url": makers.asset(team, "audio")}
    return OrderRequest(
        team, by, "emo-v1", files, {"ratio": "1:1"}, account=account, title=title, key="click"
    )


# ── what goes on ──


def test_one_goes_on_with_what_it_was_made_of(
    team: Team, creator: User, owner: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which video it makes again, and what it is a test clip of."""
    before = makers.job(team, creator, account=account)
    full = {"title": "Whole"}
    wish = order(team, creator, account)
    group = OrderGroup([wish], again_of=[before], full=[full])
    monkeypatch.setattr(stored_orders, "group_of", lambda _pending: group)
    seen: list[Any] = []
    monkeypatch.setattr(stored_orders, "create", lambda *args, **more: seen.append((args, more)))
    go = go_ahead(makers.pending_order(team, creator), owner)
    stored_orders._order(go)
    assert seen == [((wish, before, full), {"go_ahead": go})]


@pytest.mark.parametrize(("kind", "partly"), [("batch", True), ("sweep", False)])
def test_several_go_on_with_what_they_were_made_of(
    team: Team,
    creator: User,
    owner: User,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    partly: bool,
) -> None:
    before = makers.job(team, creator, account=account)
    into = JobSet.objects.create(team=team, owner=creator, kind=kind, title="Before")
    wishes = [order(team, creator, account, f"Take {n}") for n in range(2)]
    fulls = [{"title": "One"}, {"title": "Two"}]
    group = OrderGroup(wishes, False, kind, "Many", "click", [before, None], fulls, into)
    monkeypatch.setattr(stored_orders, "group_of", lambda _pending: group)
    seen: list[Any] = []
    monkeypatch.setattr(
        stored_orders, "create_batch", lambda *args, **more: seen.append((args, more))
    )
    go = go_ahead(makers.pending_order(team, creator), owner)
    stored_orders._order(go)
    expected = {
        "kind": kind,
        "title": "Many",
        "key": "click",
        "again_of": [before, None],
        "full": fulls,
        "into": into,
        "partly": partly,
        "go_ahead": go,
    }
    assert seen == [((wishes,), expected)]


# ── who was faster ──


def test_a_question_that_expired_while_it_was_answered_orders_nothing(
    team: Team, creator: User, owner: User
) -> None:
    late = makers.pending_order(team, creator, expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Refused):
        approval._claim(go_ahead(late, owner))
    late.refresh_from_db()
    assert late.state == PendingOrder.State.OPEN
    # What waits for room in a limit has no such end
    held = makers.pending_order(team, creator, reason="limit", expires_at=late.expires_at)
    approval._claim(go_ahead(held, owner))
    held.refresh_from_db()
    assert held.state == PendingOrder.State.ORDERED


@pytest.mark.parametrize(
    ("reason", "event"), [("approval", Event.APPROVED), ("limit", Event.REST_WENT_ON)]
)
def test_the_trail_says_which_of_the_two_went_on(
    team: Team, creator: User, owner: User, account: Account, reason: str, event: Event
) -> None:
    pending = makers.pending_order(team, creator, reason=reason)
    made = makers.job(team, creator, account=account)
    with transaction.atomic():
        approval.ordered(go_ahead(pending, owner), made)
    told = AuditEntry.objects.latest("id")
    assert (told.event, told.about) == (event, pending.title)


@pytest.mark.parametrize("end", ["decline", "withdraw"])
def test_what_waits_for_room_is_ended_by_no_answer(
    team: Team, creator: User, owner: User, end: str
) -> None:
    held = makers.pending_order(team, creator, reason="limit")
    done = (
        stored_orders.decline(held, owner, "No")
        if end == "decline"
        else stored_orders.withdraw(held, creator)
    )
    held.refresh_from_db()
    assert (done, held.state) == (False, PendingOrder.State.OPEN)


def test_an_answer_without_words_is_empty(team: Team, creator: User) -> None:
    pending = makers.pending_order(team, creator)
    assert stored_orders.withdraw(pending, creator)
    pending.refresh_from_db()
    assert pending.answer == ""


# ── what fits ──


@pytest.mark.parametrize(
    ("prices", "room", "fit"),
    [
        ([5], 5, {0}),
        ([5, 6, 5], 10, {0, 2}),
        ([5, 6], 4, set()),
        ([0, 0], 0, {0, 1}),
        ([7, 8], None, {0, 1}),
    ],
)
def test_what_has_room_together(prices: list[int], room: int | None, fit: set[int]) -> None:
    assert rest.fitting(prices, room) == fit


# ── what a click hands on ──


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    def note(several: list[OrderRequest], **more: Any) -> None:
        seen.append({"titles": [one.title for one in several], **more})

    monkeypatch.setattr(create_batch, "create_batch", note)
    monkeypatch.setattr(OrderRequest, "trimmed", lambda self: self)
    return seen


def test_a_split_says_what_each_part_is_made_again_of(
    team: Team,
    creator: User,
    account: Account,
    batches: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = makers.job(team, creator, account=account)
    wish = order(team, creator, account, "Speech")
    monkeypatch.setattr(sets, "split", lambda order, name, parts: [order] * len(parts))
    parts: list[Any] = [SimpleNamespace(), SimpleNamespace()]
    sets.make(wish, "split", parts, before)
    assert batches == [
        {
            "titles": ["Speech"] * 2,
            "kind": JobSet.Kind.SPLIT,
            "title": "Speech",
            "key": "click",
            "again_of": [before, before],
        }
    ]


def test_styles_side_by_side_are_named_by_their_order(
    team: Team, creator: User, account: Account, batches: list[dict[str, Any]]
) -> None:
    before: Job = makers.job(team, creator, account=account)
    sets.make(order(team, creator, account, "Welcome"), "sweep", again_of=before)
    (made,) = batches
    assert made["title"] == "Welcome"
    assert made["again_of"] == [before] * len(made["titles"])
    assert all(title.startswith("Welcome · ") for title in made["titles"])
    assert (made["kind"], made["key"], made["full"]) == (JobSet.Kind.SWEEP, "click", [])


def test_made_again_by_the_program_has_no_key_of_a_click(
    team: Team, creator: User, account: Account
) -> None:
    job = makers.job(team, creator, account=account)
    wish = create.request_of(job, creator)
    assert (wish.key, wish.template) == ("", None)
