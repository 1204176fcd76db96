"""Where a signed-in person arrives, and making a team."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from studio.access import signed_in
from studio.forms import TeamForm
from studio.models import Membership, User


@signed_in
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The board of the person's first team; without one, a page to make it."""
    first = Membership.objects.select_related("team").filter(user=cast(User, request.user)).order_by("id").first()
    if first is None:
        return render(request, "studio/home.html", {"form": TeamForm()})
    return redirect(first.team)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = TeamForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        return redirect(form.start(request.user))
    return render(request, "studio/team_new.html", {"form": form}, status=400 if form.is_bound else 200)
