"""The board: what runs where, and every job of the team in a list that keeps itself up to date."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from jobs.catalogue import entries
from jobs.common.states import OUT, Group, State
from jobs.engine import eta, expiry
from jobs.models import Job
from jobs.orders import retention
from jobs.pages.board import lane_cards, saved_views
from jobs.pages.board.board_counts import ACTIVE_LOADED, ActiveCounts, members_and_ended, tabs
from jobs.pages.board.board_filter import ACTIVE, COOKIE, SORTS, WALK, Filter, written
from jobs.pages.board.ended_jobs import ended_page
from jobs.pages.board.job_list import (
    give_owners,
    list_class,
    row_of,
    rows_of,
    share_out,
    with_faces,
)
from jobs.pages.board.sections import sections_of
from jobs.pages.budget_summary import BudgetSummary
from studio.common.snapshot import snapshot
from studio.models.people import Team
from studio.teams.access import TeamRequest, team_page

YEAR = 365 * 24 * 3600  # seconds


@team_page()
def board(request: TeamRequest) -> HttpResponse:
    wanted = Filter.of(request)
    with snapshot():  # rows and numbers are of one moment
        context = _context(request, wanted)
    response = render(request, "jobs/board/board.html", context)
    if request.COOKIES.get(COOKIE, "list") != wanted.view:
        secure = request.is_secure()
        response.set_cookie(COOKIE, wanted.view, YEAR, samesite="Lax", secure=secure, httponly=True)
    return response


def _context(request: TeamRequest, wanted: Filter) -> dict[str, object]:
    team, user = request.team, request.user
    # The open jobs of the whole team: their order decides every place, whatever is filtered.
    # In an order that no index has: SQLite would go through all that has ended to save the sorting.
    oldest_first = F("id") + 0
    rows = with_faces(team.jobs.filter(group__in=ACTIVE)).order_by(oldest_first)
    open_jobs = list(rows[:ACTIVE_LOADED])
    members, ended_counts = members_and_ended(team, user)
    lanes = lane_cards.TeamLanes.of(team)
    people = [member.user for member in members]
    share_out(open_jobs, lanes.lanes, people)
    in_lanes = lane_cards.in_lanes(lanes, open_jobs, whole=len(open_jobs) < ACTIVE_LOADED)
    alone = all(job.team_id == team.pk for job in in_lanes)
    places = eta.places(
        in_lanes, {(team.pk, member.user_id): member.turns for member in members} if alone else None
    )
    active = ActiveCounts.of(team, open_jobs)
    ended = ended_page(team.jobs.all(), wanted, user)
    give_owners(ended.jobs, people)
    sections = sections_of(
        team, user, wanted, open_jobs if not wanted.before else [], ended.jobs, places
    )
    return {
        "nav": "jobs",
        "wanted": wanted,
        "sections": sections,
        "list_class": list_class(request.may),
        "tabs": tabs(wanted, active, ended_counts, user),
        "lanes": lane_cards.cards(team, lanes.lanes, in_lanes, active.waiting_by_lane, places),
        "overdue": _overdue(team, open_jobs),
        "goes_soon": _goes_soon(request),
        "people": people,
        "offers_length": ended_counts.length_differs or wanted.length,
        "older_url": wanted.query(before=written(ended.next)) if ended.next else "",
        "looked_back": WALK if ended.looked_back else 0,
        **_filters(request, wanted),
        "newer_url": wanted.query() if wanted.before else "",
        "filtered": wanted.narrowed,
        "running": active.running,
        "waiting": active.waiting,
        "need": active.needs_person,
        "status": _status(active.running, active.waiting, active.needs_person),
        "bottom_bar": {
            "lanes": [],
            "sentence": _status(active.running, active.waiting, 0),
            "money": BudgetSummary.of(team).bottom_bar,
        },
        "no_account": not sections and not team.accounts(manager="present").exists(),
    }


def _filters(request: TeamRequest, wanted: Filter) -> dict[str, object]:
    """What stands around the list."""
    return {
        "models": [model for model in entries.MODELS.values() if model.asynchronous],
        "sorts": SORTS,
        "more": any(wanted.more),
        "saved_views": saved_views.lines(request.membership, wanted),
        "csv_query": wanted.query(),
        "view_url": wanted.query(view="gallery" if wanted.view == "list" else "list"),
    }


@team_page()
def row(request: TeamRequest, job: str) -> HttpResponse:
    """One row again, the same for everybody who may see it."""
    here = request.team.jobs.filter(public_id=job).exclude(group=Group.DELETED)
    found = rows_of(here).first()
    if found is None:
        raise Http404("There is no such job.")
    place = eta.place(found) if State(found.state) in (State.QUEUED, *OUT) else None
    response = render(
        request, "jobs/board/parts/job_row.html", {"row": row_of(found, request.team, place)}
    )
    response["Cache-Control"] = "private, no-store"
    return response


def _goes_soon(request: TeamRequest) -> bool:
    """Whether a video goes into the trash within a week, for who can keep it."""
    return (
        request.team.keep_days is not None
        and request.may.delete_own
        and retention.going_jobs(request.team).exists()
    )


def _overdue(team: Team, open_jobs: Sequence[Job]) -> list[Job]:
    if len(open_jobs) < ACTIVE_LOADED and not any(
        job.alarmed and job.state == State.ARCHIVING for job in open_jobs
    ):
        return []
    return expiry.endangered(team)


def _status(running: int, waiting: int, need: int) -> str:
    if not running and not waiting and not need:
        return _("Nothing is running or waiting.")
    said = _("%(running)s in progress, %(waiting)s waiting.") % {
        "running": running,
        "waiting": waiting,
    }
    return said + (" " + _("%(n)s need attention.") % {"n": need} if need else "")
