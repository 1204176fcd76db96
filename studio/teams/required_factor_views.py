"""The page on which owners decide that everybody of the team needs a second factor."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from studio.audit.events import Event
from studio.audit.trail import record
from studio.models import Team
from studio.teams.access import TeamRequest, team_page
from studio.teams.factors import has_second_factor, with_second_factor
from studio.teams.permissions import Permission
from studio.teams.step_up import confirm_first

_owners = team_page(read=Permission.REQUIRE_SECOND_FACTOR, write=Permission.REQUIRE_SECOND_FACTOR)


@_owners
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: TeamRequest) -> HttpResponse:
    """Who has one and who not, so that nobody is shut out by surprise; on and off."""
    if request.method == "POST":
        _decide(request, request.POST.get("required") == "on")
        return redirect("second_factor", request.team.slug)
    members = list(request.team.memberships.select_related("user").order_by("id"))
    have = with_second_factor({member.user_id for member in members})
    words = {
        "nav": "team",
        "members": [(member, member.user_id in have) for member in members],
        "lacking": sum(member.user_id not in have for member in members),
        "mine": request.user.pk in have,
    }
    return render(request, "studio/teams/required_factor.html", words)


def _decide(request: TeamRequest, required: bool) -> None:
    if required and not has_second_factor(request.user):
        messages.error(
            request,
            _(
                "You have no second factor yourself, so it would shut you out first. Set one up, "
                "then require it."
            ),
        )
        return
    with transaction.atomic():
        team = Team.objects.select_for_update().get(pk=request.team.pk)
        before, team.second_factor_required = team.second_factor_required, required
        team.save(update_fields=["second_factor_required"])
        record(
            Event.TEAM_CHANGED,
            team=team,
            before={"second_factor_required": before},
            after={"second_factor_required": required},
        )
    if required:
        messages.success(request, _("From now on everybody of the team needs a second factor."))
    else:
        messages.success(request, _("A second factor is no longer required."))
