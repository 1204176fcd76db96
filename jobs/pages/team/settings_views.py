"""The settings of a team: for its owners and admins."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from jobs.pages.team.settings_form import SettingsForm
from studio.common.formats import storage_size
from studio.teams import quotas
from studio.teams.access import TeamRequest, takes_files, team_page
from studio.teams.permissions import Permission


@takes_files
@team_page(read=Permission.MANAGE_TEAM, write=Permission.MANAGE_TEAM)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: TeamRequest) -> HttpResponse:
    posted = request.method == "POST"
    form = SettingsForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        team=request.team,
        by=request.user,
        sets_limits=request.may.set_limits,
    )
    if posted and form.is_valid():
        try:
            changed = form.save()
        except ValidationError as error:
            form.add_error(None, error)
        else:
            if changed:
                messages.success(request, _("Saved."))
            else:
                messages.info(request, _("Nothing has changed."))
            return redirect("team_settings", request.team.slug)
    most = quotas.team_storage(request.team)
    context = {
        "nav": "team",
        "form": form,
        "stored": storage_size(quotas.stored_by_team(request.team)),
        "most": "" if most is None else storage_size(most),
    }
    return render(request, "jobs/team/settings.html", context, status=422 if posted else 200)
