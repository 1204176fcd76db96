"""Where a second factor is required: in teams whose owners say so, and for staff when the
environment says so. Who has none is led to set one up; what is no page (streams, uploads, files)
is refused with a sentence. The person's own pages, and their other teams, stay open."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from studio.models.people import Team, User
from studio.teams.factors import has_second_factor, with_second_factor

OF_STAFF = "staff"  # in the address of the page to set one up: not a team, but the site asks


class SecondFactorMissing(PermissionDenied):
    """`team` (None: the site) requires a second factor of a person who has none."""

    def __init__(self, team: Team | None) -> None:
        self.team = team
        super().__init__(sentence(team))


def sentence(team: Team | None) -> str:
    if team is None:
        return _(
            "This site requires a second factor of its staff, and you have none. Set one up under "
            "“Sign-in and security”."
        )
    return _(
        "%(team)s requires a second factor of everybody, and you have none. Set one up under "
        "“Sign-in and security”."
    ) % {"team": team}


def check(user: User, team: Team) -> None:
    """SecondFactorMissing when `user` must have a second factor to see `team` and has none."""
    of_staff = settings.SECOND_FACTOR_STAFF and user.is_staff
    if (team.second_factor_required or of_staff) and not has_second_factor(user):
        raise SecondFactorMissing(team if team.second_factor_required else None)


def lacking(people: dict[tuple[int, int], tuple[User, Team]]) -> set[tuple[int, int]]:
    """The keys of `people` whose person must have a second factor to see the team and has none: for
    many at once, with one query at most."""
    asked = {
        key: user.pk
        for key, (user, team) in people.items()
        if team.second_factor_required or (settings.SECOND_FACTOR_STAFF and user.is_staff)
    }
    if not asked:
        return set()
    have = with_second_factor(set(asked.values()))
    return {key for key, user_id in asked.items() if user_id not in have}


class RequiredSecondFactor:
    """Middleware: keeps staff without one out of the admin, and leads who is refused on a page to
    where a second factor is set up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponse | None:
        if not settings.SECOND_FACTOR_STAFF or not request.user.is_authenticated:
            return None
        match = request.resolver_match
        in_admin = match is not None and request.path_info.startswith(reverse("admin:index"))
        if not in_admin or not request.user.is_staff or getattr(match, "url_name", "") == "logout":
            return None
        if has_second_factor(request.user):
            return None
        return _answer(request, SecondFactorMissing(None))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return _answer(request, error) if isinstance(error, SecondFactorMissing) else None


def _answer(request: HttpRequest, error: SecondFactorMissing) -> HttpResponse | None:
    """To where one is set up, for a page that a person opened; None leaves it refused."""
    address = set_up_address(error.team)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    opened = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("Accept", "")
    if opened:
        return redirect(address)
    if error.team is None:  # from process_view, where nothing else would refuse
        raise error
    return None


def set_up_address(team: Team | None) -> str:
    words = urlencode({"for": team.slug if team is not None else OF_STAFF})
    return f"{reverse('security')}?{words}"
