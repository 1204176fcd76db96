"""Where a signed-in person arrives, making a team, and the people of one with their turns."""

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
from studio.teams import quotas
from studio.teams.access import TeamRequest, signed_in, team_page
from studio.teams.forms import FairShareForm, TeamForm
from studio.teams.permissions import Permission


@signed_in
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The board of the person's first team; without one, a page to make it."""
    first = (
        Membership.objects.select_related("team")
        .filter(user=_person(request))
        .order_by("id")
        .first()
    )
    if first is None:
        return render(request, "studio/teams/home.html", {"form": TeamForm()})
    return redirect(first.team)


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
    form = FairShareForm(request.POST if request.method == "POST" else None, team=request.team)
    if form.is_bound and form.is_valid():
        if form.save():
            messages.success(request, _("Saved. It counts from the next job that is sent."))
        else:
            messages.info(request, _("Nothing has changed."))
        return redirect("team", request.team.slug)
    return render(
        request,
        "studio/teams/team.html",
        {"nav": "team", "form": form, "quotas": quotas.shown(request.team, request.user)},
        status=422 if form.is_bound else 200,
    )


def _person(request: HttpRequest) -> User:
    """Who asks, on a page for people who are signed in."""
    return cast(User, request.user)
