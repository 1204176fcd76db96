"""The rest of a batch: what had no room in a limit when the others of its set were made. It is kept
as it was ordered, with nothing reserved and nothing sent, until somebody goes on with it or cancels
it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from jobs.billing import budget, ledger, limit_words
from jobs.models import JobSet, PendingOrder
from jobs.orders import approval
from jobs.orders.order_group import OrderGroup, stored
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.translatable import Sentence, phrase, together
from studio.models import Team, User


def why(team: Team, owner: User, micros: int) -> Sentence | None:
    """Which limit has no room for `micros`, who can raise it and when it begins anew; None when all
    have."""
    found = [one for one in budget.limit_uses(team, owner) if one.left < micros]
    if not found:
        return None
    nearest = min(found, key=lambda one: one.left)
    what = limit_words.whose(team, nearest)
    said = phrase("Held by %(whose)s, which has no room for it now.", whose=what)
    return together(said, limit_words.renewal(team, nearest))


def fitting(prices: Sequence[int], room: int | None) -> set[int]:
    """The numbers of those of `prices` that have room in `room` micros together (None: no limit),
    the first ones first."""
    found: set[int] = set()
    left = room
    for number, micros in enumerate(prices):
        if left is None or micros <= left:
            found.add(number)
            left = None if left is None else left - micros
    return found


def keep(
    jobset: JobSet,
    group: OrderGroup,
    left: Sequence[int],
    micros: int,
    told: Sentence,
    go_ahead: approval.GoAhead | None,
) -> None:
    """Keep the orders of `group` with the numbers `left`, which cost `micros` now, as the rest of
    `jobset`. In the transaction that made the others, under the team's lock."""
    # Without the keys of the click: its set is made, and the rest is other clicks.
    orders = [replace(group.orders[number], key="") for number in left]
    kept = replace(
        group,
        orders=orders,
        key="",
        again_of=[group.again_of[number] for number in left] if group.again_of else [],
        full=[group.full[number] for number in left] if group.full else [],
        into=None,
    )
    columns: dict[str, object] = {
        "wish": stored(kept),
        "videos": len(orders),
        "quote_micros": micros,
        "why": told,
        "state": PendingOrder.State.OPEN,
    }
    if go_ahead is not None and not go_ahead.approves:
        _keep_again(go_ahead.pending, micros, columns)
        return
    PendingOrder.objects.create(
        team=jobset.team,
        owner=jobset.owner,
        reason=PendingOrder.Reason.LIMIT,
        title=jobset.title,
        currency=jobset.team.currency,
        approved_micros=micros if go_ahead is not None else None,
        set=jobset,
        created_at=clock.now(),
        **columns,
    )
    record(
        Event.REST_HELD,
        team=jobset.team,
        by=go_ahead.by if go_ahead is not None else jobset.owner,
        person=jobset.owner,
        about=jobset.title,
        after={"videos_n": len(orders)},
    )


def _keep_again(pending: PendingOrder, micros: int, columns: dict[str, object]) -> None:
    """What is left of a rest that went on. What was approved is used up by what was made of it."""
    row = PendingOrder.objects.filter(pk=pending.pk)
    row.update(**columns)
    row.filter(approved_micros__gt=micros).update(approved_micros=micros)


def of_set(jobset: JobSet) -> PendingOrder | None:
    """What of `jobset` is held by a limit."""
    return (
        jobset.pending_orders.filter(
            reason=PendingOrder.Reason.LIMIT, state=PendingOrder.State.OPEN
        )
        .select_related("team", "owner", "set")
        .first()
    )


def cancel(jobset: JobSet, by: User) -> int:
    """Cancel what of `jobset` is held; how many videos that were."""
    with transaction.atomic():
        ledger.lock(jobset.team)
        pending = of_set(jobset)
        if pending is None:
            return 0
        PendingOrder.objects.filter(pk=pending.pk).update(
            state=PendingOrder.State.WITHDRAWN, answered_by=by, answered_at=clock.now()
        )
        record(
            Event.REST_CANCELED,
            team=jobset.team,
            by=by,
            person=pending.owner,
            about=pending.title,
            before={"videos_n": pending.videos},
        )
    return pending.videos
