"""How many jobs a team has, by what the board tells apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, IntegerField, QuerySet, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from jobs.common.states import Group, State
from jobs.models import Job
from jobs.models.job import differing
from jobs.pages.board.board_filter import ACTIVE, ENDED, TABS, Filter
from studio.models.people import Membership, Team, User

ACTIVE_LOADED = 200  # so many open jobs are loaded whole
CAP = 1000  # finished jobs are counted up to here: a tab needs to say "many", not how many


class Counted(Subquery):
    """The number of rows of a (sliced) queryset, so that several capped counts are one
    statement."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"

    def __init__(self, queryset: QuerySet[Any]) -> None:
        super().__init__(queryset.order_by().values("pk")[: CAP + 1], output_field=IntegerField())


@dataclass(slots=True)
class ActiveCounts:
    """Exact numbers of open jobs: by group, by person, those that wait per lane. A job is in one
    group only, so numbers of groups beside each other never count it twice."""

    groups: Counter[int] = field(default_factory=Counter)
    owners: Counter[int] = field(default_factory=Counter)
    waiting_by_lane: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, team: Team, open_jobs: Sequence[Job]) -> ActiveCounts:
        """Without a statement while `open_jobs` are all of them."""
        counts = cls()
        for group, state, owner, lane, number in _open_numbers(team, open_jobs):
            counts.groups[group] += number
            counts.owners[owner] += number
            if state == State.QUEUED:
                counts.waiting_by_lane[lane] += number
        return counts

    @property
    def running(self) -> int:
        return self.groups[Group.WORKING]

    @property
    def waiting(self) -> int:
        return self.groups[Group.WAITING]

    @property
    def needs_person(self) -> int:
        return self.groups[Group.ATTENTION]


def _open_numbers(team: Team, open_jobs: Sequence[Job]) -> Iterable[tuple[int, str, int, int, int]]:
    """(group, state, person, lane, how many)."""
    if len(open_jobs) < ACTIVE_LOADED:
        return [(job.group, job.state, job.owner_id, job.lane_id, 1) for job in open_jobs]
    names = ("group", "state", "owner_id", "lane_id")
    return team.jobs.filter(group__in=ACTIVE).order_by().values_list(*names).annotate(n=Count("pk"))


@dataclass(frozen=True, slots=True)
class EndedCounts:
    """Finished jobs of the team and of one person, each counted up to CAP + 1, and whether the team
    has a video that is not as long as billed."""

    team: int = 0
    own: int = 0
    length_differs: bool = False


def members_and_ended(team: Team, user: User) -> tuple[list[Membership], EndedCounts]:
    """The members, and how many jobs of the team and of `user` have ended, in one statement."""
    ended = team.jobs.filter(group__in=ENDED)
    rows = list(
        team.memberships.select_related("user").annotate(
            ended=Counted(ended),
            own=Counted(ended.filter(owner=user)),
            differs=Exists(differing(team.jobs.all())),
        )
    )
    counts = EndedCounts(rows[0].ended, rows[0].own, rows[0].differs) if rows else EndedCounts()
    return [*rows], counts


@dataclass(frozen=True, slots=True)
class Tab:
    label: str | Promise
    url: str
    n: int | str
    current: bool


def tabs(wanted: Filter, active: ActiveCounts, ended: EndedCounts, user: User) -> list[Tab]:
    groups = active.groups
    numbers = {
        "all": groups.total() + ended.team,
        "mine": active.owners[user.pk] + ended.own,
        "needs": active.needs_person,
        "working": groups[Group.WAITING] + groups[Group.WORKING],
        "done": ended.team,
    }
    capped = {"all": ended.team > CAP, "mine": ended.own > CAP, "done": ended.team > CAP}
    return [
        Tab(
            label,
            wanted.query(tab=name if name != "all" else ""),
            _("%(n)s+") % {"n": f"{CAP:,}"} if capped.get(name) else numbers[name],
            wanted.tab == name,
        )
        for name, label in TABS.items()
    ]
