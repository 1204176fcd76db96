"""Access marks. Every view wears exactly one of them; tests/test_access.py walks every address and
checks it.

A stranger to a team gets 404 (not even its existence is told), a role without the permission
403.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from studio.common.translatable import EMPTY, translated
from studio.models.people import Membership, Role, Team, User
from studio.teams import closed_team, required_factor
from studio.teams.permissions import Permission, Permissions, allows, roles_with

MARK = "footlight_access_mark"
TAKES_FILES = "footlight_takes_files"


class TeamRequest(HttpRequest):
    """A request that came through @team_page."""

    user: User
    team: Team
    membership: Membership
    may: Permissions
    closed: bool  # what was asked for is refused because the team is closed
    htmx: HtmxDetails


class View(Protocol):
    def __call__(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase: ...


def public(view: View) -> View:
    """Open to anybody, signed in or not. The view itself must know why that is safe."""
    return _marked(login_not_required(cast(Any, view)), "public")


def signed_in(view: View) -> View:
    """Any signed-in person; the view must show them nothing but their own."""
    return _marked(view, "signed_in")


def team_page(
    read: Permission = Permission.SEE,
    write: Permission = Permission.MAKE,
    *,
    while_closed: bool = False,
) -> Callable[[View], View]:
    """Members of the team whose address is in the URL, whose role has `read` for GET and HEAD,
    `write` for everything else.

    Sets request.team, request.membership and request.may. A team that is closed leaves only some
    permissions (WHILE_CLOSED); `while_closed` is for doors that end what is under way, which are
    open to whom they were before. 404 for a stranger and for an unknown
    team, 403 for a role without the permission.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def inside(request: TeamRequest, team: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if "\x00" in request.path_info:  # PostgreSQL refuses to be asked for it
                raise Http404("There is nothing at this address.")
            request.membership = membership_of(request.user, team)
            request.team = request.membership.team
            needed = read if request.method in ("GET", "HEAD", "OPTIONS") else write
            request.may = Permissions(request.membership.role, request.team)
            if not allows(request.membership.role, needed, None if while_closed else request.team):
                request.closed = allows(request.membership.role, needed)
                raise PermissionDenied(not_allowed(request.membership, needed))
            if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
                _looked_at(request)
            return view(request, *args, **kwargs)

        return _marked(inside, f"team:{read}:{write}")

    return mark


def _looked_at(request: TeamRequest) -> None:
    """A page of the team is opened: the first page of the site leads here next time, and what was
    changed about the person's membership is told, once."""
    user, mine = request.user, request.membership
    if user.last_team_id != mine.team_id:
        User.objects.filter(pk=user.pk).update(last_team=mine.team_id)
    if mine.news and not request.headers.get("HX-Request"):
        messages.info(request, translated(mine.news))
        Membership.objects.filter(pk=mine.pk).update(news=EMPTY)


def not_allowed(membership: Membership, needed: Permission) -> str:
    """Why somebody may not, and who may."""
    if membership.team.is_closed and allows(membership.role, needed):
        return translated(closed_team.words(membership.team))
    return _(
        "Your role in %(team)s is %(role)s, which may not do this. Who may: %(roles)s. An owner or "
        "admin of the team can change your role."
    ) % {
        "team": membership.team,
        "role": Role(membership.role).label,
        "roles": ", ".join(str(role.label) for role in roles_with(needed, membership.team)),
    }


def takes_files(view: View) -> View:
    """Beside @team_page: forms of this page carry files, so who may upload to the team may send
    much. To all other pages nobody may (studio/web/allowances.py)."""
    setattr(view, TAKES_FILES, True)
    return view


def person_of(request: HttpRequest) -> User:
    """Who asks, on a page for people who are signed in."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user


def membership_of(user: Any, slug: str) -> Membership:
    """The membership of `user` in the team at `slug`; Http404 when there is none,
    SecondFactorMissing (403) when the team requires a second factor and `user` has none."""
    askable = user.is_authenticated and "\x00" not in slug
    found = (
        Membership.objects.select_related("team").filter(team__slug=slug, user_id=user.pk).first()
        if askable
        else None
    )
    if found is None:
        raise Http404("No team of yours is at this address.")
    required_factor.check(user, found.team)
    return found


def _marked(view: View, mark: str) -> View:
    if getattr(view, MARK, None):
        raise TypeError(f"{view} wears two marks.")
    setattr(view, MARK, mark)
    return view
