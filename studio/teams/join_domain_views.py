"""Mail domains whose people may join a team: set on its page, used on the page of one's teams."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from studio.common.translatable import translated
from studio.models import User
from studio.teams import join_domains
from studio.teams.access import TeamRequest, signed_in, team_page
from studio.teams.permissions import Permission
from studio.teams.step_up import confirm_first


@team_page(read=Permission.OPEN_TO_DOMAIN, write=Permission.OPEN_TO_DOMAIN)
@confirm_first
@require_POST
def domains(request: TeamRequest) -> HttpResponse:
    """Open the team to a mail domain, or close it again: `stop`."""
    stopped = request.POST.get("stop", "")
    if stopped:
        join_domains.stop(request.team, request.user, stopped)
        messages.success(
            request,
            _("Nobody joins by %(domain)s any more. Who is here stays.") % {"domain": stopped},
        )
        return redirect("team", request.team.slug)
    try:
        row = join_domains.allow(
            request.team,
            request.user,
            request.POST.get("domain", ""),
            request.POST.get("role", ""),
        )
    except join_domains.NotOpened as error:
        messages.error(request, translated(error.sentence))
    else:
        messages.success(
            request,
            _("Whoever has a confirmed address at %(domain)s may join now, as %(role)s.")
            % {"domain": row.domain, "role": row.get_role_display()},
        )
    return redirect("team", request.team.slug)


@signed_in
@require_POST
def join(request: HttpRequest, domain: int) -> HttpResponse:
    joined = join_domains.join(cast(User, request.user), domain)
    if joined is None:
        messages.error(
            request, _("This team is not open to you any more. Ask an owner of it to invite you.")
        )
        return redirect("teams")
    messages.success(request, _("You are in %(team)s now.") % {"team": joined.team})
    return redirect(joined.team)
