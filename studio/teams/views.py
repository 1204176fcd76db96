"""Where a signed-in person arrives, all their teams, making one, and the people of one."""

from __future__ import annotations

from typing import cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from studio.common.translatable import translated
from studio.models import Membership, User
from studio.teams import invitations, join_domains, quotas
from studio.teams.access import TeamRequest, signed_in, team_page
from studio.teams.forms import TeamForm
from studio.teams.people_page import people_page


@signed_in
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The board of the team that the person looked at last, else of their first; without one, the
    invitations that wait for them, and a form to make a team."""
    user = _person(request)
    mine = Membership.objects.select_related("team").filter(user=user).order_by("id")
    found = mine.filter(team=user.last_team_id).first() or mine.first()
    if found is None:
        return render(request, "studio/teams/home.html", {"form": TeamForm(), **_ways_in(user)})
    return redirect(found.team)


@signed_in
@require_safe
def teams(request: HttpRequest) -> HttpResponse:
    """All teams of the person with their roles, those that they may join, and the invitations that
    wait for them."""
    user = _person(request)
    mine = Membership.objects.select_related("team").filter(user=user).order_by("team__name", "id")
    return render(request, "studio/teams/teams.html", {"mine": mine, **_ways_in(user)})


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = TeamForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            with transaction.atomic():
                quotas.check_teams(_person(request))
                return redirect(form.start(request.user))
        except quotas.OverQuota as error:
            form.add_error(None, translated(error.sentence))
    return render(
        request, "studio/teams/team_new.html", {"form": form}, status=400 if form.is_bound else 200
    )


@team_page()
@require_safe
def people(request: TeamRequest) -> HttpResponse:
    """Everybody sees who is here."""
    return people_page(request)


def _ways_in(user: User) -> dict[str, object]:
    return {"waiting": invitations.waiting_for(user), "open_teams": join_domains.open_to(user)[:20]}


def _person(request: HttpRequest) -> User:
    """Who asks, on a page for people who are signed in."""
    return cast(User, request.user)
