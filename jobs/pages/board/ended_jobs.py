"""The finished jobs of the board: one page of them, found by an index and drawn once.

What a finished job shows changes seldom, so its row is kept as it was drawn, under a key that has
all that may change it. A row knows neither viewer nor role, so one serves everybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, OrderBy, QuerySet
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from jobs.models import Job
from jobs.pages.board.board_filter import ENDED, WALK, Filter
from jobs.pages.board.drawn_rows import ROW_SECONDS, row_html, rows_cache
from jobs.pages.board.job_list import row_of, rows_of
from studio.common.reader import reader
from studio.models.people import Team, User

PAGE = 30


@dataclass(frozen=True, slots=True)
class EndedPage:
    """`jobs` with what tells whether their rows are as they were, but for their owners; `next` is
    where the next page begins, () when there is none; `looked_back` when it ends because it looked
    long enough."""

    jobs: list[Job]
    next: tuple[int, ...] = ()
    looked_back: bool = False


def listed(jobs: QuerySet[Job], wanted: Filter, user: User) -> list[QuerySet[Job]]:
    """The finished ones of `jobs` that `wanted` asks for, in its order, from where it begins: in
    stretches one behind the other."""
    found = wanted.stretches(jobs.filter(group__in=ENDED), user)
    if not wanted.sparse:
        return found
    return [
        wanted.apply(jobs.filter(id__in=near.values("id")[:left]), user).order_by(
            *_sorted(near.query.order_by)
        )
        for near, left in _near(found)
    ]


def _sorted(order: Iterable[object]) -> list[OrderBy]:
    """`order`, as no index has it: PostgreSQL would look for the few that fit among all that stand
    in it."""
    return [
        OrderBy(F(name.removeprefix("-")) + 0, descending=name.startswith("-"))
        for name in map(str, order)
    ]


def _near(stretches: list[QuerySet[Job]]) -> list[tuple[QuerySet[Job], int]]:
    """Each of `stretches` that is looked through, with how many of it: of all of them WALK."""
    found, left = [], WALK
    for number, stretch in enumerate(stretches, 1):
        found.append((stretch, left))
        if number < len(stretches):
            left -= stretch.values("id")[:left].count()
        if not left:
            break
    return found


def ended_page(jobs: QuerySet[Job], wanted: Filter, user: User) -> EndedPage:
    """One page of the finished ones of `jobs`, and where the next begins."""
    if not set(wanted.groups) & set(ENDED):
        return EndedPage([])
    found: list[Job] = []
    for part in listed(jobs, wanted, user):
        found += part.only(*_SHOWN)[: PAGE + 1 - len(found)]
        if len(found) > PAGE:
            return EndedPage(found[:PAGE], wanted.place_of(found[PAGE - 1]))
    if wanted.sparse:
        for near, left in _near(wanted.stretches(jobs.filter(group__in=ENDED), user)):
            last = next(iter(near.only("settled_micros")[left - 1 : left]), None)
            if last is not None:
                return EndedPage(found, wanted.place_of(last), looked_back=True)
    return EndedPage(found)


_SHOWN = (
    "public_id",
    "title",
    "model",
    "state",
    "code",
    "group",
    "set_id",
    "settled_micros",
    "length_differs",
    "result_id",
    "finished_at",
    "team",
    "owner",
)


def _key(job: Job, view: str) -> str:
    """The key of what is drawn of `job`: all that can change after its end, and what the reader's
    language, zone, region and day make of it (an hour of today is written without its day)."""
    about = (
        job.title,
        job.state,
        job.code,
        job.settled_micros,
        job.length_differs,
        job.result_id,
        job.finished_at,
        job.owner.short_name,
        get_language(),
        reader().key,
        timezone.localdate(),
    )
    digest = hashlib.sha256(repr(about).encode()).hexdigest()[:32]
    return f"board-{view}:{job.pk}:{digest}"


def drawn(jobs: list[Job], team: Team, view: str) -> dict[int, SafeString]:
    """Job id → its row or card, in HTML. Those not drawn before are read whole, in one
    statement."""
    keys = {job.pk: _key(job, view) for job in jobs}
    known: dict[str, SafeString] = rows_cache.get_many(list(keys.values()))
    found = {pk: known[key] for pk, key in keys.items() if key in known}
    missing = [pk for pk in keys if pk not in found]
    if missing:
        new = {}
        for job in rows_of(team.jobs.filter(pk__in=missing)):
            row = row_of(job, team)
            found[job.pk] = new[keys[job.pk]] = row_html(view, {"row": row, "ticks": True})
        rows_cache.set_many(new, ROW_SECONDS)
    return found
