"""A batch of which a part has room in the limits: that part is made, the rest is kept with nothing
reserved, and goes on once, at its price of then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone

from jobs.billing import budget
from jobs.common.errors import Refused
from jobs.models import Account, Budget, Job, JobSet, LedgerEntry, PendingOrder, Price
from jobs.orders import rest, sets, stored_orders
from jobs.orders.approval import NeedsApproval
from jobs.orders.create_batch import create_batch
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from studio.models.audit import AuditEntry
from tests import makers

pytestmark = pytest.mark.django_db
PRICE = 4 * 11_469  # of a video of 4 s


@pytest.fixture
def wishes(team: Team, creator: User, account: Account) -> list[OrderRequest]:
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    return [
        OrderRequest(
            team,
            creator,
            "emo-v1",
            {"image_url": picture, "audio_url": makers.asset(team, "audio")},
            {"ratio": "1:1"},
            account=account,
            title=f"Take {number}",
            key="k",
        )
        for number in range(5)
    ]


def limit(team: Team, micros: int) -> None:
    Budget.objects.update_or_create(
        team=team, member=None, of_each=False, period="month", defaults={"micros": micros}
    )


def batch(wishes: list[OrderRequest]) -> JobSet:
    return create_batch(wishes, kind=JobSet.Kind.BATCH, title="Many", key="k", partly=True)


def titles(made: JobSet) -> list[str]:
    return [job.title for job in made.jobs.order_by("id")]


def held(made: JobSet) -> PendingOrder:
    found = rest.of_set(made)
    assert found is not None
    return found


def reserved() -> int:
    return sum(entry.held for entry in LedgerEntry.objects.all())


def test_what_fits_is_made_and_the_rest_is_kept(wishes: list[OrderRequest], team: Team) -> None:
    limit(team, 2 * PRICE + 1)
    made = batch(wishes)
    assert titles(made) == ["Take 0", "Take 1"]
    left = held(made)
    assert (left.videos, left.quote_micros, left.reason) == (3, 3 * PRICE, "limit")
    assert "the limit of Studio North for a month" in str(left.why)
    assert reserved() == 2 * PRICE
    assert AuditEntry.objects.filter(event="money.rest-held").count() == 1


def test_the_same_click_twice_keeps_one_rest(wishes: list[OrderRequest], team: Team) -> None:
    limit(team, 2 * PRICE)
    assert batch(wishes) == batch(wishes)
    assert (Job.objects.count(), PendingOrder.objects.count()) == (2, 1)


def test_one_that_costs_less_takes_the_room_that_a_dear_one_does_not(
    wishes: list[OrderRequest], team: Team
) -> None:
    long = makers.asset(team, "audio", milliseconds=8000)
    wishes[1] = replace(wishes[1], files={**wishes[1].files, "audio_url": long})
    limit(team, 2 * PRICE)
    made = batch(wishes)
    assert titles(made) == ["Take 0", "Take 2"]
    limit(team, 7 * PRICE)
    stored_orders.go_on(held(made), wishes[0].owner, 4 * PRICE, 0)
    assert sorted(titles(made)) == [f"Take {number}" for number in range(5)]


def test_where_nothing_fits_nothing_is_kept(wishes: list[OrderRequest], team: Team) -> None:
    limit(team, PRICE - 1)
    with pytest.raises(budget.OverBudget, match=r"This needs \$0.2294"):
        batch(wishes)
    assert not PendingOrder.objects.exists()
    assert not JobSet.objects.exists()


def test_without_a_limit_nothing_is_kept(wishes: list[OrderRequest]) -> None:
    assert rest.of_set(batch(wishes)) is None


def test_going_on_makes_what_has_room_by_then(
    wishes: list[OrderRequest], team: Team, creator: User
) -> None:
    limit(team, 2 * PRICE)
    made = batch(wishes)
    with pytest.raises(budget.OverBudget):
        stored_orders.go_on(held(made), creator, 3 * PRICE, 0)
    assert held(made).videos == 3
    limit(team, 4 * PRICE)
    first = held(made)
    stored_orders.go_on(first, creator, 3 * PRICE, 0)
    assert titles(made) == ["Take 0", "Take 1", "Take 2", "Take 3"]
    assert (held(made).videos, held(made).pk, held(made).round) == (1, first.pk, 1)
    limit(team, 10 * PRICE)
    stored_orders.go_on(held(made), creator, PRICE, 1)
    assert titles(made) == [f"Take {number}" for number in range(5)]
    assert rest.of_set(made) is None
    assert reserved() == 5 * PRICE
    assert {job.owner for job in made.jobs.all()} == {creator}


def test_going_on_twice_makes_it_once(
    wishes: list[OrderRequest], team: Team, creator: User
) -> None:
    limit(team, 2 * PRICE)
    made = batch(wishes)
    stale = held(made)
    limit(team, 10 * PRICE)
    stored_orders.go_on(held(made), creator, 3 * PRICE, 0)
    # The other tab, which saw it before: first as it remembers it, then as it would read it.
    with pytest.raises(Refused, match="already"):
        stored_orders.go_on(stale, creator, 3 * PRICE, 0)
    assert Job.objects.count() == 5


def test_a_click_of_an_earlier_round_goes_on_with_nothing(
    wishes: list[OrderRequest], team: Team, creator: User
) -> None:
    limit(team, 2 * PRICE)
    made = batch(wishes)
    stale = held(made)
    limit(team, 3 * PRICE)
    stored_orders.go_on(held(made), creator, 3 * PRICE, 0)
    limit(team, 10 * PRICE)
    for pending in (stale, held(made)):
        with pytest.raises(Refused, match="went on with it already"):
            stored_orders.go_on(pending, creator, 3 * PRICE, 0)
    assert (Job.objects.count(), held(made).videos) == (3, 2)


def test_going_on_tests_the_price_again(
    wishes: list[OrderRequest], team: Team, creator: User
) -> None:
    limit(team, 2 * PRICE)
    made = batch(wishes)
    limit(team, 100 * PRICE)
    Price.objects.filter(model="emo-v1").update(micros=20_000)
    with pytest.raises(Refused, match="The price is"):
        stored_orders.go_on(held(made), creator, 3 * PRICE, 0)
    now = stored_orders.price_now(held(made))
    assert now == 3 * 4 * 20_000
    stored_orders.go_on(held(made), creator, now, 0)
    assert made.jobs.count() == 5


def test_cancelling_the_rest_costs_nothing(
    wishes: list[OrderRequest], team: Team, creator: User
) -> None:
    limit(team, 2 * PRICE)
    made = batch(wishes)
    assert (rest.cancel(made, creator), rest.cancel(made, creator)) == (3, 0)
    assert rest.of_set(made) is None
    assert made.jobs.count() == 2


def test_cancelling_the_set_cancels_its_rest(
    wishes: list[OrderRequest], team: Team, creator: User
) -> None:
    limit(team, 2 * PRICE)
    made = batch(wishes)
    assert sets.cancel(made, creator).startswith("5 ")
    assert rest.of_set(made) is None
    assert reserved() == 0


def test_a_file_that_is_gone_is_named_and_nothing_is_lost(
    wishes: list[OrderRequest], team: Team, creator: User
) -> None:
    limit(team, 2 * PRICE)
    made = batch(wishes)
    gone = wishes[4].files["audio_url"]
    name = gone.name
    gone.delete()
    limit(team, 10 * PRICE)
    with pytest.raises(Refused, match=f"“{name}” was deleted since"):
        stored_orders.go_on(held(made), creator, 3 * PRICE, 0)
    assert held(made).videos == 3


def test_an_approved_batch_needs_no_second_approval_for_its_rest(
    wishes: list[OrderRequest], team: Team, creator: User, owner: User
) -> None:
    Team.objects.filter(pk=team.pk).update(approval_micros=PRICE)
    limit(team, 2 * PRICE)
    with pytest.raises(NeedsApproval) as refused:
        batch(wishes)
    pending = stored_orders.ask(refused.value)
    made = stored_orders.approve(pending, owner, 5 * PRICE)
    assert isinstance(made, JobSet)
    assert (made.jobs.count(), held(made).videos) == (2, 3)
    limit(team, 10 * PRICE)
    Price.objects.filter(model="emo-v1").update(micros=20_000)
    now = stored_orders.price_now(held(made))
    with pytest.raises(Refused, match="Somebody who may approve has to go on"):
        stored_orders.go_on(held(made), creator, now, 0)  # dearer than what was approved
    Price.objects.filter(model="emo-v1").update(micros=11_469)
    stored_orders.go_on(held(made), creator, 3 * PRICE, 0)
    assert (made.jobs.count(), PendingOrder.objects.filter(state="open").count()) == (5, 0)


def test_what_was_made_of_an_approved_rest_is_used_up(
    wishes: list[OrderRequest], team: Team, creator: User, owner: User
) -> None:
    """The last video may not cost as much as the three that were approved."""
    Team.objects.filter(pk=team.pk).update(approval_micros=PRICE)
    limit(team, 2 * PRICE)
    with pytest.raises(NeedsApproval) as refused:
        batch(wishes)
    made = stored_orders.approve(stored_orders.ask(refused.value), owner, 5 * PRICE)
    assert isinstance(made, JobSet)
    limit(team, 4 * PRICE)
    stored_orders.go_on(held(made), creator, 3 * PRICE, 0)
    left = held(made)
    assert left.videos == 1
    limit(team, 20 * PRICE)
    Price.objects.filter(model="emo-v1").update(micros=2 * 11_469)
    with pytest.raises(Refused, match="Somebody who may approve has to go on"):
        stored_orders.go_on(left, creator, 2 * PRICE, left.round)
    Price.objects.filter(model="emo-v1").update(micros=11_469)
    stored_orders.go_on(left, creator, PRICE, left.round)
    assert made.jobs.count() == 5


def test_lowering_the_amount_makes_the_rest_wait_for_who_may_approve(
    wishes: list[OrderRequest], team: Team, creator: User, owner: User
) -> None:
    limit(team, 2 * PRICE)
    made = batch(wishes)
    limit(team, 10 * PRICE)
    Team.objects.filter(pk=team.pk).update(approval_micros=0)
    with pytest.raises(Refused, match="Somebody who may approve has to go on"):
        stored_orders.go_on(held(made), creator, 3 * PRICE, 0)
    stored_orders.go_on(held(made), owner, 3 * PRICE, 0)
    assert {job.owner for job in made.jobs.all()} == {creator}
