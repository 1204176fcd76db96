"""The board: what runs where, and every job of the team in a list that keeps itself up to date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.catalogue import entries
from jobs.common.states import OUT, Group, State
from jobs.engine import eta, expiry
from jobs.models import Job, JobInput
from jobs.pages import labels
from jobs.pages.board import lane_cards
from jobs.pages.budget_summary import BudgetSummary
from studio.models.people import Membership, Team, User
from studio.teams.access import TeamRequest, team_page

PAGE = 30
ACTIVE_SHOWN = 200
CAP = 1000  # finished jobs are counted up to here: a tab needs to say "many", not how many
ACTIVE = (Group.WAITING, Group.WORKING, Group.ATTENTION)
ENDED = (Group.DONE, Group.FAILED, Group.CANCELED)
TABS = {
    "all": gettext_lazy("All"),
    "mine": gettext_lazy("Mine"),
    "needs": gettext_lazy("Needs you"),
    "working": gettext_lazy("Working"),
    "done": gettext_lazy("Done"),
}


class Counted(Subquery):
    """The number of rows of a (sliced) queryset, so that several capped counts are one
    statement."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"

    def __init__(self, queryset: QuerySet[Any]) -> None:
        super().__init__(queryset.order_by().values("pk")[: CAP + 1], output_field=IntegerField())


@dataclass
class Filter:
    """What the address asks for. Unknown words are the same as none."""

    tab: str
    model: str
    person: str
    q: str
    before: int | None

    @classmethod
    def of(cls, request: TeamRequest) -> Filter:
        given = request.GET
        before = given.get("before", "")
        return cls(
            tab=given.get("tab", "") if given.get("tab") in TABS else "all",
            model=given.get("model", "") if given.get("model") in entries.MODELS else "",
            person=given.get("person", "")
            if given.get("person", "").isdecimal() and len(given["person"]) < 19
            else "",
            q=" ".join(given.get("q", "").replace("\x00", " ").split())[:100],
            before=int(before) if before.isdecimal() and len(before) < 19 else None,
        )

    def apply(self, jobs: QuerySet[Job], user: User) -> QuerySet[Job]:
        if self.tab == "mine":
            jobs = jobs.filter(owner=user)
        if self.model:
            jobs = jobs.filter(model=self.model)
        if self.person:
            jobs = jobs.filter(owner_id=int(self.person))
        if self.q:
            jobs = jobs.filter(
                Q(title__icontains=self.q)
                | Q(task_id=self.q)
                | Q(request_id=self.q)
                | Q(public_id=self.q)
            )
        return jobs

    @property
    def groups(self) -> tuple[Group, ...]:
        return {
            "needs": (Group.ATTENTION,),
            "working": (Group.WAITING, Group.WORKING),
            "done": ENDED,
        }.get(self.tab, ACTIVE + ENDED)

    def query(self, **changed: Any) -> str:
        """The address of the same list with `changed`; paging begins anew unless it is what
        changes."""
        given = {
            "tab": self.tab if self.tab != "all" else "",
            "model": self.model,
            "person": self.person,
            "q": self.q,
        } | changed
        return "?" + urlencode({name: value for name, value in given.items() if value})


def rows_of(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Jobs with all that a row shows: one statement however many."""
    picture = (
        JobInput.objects.filter(job=OuterRef("pk"))
        .exclude(asset__thumb="")
        .order_by("asset__kind", "pk")
    )
    doors = ("account", "account__gate_by", "lane", "lane__gate_by", "lane__account")
    return jobs.select_related("owner", *doors, "result").annotate(
        face=Coalesce(
            Subquery(
                picture.filter(asset__kind__in=("image", "video")).values("asset__public_id")[:1]
            ),
            "template__asset__public_id",
        ),
    )


def row_of(job: Any, team: Team, place: eta.Place | None = None) -> labels.Row:
    film = job.result
    return labels.row(
        job, team, place, film.public_id if film is not None and film.thumb else job.face or ""
    )


@team_page()
def board(request: TeamRequest) -> HttpResponse:
    team, user = request.team, request.user
    wanted = Filter.of(request)
    mine = wanted.apply(team.jobs.all(), user)
    # The open jobs of the whole team: their order decides every place, whatever is filtered.
    open_jobs = list(rows_of(team.jobs.filter(group__in=ACTIVE)).order_by("id")[:ACTIVE_SHOWN])
    members, counts = _members_and_counts(team, user)
    lanes = lane_cards.lanes_of(team)
    in_lanes = lane_cards.in_lanes(lanes, open_jobs, whole=len(open_jobs) < ACTIVE_SHOWN)
    alone = all(job.team_id == team.pk for job in in_lanes)
    places = eta.places(
        in_lanes, {(team.pk, member.user_id): member.turns for member in members} if alone else None
    )
    active = _active_counts(team, open_jobs)
    ended: list[Job] = []
    more = False
    if set(wanted.groups) & set(ENDED):
        found = mine.filter(group__in=ENDED)
        if wanted.before is not None:
            found = found.filter(id__lt=wanted.before)
        ended = list(rows_of(found).order_by("-id")[: PAGE + 1])
        more = len(ended) > PAGE
        ended = ended[:PAGE]
    sections = _sections(
        team, user, wanted, open_jobs if wanted.before is None else [], ended, places
    )
    purse = BudgetSummary.of(team)
    running, waiting = active["running"], active["waiting"]
    context = {
        "nav": "jobs",
        "wanted": wanted,
        "sections": sections,
        "tabs": _tabs(wanted, active, counts, user),
        "lanes": lane_cards.cards(team, lanes, in_lanes, active["lanes"], places),
        "endangered": _endangered(team, open_jobs),
        "models": [model for model in entries.MODELS.values() if model.asynchronous],
        "people": [member.user for member in members],
        "older_url": wanted.query(before=ended[-1].pk) if more else "",
        "newer_url": wanted.query() if wanted.before is not None else "",
        "filtered": bool(
            wanted.q or wanted.model or wanted.person or wanted.tab != "all" or wanted.before
        ),
        "running": running,
        "waiting": waiting,
        "need": active["groups"].get(Group.ATTENTION, 0),
        "status": _status(running, waiting, active["groups"].get(Group.ATTENTION, 0)),
        "footlights": {
            "lanes": [],
            "sentence": _status(running, waiting, 0),
            "money": purse.footlights,
        },
        "no_account": not sections and not team.accounts.exists(),
    }
    return render(request, "jobs/board/board.html", context)


@team_page()
def row(request: TeamRequest, job: str) -> HttpResponse:
    """One row again, the same for everybody who may see it."""
    found = rows_of(request.team.jobs.filter(public_id=job)).first()
    if found is None:
        raise Http404("There is no such job.")
    place = eta.place(found) if State(found.state) in (State.QUEUED, *OUT) else None
    response = render(
        request, "jobs/board/parts/row.html", {"row": row_of(found, request.team, place)}
    )
    response["Cache-Control"] = "private, no-store"
    return response


def _endangered(team: Team, open_jobs: list[Job]) -> list[Job]:
    if len(open_jobs) < ACTIVE_SHOWN and not any(
        job.alarmed and job.state == State.ARCHIVING for job in open_jobs
    ):
        return []
    return expiry.endangered(team)


def _active_counts(team: Team, open_jobs: list[Job]) -> dict[str, Any]:
    """Exact numbers of open jobs: by group, by person, and waiting per lane. Without a statement
    while all of them are loaded."""
    groups: dict[int, int] = {}
    owners: dict[int, int] = {}
    waiting: dict[int, int] = {}
    running = 0
    for group, state, owner, lane, n in _open_numbers(team, open_jobs):
        groups[group] = groups.get(group, 0) + n
        owners[owner] = owners.get(owner, 0) + n
        if state == State.QUEUED:
            waiting[lane] = waiting.get(lane, 0) + n
        else:
            running += n
    return {
        "groups": groups,
        "owners": owners,
        "lanes": waiting,
        "running": running,
        "waiting": sum(waiting.values()),
    }


def _open_numbers(team: Team, open_jobs: list[Job]) -> Iterable[tuple[int, str, int, int, int]]:
    """(group, state, person, lane, how many)."""
    if len(open_jobs) < ACTIVE_SHOWN:
        return [(job.group, job.state, job.owner_id, job.lane_id, 1) for job in open_jobs]
    names = ("group", "state", "owner_id", "lane_id")
    return team.jobs.filter(group__in=ACTIVE).order_by().values_list(*names).annotate(n=Count("pk"))


def _members_and_counts(team: Team, user: User) -> tuple[list[Membership], dict[str, int]]:
    """The members, and the capped numbers of finished jobs (of the team and of `user`), in one
    statement."""
    ended = team.jobs.filter(group__in=ENDED)
    rows: list[Membership] = [
        *team.memberships.select_related("user").annotate(
            ended=Counted(ended), own=Counted(ended.filter(owner=user))
        )
    ]
    counts = (
        {"ended": getattr(rows[0], "ended", 0), "own": getattr(rows[0], "own", 0)}
        if rows
        else {"ended": 0, "own": 0}
    )
    return rows, counts


def _tabs(
    wanted: Filter, active: dict[str, Any], counts: dict[str, int], user: User
) -> list[dict[str, Any]]:
    open_ = sum(active["groups"].values())
    groups = active["groups"]
    numbers = {
        "all": open_ + counts["ended"],
        "mine": active["owners"].get(user.pk, 0) + counts["own"],
        "needs": groups.get(Group.ATTENTION, 0),
        "working": groups.get(Group.WAITING, 0) + groups.get(Group.WORKING, 0),
        "done": counts["ended"],
    }
    capped = {
        "all": counts["ended"] > CAP,
        "mine": counts["own"] > CAP,
        "done": counts["ended"] > CAP,
    }
    return [
        {
            "label": label,
            "url": wanted.query(tab=name if name != "all" else ""),
            "n": _("%(n)s+") % {"n": f"{CAP:,}"} if capped.get(name) else numbers[name],
            "current": wanted.tab == name,
        }
        for name, label in TABS.items()
    ]


def _sections(
    team: Team,
    user: User,
    wanted: Filter,
    open_jobs: list[Job],
    ended: list[Job],
    places: dict[int, eta.Place],
) -> list[dict[str, Any]]:
    """The rows in their groups, those that need somebody first."""
    seen = [job for job in open_jobs if job.group in wanted.groups and _passes(job, wanted, user)]
    by_group = {group: [job for job in seen if job.group == group] for group in ACTIVE}
    by_group[Group.WAITING].sort(
        key=lambda job: (places[job.pk].position if job.pk in places else eta.MOST, job.pk)
    )
    parts = [
        ("needs", _("Needs you"), _("These wait for a person."), by_group[Group.ATTENTION]),
        (
            "stage",
            _("On stage"),
            _("At the service or on their way home."),
            by_group[Group.WORKING],
        ),
        (
            "waiting",
            _("Waiting"),
            _("Cancel is free until they are sent."),
            by_group[Group.WAITING],
        ),
        ("ended", _("Finished"), "", ended),
    ]
    return [
        {
            "id": name,
            "label": label,
            "note": note,
            "rows": [row_of(job, team, places.get(job.pk)) for job in jobs],
        }
        for name, label, note, jobs in parts
        if jobs
    ]


def _passes(job: Job, wanted: Filter, user: User) -> bool:
    """The filter again for an open job that is loaded already."""
    text = wanted.q.casefold()
    return (
        (wanted.tab != "mine" or job.owner_id == user.pk)
        and (not wanted.model or job.model == wanted.model)
        and (not wanted.person or job.owner_id == int(wanted.person))
        and (
            not text
            or text in job.title.casefold()
            or wanted.q in (job.task_id, job.request_id, job.public_id)
        )
    )


def _status(running: int, waiting: int, need: int) -> str:
    if not running and not waiting and not need:
        return _("Nothing is running or waiting.")
    said = _("%(running)s on stage, %(waiting)s waiting.") % {
        "running": running,
        "waiting": waiting,
    }
    return said + (" " + _("%(n)s need a person.") % {"n": need} if need else "")
