"""An order becomes a job, with its hold. All or nothing, and the same click twice is the same job.

What is made here is QUEUED; from then on only `engine/transitions.py` moves it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from django.db import IntegrityError, transaction

from jobs.billing import budget, ledger
from jobs.common.open_team import require_open
from jobs.engine import eta
from jobs.engine.transitions import wake_lanes
from jobs.models import Job
from jobs.models.job import video_of
from jobs.orders import approval, undo
from jobs.orders.insert_job import (
    Full,
    hold,
    insert,
    keyed,
    needs_lock_first,
    require_here,
    still_valid,
    write,
)
from jobs.orders.order_group import OrderGroup
from jobs.orders.order_request import OrderRequest
from jobs.orders.place_in_line import place_of
from jobs.orders.plan import Plan, plan
from jobs.orders.waiting_room import require_room_in_line
from studio.models import Team, User


def create(
    order: OrderRequest,
    again_of: Job | None = None,
    full: Full | None = None,
    *,
    planned: Plan | None = None,
    go_ahead: approval.GoAhead | None = None,
) -> Job:
    """The job of `order`, with its hold; a dance from a new video also brings its template job. All
    or nothing.

    The same key in the same team returns the job that the first click made. `planned` is the plan
    that this request worked out before, checked or not; where it does not serve, the order is
    planned again. Key, budget, waiting limit and an awaited template are read again under the
    team's lock in any case. `go_ahead`: it was stored, and somebody has it made now.
    Raises Refused, NeedsApproval, OverBudget, NoPrice.
    """
    group = OrderGroup([order], again_of=[again_of], full=[full])
    order = replace(order, key=click_key(order))
    made = _made_before(order)
    if made is not None:
        return made
    ready = ready_plan(order, planned)
    place = place_of(ready)
    template_place = place_of(ready.first) if ready.first is not None else place
    try:
        with transaction.atomic():
            if go_ahead is None and not needs_lock_first(ready):
                return _create(ready, place, group)
            return _create_locked(ready, place, template_place, group, go_ahead)
    except IntegrityError:
        made = _made_before(order)
        if made is None:
            raise
        return made


def _create(ready: Plan, place: eta.Place, group: OrderGroup) -> Job:
    """Its rows first and then the lock, which all clicks of a team wait for. Of two clicks with one
    key the second waits at its first row for the first and finds it there."""
    (again_of,), (full,) = group.again_of, group.full
    job = write(ready, place, again_of=again_of, full=full)
    team = ledger.lock(ready.order.team)
    require_open(team)
    approval.admit(team, group, ready.estimate.micros, None)
    hold(job, ready, team)
    require_here([job])
    _end_locked(team, ready.order.owner, [job.lane_id])
    return job


def _end_locked(team: Team, owner: User, lanes: list[int]) -> None:
    # After the hold, whose lock lets one click of a team at a time come here: two at once cannot
    # both be the last.
    require_room_in_line(team, owner)
    wake_lanes(lanes)


def _create_locked(
    ready: Plan,
    place: eta.Place,
    template_place: eta.Place,
    group: OrderGroup,
    go_ahead: approval.GoAhead | None,
) -> Job:
    order, (again_of,), (full,) = ready.order, group.again_of, group.full
    # The team before its jobs, as every click does it, so that no two wait for each other.
    team = ledger.lock(order.team)
    made = _made_before(order)
    if made is not None:
        # the other half of a double click was faster, and the room that is gone went to it
        return made
    require_open(team)
    ready = still_valid(ready)
    approval.admit(team, group, ready.estimate.micros, go_ahead)
    needs = ready.waits_for
    lanes = []
    if ready.first is not None:
        # One test of the sum, or a refusal would name the price of the video alone.
        budget.require_room(team, order.owner, ready.estimate.micros)
        maker = keyed(ready.first, undo.key_of(order.key))
        needs = insert(maker, template_place, locked=team)
        lanes = [needs.lane_id]
    job = insert(ready, place, needs=needs, again_of=again_of, full=full, locked=team)
    require_here([job, needs] if needs is not None else [job])
    approval.ordered(go_ahead, job)
    _end_locked(team, order.owner, [job.lane_id, *lanes])
    return job


def ready_plan(order: OrderRequest, planned: Plan | None) -> Plan:
    """`planned` with its checks, where it serves `order`; else a new plan. Raises Refused and
    NoPrice."""
    if planned is not None and planned.serves(order):
        return planned.for_click(order)
    return plan(order)


def _made_before(order: OrderRequest) -> Job | None:
    """The job that the same click made already; None without a key."""
    return order.team.jobs.filter(idempotency_key=order.key).first() if order.key else None


def click_key(order: OrderRequest) -> str:
    """The key of this very order under this click: a form that was gone back to and changed is
    another order."""
    if not order.key:
        return ""
    files = sorted((name, asset.pk) for name, asset in order.files.items())
    template = (
        order.template.pk if order.template else None,
        order.template_video.pk if order.template_video else None,
    )
    what = repr((order.key, order.model, files, sorted(order.chosen.items(), key=str), template))
    return hashlib.sha256(what.encode()).hexdigest()[:40]


def again(job: Job, by: User, key: str = "") -> Job:
    """The same order as a new job, paid anew. A template that the service forgot is made again from
    its video."""
    return create(request_of(job, by, key), again_of=job, full=job.full)


def request_of(job: Job, by: User, key: str = "") -> OrderRequest:
    """The order that `job` was, as `by` would have it again."""
    files = {row.name: row.asset for row in job.inputs.select_related("asset")}
    template, video = job.template, None
    if template is not None and template.deleted:
        template = None
    if job.needs is not None and template is None:
        video = video_of(job.needs)
    if template is not None and template.forgotten:
        video = template.video
        template = None
    account = job.account if job.account.key is not None and job.account.takes else None
    return OrderRequest(
        job.team, by, job.model, files, job.parameters, template, video, account, job.title, key
    )
