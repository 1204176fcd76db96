"""Where a signed-in person arrives, all their teams, making one, and the people of one."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from studio.common.translatable import translated
from studio.models import Membership, User
from studio.teams import invitations, join_domains, quotas
from studio.teams.access import TeamRequest, signed_in, team_page
from studio.teams.forms import FairShareForm, TeamForm
from studio.teams.people_page import people_page
from studio.teams.permissions import Permission


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


@team_page(write=Permission.SHARE_TURNS)
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: TeamRequest) -> HttpResponse:
    """Everybody sees who is here and whose turns count how often; owners and admins set it."""
    if request.method != "POST":
        return people_page(request)
    form = FairShareForm(request.POST, team=request.team)
    if not form.is_valid():
        return people_page(request, shares=form, status=422)
    if form.save():
        messages.success(request, _("Saved. It counts from the next job that is sent."))
    else:
        messages.info(request, _("Nothing has changed."))
    return redirect("team", request.team.slug)


def _ways_in(user: User) -> dict[str, object]:
    return {"waiting": invitations.waiting_for(user), "open_teams": join_domains.open_to(user)[:20]}


def _person(request: HttpRequest) -> User:
    """Who asks, on a page for people who are signed in."""
    return cast(User, request.user)
