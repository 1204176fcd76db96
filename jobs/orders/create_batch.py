"""A batch: several orders become jobs of one set under one test of the budget: all or none, or what
fits into the limits, and the rest is kept (`rest`)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction

from jobs.billing import budget, ledger
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.open_team import require_open
from jobs.engine import eta
from jobs.engine.transitions import wake_lanes
from jobs.models import Job, JobSet
from jobs.orders import approval, rest, undo
from jobs.orders.create import click_key, ready_plan
from jobs.orders.insert_job import (
    Full,
    insert,
    keyed,
    require_here,
    still_valid,
)
from jobs.orders.order_group import OrderGroup
from jobs.orders.order_request import OrderRequest
from jobs.orders.place_in_line import UNKNOWN, TemplateKey, places_of, template_key
from jobs.orders.plan import Plan
from jobs.orders.waiting_room import require_room_in_line
from studio.common.translatable import phrase
from studio.models import Team, User

MOST = 100  # jobs of one set


@dataclass(frozen=True, slots=True)
class _PlannedJob:
    """One job of the set to be: its plan, its place, and what it repeats or begins."""

    plan: Plan
    place: eta.Place
    again_of: Job | None
    full: Full | None


@dataclass(frozen=True, slots=True)
class _Click:
    """What was ordered, whether a part of it will do, and whose word it was made on."""

    group: OrderGroup
    partly: bool
    go_ahead: approval.GoAhead | None


def create_batch(
    orders: Sequence[OrderRequest],
    *,
    kind: str = "",
    title: str = "",
    key: str = "",
    again_of: Sequence[Job | None] = (),
    full: Sequence[Full | None] = (),
    into: JobSet | None = None,
    planned: Sequence[Plan | None] = (),
    partly: bool = False,
    go_ahead: approval.GoAhead | None = None,
) -> JobSet:
    """One job for each of `orders` (of one team and person), in one set: all of them or none, under
    one budget test of their sum.

    The same key with the same orders returns the set that the first click made. A template that
    several of them need is made once. `again_of`, `full` and `planned` (as of `create`) go with the
    orders, one by one. `into` is a set of before that they join, each of its jobs again at most
    once. `partly`: what has no room in the limits is kept as the rest of the set, when at least one
    has. `go_ahead` as of `create`. Raises Refused with the name of each order that cannot be made,
    NeedsApproval, OverBudget, NoPrice.
    """
    _require_a_number_that_fits(len(orders))
    team, owner = orders[0].team, orders[0].owner
    group = OrderGroup(orders, False, kind, title, key, again_of, full, into)
    empty = JobSet(
        team=team,
        owner=owner,
        kind=kind,
        title=" ".join(title.split())[:200],
        idempotency_key=_set_key(orders, kind, key) if key else "",
    )
    made = _made_before(empty)
    if made is not None:
        return made
    jobs, template_places = _planned(group, planned)
    try:
        with transaction.atomic():
            return _create_locked(jobs, template_places, empty, _Click(group, partly, go_ahead))
    except IntegrityError:
        made = _made_before(empty)
        if made is None:
            raise
        return made


def _planned(
    group: OrderGroup, planned: Sequence[Plan | None]
) -> tuple[list[_PlannedJob], Mapping[TemplateKey, eta.Place]]:
    """The jobs of `group` with their places, and those of the templates that they need first."""
    # The jobs of a set are known by the set's key; keys of their own would only be another way to
    # meet.
    none: list[None] = [None] * len(group.orders)
    plans = _plans([replace(order, key="") for order in group.orders], planned or none)
    places, template_places = places_of(plans, templates_of(plans))
    parts = zip(plans, places, group.again_of or none, group.full or none, strict=True)
    return [_PlannedJob(*each) for each in parts], template_places


def _require_a_number_that_fits(videos: int) -> None:
    if not videos:
        raise Refused(phrase("There is nothing to make. Choose at least one."))
    if videos > MOST:
        raise Refused(
            phrase(
                "These are %(n)s videos, and at most %(most)s are made with one click. Choose "
                "fewer.",
                n=videos,
                most=MOST,
            )
        )


def _set_key(orders: Sequence[OrderRequest], kind: str, key: str) -> str:
    """The key of these very orders under the click `key`."""
    what = (key, kind, [click_key(replace(order, key=key)) for order in orders])
    return hashlib.sha256(repr(what).encode()).hexdigest()[:40]


def _made_before(empty: JobSet) -> JobSet | None:
    """The set that the same click made already; None without a key."""
    key = empty.idempotency_key
    return empty.team.sets.filter(idempotency_key=key).first() if key else None


def _create_locked(
    jobs: Sequence[_PlannedJob],
    template_places: Mapping[TemplateKey, eta.Place],
    empty: JobSet,
    click: _Click,
) -> JobSet:
    """`empty` is the set to be written when there is none to join."""
    team, owner, into = empty.team, empty.owner, click.group.into
    # One test of the sum, under the lock of all its holds: or a set would be refused halfway,
    # naming the price of one video.
    team = ledger.lock(team)
    made = _made_before(empty)
    if made is not None:
        return made
    repeated = [job.again_of for job in jobs if job.again_of is not None]
    if into is not None and into.jobs.filter(again_of__in=repeated).exists():
        return into  # another click was faster
    require_open(team)
    jobs = [replace(job, plan=still_valid(job.plan)) for job in jobs]
    total = total_of([job.plan for job in jobs])
    approval.admit(team, click.group, total, click.go_ahead)
    fitting = _fitting(team, owner, jobs) if click.partly else set(range(len(jobs)))
    kept = {number: job.plan for number, job in enumerate(jobs) if number not in fitting}
    told = rest.why(team, owner, total) if kept else None
    jobs = [job for number, job in enumerate(jobs) if number in fitting]
    needed = templates_of(job.plan for job in jobs)
    budget.require_room(team, owner, total_of([job.plan for job in jobs]))
    jobset = into or empty
    if into is None:
        jobset.save(force_insert=True)
    makers = {
        video: insert(
            keyed(first, undo.key_of_set(jobset) + uuid.uuid4().hex[:20]),
            template_places.get(video, UNKNOWN),
            locked=team,
        )
        for video, first in needed.items()
    }
    rows = [_insert_one(job, makers, jobset, team) for job in jobs]
    require_here([*rows, *makers.values()])
    require_room_in_line(team, owner)
    approval.ordered(click.go_ahead, jobset)
    if kept and told is not None:
        micros = total_of(list(kept.values()))
        rest.keep(jobset, click.group, list(kept), micros, told, click.go_ahead)
    wake_lanes([row.lane_id for row in [*rows, *makers.values()]])
    return jobset


def _insert_one(
    job: _PlannedJob, makers: Mapping[TemplateKey, Job], jobset: JobSet, team: Team
) -> Job:
    first = job.plan.first
    return insert(
        job.plan,
        job.place,
        needs=makers[template_key(first)] if first is not None else job.plan.waits_for,
        again_of=job.again_of,
        full=job.full,
        jobset=jobset,
        locked=team,
    )


def _plans(orders: Sequence[OrderRequest], planned: Sequence[Plan | None]) -> list[Plan]:
    plans, sentences = [], []
    for order, known in zip(orders, planned, strict=True):
        try:
            plans.append(ready_plan(order, known))
        except Refused as refused:
            title = order.title or entries.get(order.model).label
            sentences += [
                phrase("%(what)s: %(problem)s", what=title, problem=sentence)
                for sentence in refused.sentences
            ]
    if sentences:
        raise Refused(*sentences)
    return plans


def total_of(plans: Sequence[Plan]) -> int:
    """Micros of all of them and of the templates that they need first."""
    return sum(one.quote.micros for one in [*plans, *templates_of(plans).values()])


def _fitting(team: Team, owner: User, jobs: Sequence[_PlannedJob]) -> set[int]:
    """The numbers of those of `jobs` that have room in the limits; all of them when none has, so
    that the refusal names the sum. A template counts with the first that needs it."""
    room, plans = budget.room(team, owner), [job.plan for job in jobs]
    found: set[int] = set()
    for number in range(len(plans)):
        wanted = [plans[one] for one in sorted({*found, number})]
        if room is None or total_of(wanted) <= room:
            found.add(number)
    return found or set(range(len(jobs)))


def templates_of(plans: Iterable[Plan]) -> dict[TemplateKey, Plan]:
    """The plans of the templates that must be made first, each once, by what they are made from."""
    return {template_key(one.first): one.first for one in plans if one.first is not None}
