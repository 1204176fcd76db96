"""How many jobs a team has, by what the board tells apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Exists
from django.utils.functional import Promise

from jobs.common.states import Group, State
from jobs.models import Job
from jobs.models.job import differing
from jobs.pages.board.board_filter import ACTIVE, ENDED, TABS, Filter
from studio.common.capped_count import CappedCount, is_capped, many
from studio.models.people import Membership, Team, User

ACTIVE_LOADED = 200  # so many open jobs are loaded whole


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
    """Finished jobs of the team and of one person, as capped counts, and whether the team has a
    video that is not as long as billed."""

    team: int = 0
    own: int = 0
    length_differs: bool = False


def members_and_ended(team: Team, user: User) -> tuple[list[Membership], EndedCounts]:
    """The members, and how many jobs of the team and of `user` have ended, in one statement."""
    ended = team.jobs.filter(group__in=ENDED)
    rows = list(
        team.memberships.select_related("user").annotate(
            ended=CappedCount(ended),
            own=CappedCount(ended.filter(owner=user)),
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
    capped = {
        "all": is_capped(ended.team),
        "mine": is_capped(ended.own),
        "done": is_capped(ended.team),
    }
    return [
        Tab(
            label,
            wanted.query(tab=name if name != "all" else ""),
            many() if capped.get(name) else numbers[name],
            wanted.tab == name,
        )
        for name, label in TABS.items()
    ]
