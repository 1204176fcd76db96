"""Filters of the board under a name: kept, listed, given another name and deleted."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Case, Q, QuerySet, When
from django.http import QueryDict

from jobs.common.errors import Refused
from jobs.models import SavedView
from jobs.pages.board.board_filter import Filter
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.translatable import phrase
from studio.models.people import Membership, Team
from studio.teams import members
from studio.teams.permissions import Permission, allows

MOST = 30  # of a person in a team
SHOWN = 100  # beside the filters: one's own, then the team's
LONGEST = 1000  # characters of a filter, as the column holds


@dataclass(frozen=True, slots=True)
class Line:
    """A view beside the filters; `may_change` for who may name it otherwise or delete it."""

    public_id: str
    name: str
    query: str
    whole_team: bool
    current: bool
    may_change: bool


def seen_by(team: Team, person: int) -> QuerySet[SavedView]:
    """The views of `team` that the person with this id saved, and those for everybody."""
    return team.views.filter(Q(owner=person) | Q(whole_team=True))


def lines(membership: Membership, wanted: Filter) -> list[Line]:
    """What `membership` sees, in one statement; the current one is the list that is shown."""
    here, found = wanted.query(), []
    own_first = Case(When(owner=membership.user_id, then=0), default=1)
    for one in seen_by(membership.team, membership.user_id).order_by(own_first, "name", "id")[
        :SHOWN
    ]:
        query = canonical(one.query)  # what is left of it: a model may be gone since
        found.append(
            Line(
                one.public_id,
                one.name,
                query,
                one.whole_team,
                query == here,
                may_change(one, membership),
            )
        )
    return found


def canonical(query: str) -> str:
    """The address of the list that `query` asks for, whatever else stands in it."""
    return Filter.asked(QueryDict(query.removeprefix("?"))).query()


def may_change(view: SavedView, membership: Membership) -> bool:
    """Its owner, and of one for the whole team who decides about other people's things."""
    if view.owner_id == membership.user_id:
        return True
    return view.whole_team and allows(membership.role, Permission.MANAGE_JOBS, membership.team)


def keep(membership: Membership, name: str, query: str, *, whole_team: bool) -> SavedView:
    """The view of this list under this name; a view of theirs that has the name is changed. Refused
    without a name, for a list that is everything, beyond MOST, and for the whole team by who only
    reads."""
    team, by = membership.team, membership.user
    name, query = _clean(name), canonical(query)
    if query == "?":
        raise Refused(
            phrase("This list shows everything. Choose a filter or an order first, then save it.")
        )
    if len(query) > LONGEST:
        raise Refused(
            phrase(
                "The words that are searched for are too long to be saved. Search for fewer or "
                "shorter ones, then save again."
            )
        )
    _require_whole_team(membership, whole_team=whole_team)
    with transaction.atomic():
        # One at a time, or two clicks at once would both be the last.
        if not members.is_still_member(membership):
            raise Refused(phrase("You are no member of this team any more."))
        mine = team.views.filter(owner=by)
        if mine.exclude(name=name).count() >= MOST:
            raise Refused(
                phrase("You have %(n)s saved views here, which is the most. Delete one.", n=MOST)
            )
        was = mine.filter(name=name).first()
        view, _new = SavedView.objects.update_or_create(
            team=team,
            owner=by,
            name=name,
            defaults={"query": query, "whole_team": whole_team},
        )
        if whole_team:
            record(Event.VIEW_SAVED, team=team, by=by, about=name, after={"query": query})
        elif was is not None and was.whole_team:  # to the others it is gone
            _tell(Event.VIEW_DELETED, was, membership, name, {"query": was.query})
    return view


def rename(view: SavedView, membership: Membership, name: str) -> None:
    """Refused without a name, and for one that another view of its owner has."""
    name = _clean(name)
    before = view.name
    try:
        with transaction.atomic():
            changed = SavedView.objects.filter(pk=view.pk).update(name=name)
            if changed and view.whole_team:
                _tell(Event.VIEW_RENAMED, view, membership, name, {"name": before})
    except IntegrityError:
        raise Refused(
            phrase("There is a view “%(name)s” already. Choose another name.", name=name)
        ) from None


def delete(view: SavedView, membership: Membership) -> None:
    """The jobs that it shows stay as they are."""
    with transaction.atomic():
        deleted, _each = SavedView.objects.filter(pk=view.pk).delete()
        if deleted and view.whole_team:
            _tell(Event.VIEW_DELETED, view, membership, view.name, {"query": view.query})


def _tell(
    event: Event, view: SavedView, membership: Membership, name: str, before: dict[str, object]
) -> None:
    record(
        event,
        team=membership.team,
        by=membership.user,
        person=view.owner,
        about=name,
        before=before,
    )


def _clean(name: str) -> str:
    name = " ".join(name.replace("\x00", " ").split())[:60]
    if not name:
        raise Refused(phrase("Give the view a name, such as “Failed this week”."))
    return name


def _require_whole_team(membership: Membership, *, whole_team: bool) -> None:
    if whole_team and not allows(membership.role, Permission.MAKE, membership.team):
        raise Refused(
            phrase(
                "Who only looks at the team’s videos saves views for themselves. Take the tick off "
                "“For everybody in the team”."
            )
        )
