"""The people of a team as its page shows them: who is here with which role, who is invited, and
what whoever looks may do about it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from studio.common import clock
from studio.models import Invitation, Membership, Role
from studio.teams import invitations, join_domains, quotas
from studio.teams.access import TeamRequest
from studio.teams.invitations import Made
from studio.teams.invite_forms import InviteForm, grantable
from studio.teams.permissions import may_grant


@dataclass(frozen=True)
class PersonRow:
    """`roles`: those that whoever looks may give this person, the present one among them; empty
    when they may not change it. `why_not` says why an owner cannot."""

    member: Membership
    you: bool
    roles: list[tuple[str, str]]
    removable: bool
    why_not: str = ""


@dataclass(frozen=True)
class InvitationRow:
    invitation: Invitation
    problem: str
    yours: bool  # whoever looks may make it anew and take it back


def person_rows(request: TeamRequest) -> list[PersonRow]:
    mine = request.membership.role
    members = list(request.team.memberships.select_related("user").order_by("id"))
    owners = sum(member.role == Role.OWNER for member in members)
    rows = []
    for member in members:
        you = member.user_id == request.user.pk
        only_owner = member.role == Role.OWNER and owners == 1
        may = may_grant(mine, member.role)
        why_not = (
            _("The only owner: make somebody else an owner first, then this can change.")
            if only_owner and may
            else ""
        )
        rows.append(
            PersonRow(
                member,
                you,
                grantable(mine) if may and not only_owner else [],
                removable=may and not you and not only_owner,
                why_not=why_not,
            )
        )
    return rows


def invitation_rows(request: TeamRequest) -> list[InvitationRow]:
    rows = []
    for one in invitations.open_ones(request.team).select_related("team", "made_by")[:200]:
        problem = invitations.ended(one)
        rows.append(
            InvitationRow(
                one,
                str(problem.value) if problem else "",
                may_grant(request.membership.role, one.role),
            )
        )
    return rows


def people_page(
    request: TeamRequest,
    *,
    invite: InviteForm | None = None,
    made: Sequence[Made] = (),
    status: int = 200,
) -> HttpResponse:
    """The whole page; `made` are invitations whose links are shown this once."""
    manages = request.may.manage_people
    role = request.membership.role
    context = {
        "nav": "team",
        "people": person_rows(request),
        "quotas": quotas.shown(request.team, request.user),
        "invitations": invitation_rows(request) if manages else [],
        "invite": (invite or InviteForm(role=role)) if manages else None,
        "click": uuid.uuid4().hex,
        "domains": request.team.join_domains.all() if request.may.open_to_domain else [],
        "domain_roles": join_domains.ROLES,
        "made": made,
        "mail": settings.MAIL_SERVER,
        "now": clock.now(),
    }
    response = render(request, "studio/teams/team.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response
