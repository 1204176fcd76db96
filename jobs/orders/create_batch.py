"""A batch: several orders become jobs of one set, all or none, under one test of the budget."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction

from jobs.billing import budget, ledger
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.engine import eta
from jobs.engine.transitions import wake_lanes
from jobs.models import Job, JobSet
from jobs.orders import undo
from jobs.orders.create import click_key, ready_plan
from jobs.orders.insert_job import Full, insert, keyed, require_room_in_line, still_valid
from jobs.orders.order_request import OrderRequest
from jobs.orders.place_in_line import UNKNOWN, TemplateKey, places_of, template_key
from jobs.orders.plan import Plan
from studio.common.translatable import phrase
from studio.models import Team

MOST = 100  # jobs of one set


@dataclass(frozen=True, slots=True)
class _PlannedJob:
    """One job of the set to be: its plan, its place, and what it repeats or begins."""

    plan: Plan
    place: eta.Place
    again_of: Job | None
    full: Full | None


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
) -> JobSet:
    """One job for each of `orders` (of one team and person), in one set: all of them or none, under
    one budget test of their sum.

    The same key with the same orders returns the set that the first click made. A template that
    several of them need is made once. `again_of`, `full` and `planned` (as of `create`) go with the
    orders, one by one. `into` is a set of before that they join, each of its jobs again at most
    once. Raises Refused with the name of each order that does not fit, OverBudget, NoPrice.
    """
    _require_a_number_that_fits(len(orders))
    team, owner = orders[0].team, orders[0].owner
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
    # The jobs of a set are known by the set's key; keys of their own would only be another way to
    # meet.
    plans = _plans([replace(order, key="") for order in orders], planned or [None] * len(orders))
    needed = templates_of(plans)
    places, template_places = places_of(plans, needed)
    none: list[None] = [None] * len(plans)
    parts = zip(plans, places, again_of or none, full or none, strict=True)
    jobs = [_PlannedJob(*each) for each in parts]
    try:
        with transaction.atomic():
            return _create_locked(jobs, template_places, empty, into)
    except IntegrityError:
        made = _made_before(empty)
        if made is None:
            raise
        return made


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
    into: JobSet | None,
) -> JobSet:
    """`empty` is the set to be written when there is none to join."""
    team, owner = empty.team, empty.owner
    # One test of the sum, under the lock of all its holds: or a set would be refused halfway,
    # naming the price of one video.
    team = ledger.lock(team)
    made = _made_before(empty)
    if made is not None:
        return made
    jobs = [replace(job, plan=still_valid(job.plan)) for job in jobs]
    needed = templates_of(job.plan for job in jobs)
    total = sum(one.quote.micros for one in [*(job.plan for job in jobs), *needed.values()])
    budget.require_room(team, owner, total)
    repeated = [job.again_of for job in jobs if job.again_of is not None]
    if into is not None and into.jobs.filter(again_of__in=repeated).exists():
        return into  # another click was faster
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
    require_room_in_line(team, owner)
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


def templates_of(plans: Iterable[Plan]) -> dict[TemplateKey, Plan]:
    """The plans of the templates that must be made first, each once, by what they are made from."""
    return {template_key(one.first): one.first for one in plans if one.first is not None}
