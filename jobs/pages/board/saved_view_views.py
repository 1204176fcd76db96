"""The doors of saved views; each leads back to the list that was shown."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from jobs.common.errors import Refused
from jobs.pages.board import saved_views
from studio.common.translatable import translated
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission


@team_page(write=Permission.SEE)
@require_POST
def save(request: TeamRequest) -> HttpResponse:
    """Keep the list at `query` as `name`, for everybody with `whole_team`."""
    query = request.POST.get("query", "")
    whole_team = bool(request.POST.get("whole_team"))
    try:
        view = saved_views.keep(
            request.membership, request.POST.get("name", ""), query, whole_team=whole_team
        )
        messages.success(request, _("Saved as the view “%(name)s”.") % {"name": view.name})
    except Refused as refused:
        _say(request, refused)
    return _back(request, saved_views.canonical(query))


@team_page(write=Permission.SEE)
@require_POST
def change(request: TeamRequest, view: str) -> HttpResponse:
    """`do` is "delete", or "rename" with a `name`."""
    found = saved_views.seen_by(request.team, request.user.pk).filter(public_id=view).first()
    if found is None:
        raise Http404("There is no such view.")
    if not saved_views.may_change(found, request.membership):
        raise PermissionDenied(_("Only whoever saved a view, or an admin, can change it."))
    if request.POST.get("do") == "delete":
        saved_views.delete(found, request.membership)
        messages.success(request, _("The view “%(name)s” is deleted.") % {"name": found.name})
    else:
        try:
            saved_views.rename(found, request.membership, request.POST.get("name", ""))
        except Refused as refused:
            _say(request, refused)
    return _back(request, found.query)


def _say(request: TeamRequest, refused: Refused) -> None:
    for sentence in refused.sentences:
        messages.error(request, translated(sentence))


def _back(request: TeamRequest, query: str) -> HttpResponse:
    return redirect(reverse("jobs:board", args=[request.team.slug]) + query.rstrip("?"))
