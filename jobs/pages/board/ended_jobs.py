"""The finished jobs of the board: one page of them, found by an index and drawn once.

What a finished job shows changes seldom, so its row is kept as it was drawn, under a key that has
all that may change it. A row knows neither viewer nor role, so one serves everybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, OrderBy, QuerySet
from django.utils import timezone
from django.utils.safestring import SafeString

from jobs.models import Job
from jobs.pages.board.board_filter import ENDED, WALK, Filter
from jobs.pages.board.drawn_rows import ROW_SECONDS, cached_rows, key_of, row_html
from jobs.pages.board.job_list import row_of, rows_of
from studio.models.people import Team, User

PAGE = 30
Looked = list[tuple[QuerySet[Job], int]]  # stretches, each with how many of it at most


@dataclass(frozen=True, slots=True)
class EndedPage:
    """`jobs` with what tells whether their rows are as they were, but for their owners; `next` is
    where the next page begins, () when there is none; `looked_back` when it ends because it looked
    long enough."""

    jobs: list[Job]
    next: tuple[int, ...] = ()
    looked_back: bool = False


def listed(
    jobs: QuerySet[Job], wanted: Filter, user: User, near: Looked | None = None
) -> list[QuerySet[Job]]:
    """The finished ones of `jobs` that `wanted` asks for, in its order, from where it begins: in
    stretches one behind the other. `near`: what is looked through of a sparse list, where that is
    known."""
    found = wanted.stretches(jobs.filter(group__in=ENDED), user)
    if not wanted.sparse:
        return found
    return [
        wanted.apply(jobs.filter(id__in=stretch.values("id")[:most]), user).order_by(
            *_sorted(stretch.query.order_by)
        )
        for stretch, most in near or _near(found)
    ]


def _sorted(order: Iterable[object]) -> list[OrderBy]:
    """`order`, as no index has it: PostgreSQL would look for the few that fit among all that stand
    in it."""
    return [
        OrderBy(F(name.removeprefix("-")) + 0, descending=name.startswith("-"))
        for name in map(str, order)
    ]


def _near(stretches: list[QuerySet[Job]]) -> Looked:
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
    stretches = wanted.stretches(jobs.filter(group__in=ENDED), user)
    near = _near(stretches) if wanted.sparse else []
    found: list[Job] = []
    for part in listed(jobs, wanted, user, near):
        found += part.only(*_SHOWN)[: PAGE + 1 - len(found)]
        if len(found) > PAGE:
            return EndedPage(found[:PAGE], wanted.place_of(found[PAGE - 1]))
    for stretch, most in near:
        last = next(iter(stretch.only("settled_micros")[most - 1 : most]), None)
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
    """The key of what is drawn of `job`: all that can change after its end, and the reader's day
    (an hour of today is written without its day)."""
    return key_of(
        view,
        job.pk,
        job.title,
        job.state,
        job.code,
        job.settled_micros,
        job.length_differs,
        job.result_id,
        job.finished_at,
        job.owner.short_name,
        timezone.localdate(),
    )


def drawn(jobs: list[Job], team: Team, view: str) -> dict[int, SafeString]:
    """Job id → its row or card, in HTML. Those not drawn before are read whole, in one
    statement."""

    def draw(some: list[int]) -> dict[int, SafeString]:
        return {
            job.pk: row_html(view, {"row": row_of(job, team), "ticks": True})
            for job in rows_of(team.jobs.filter(pk__in=some))
        }

    return cached_rows({job.pk: _key(job, view) for job in jobs}, draw, ROW_SECONDS)
