"""The pages of a team that stand beside each other: who is here, its limits, its settings, what was
changed. Each is shown to who may open it, as its own access mark says."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studio.models import Membership, Role, Team
from studio.teams.access import MARK
from studio.teams.permissions import Permission, allows

# the name of its address, and what the page is called; what the site does not have is left out
PAGES: tuple[tuple[str, str | Promise], ...] = (
    ("team", _("People")),
    ("team_limits", _("Limits")),
    ("team_approvals", _("Approvals")),
    ("team_settings", _("Settings")),
    ("second_factor", _("Second factor")),
    ("team_audit", _("Audit")),
)


@dataclass(frozen=True)
class TeamPage:
    url: str
    label: str
    here: bool  # the page that is open, or one below it


def pages_of(request: HttpRequest, membership: Membership) -> list[TeamPage]:
    """The pages of the team of `membership` that its role may open, the one of `request` marked."""
    found = []
    for name, label in PAGES:
        try:
            url = reverse(name, args=[membership.team.slug])
        except NoReverseMatch:
            continue
        _team, read, _write = str(getattr(resolve(url).func, MARK)).split(":")
        if allows(membership.role, Permission(read), membership.team):
            found.append((url, str(label)))
    inside = [url for url, _label in found if request.path.startswith(url)]
    here = max(inside, key=len, default="")
    return [TeamPage(url, label, url == here) for url, label in found]


@dataclass(frozen=True)
class TableRow:
    """One permission, and for every role in the order of `Role` whether it has it."""

    label: str
    cells: list[tuple[Role, bool]]


def role_table(team: Team) -> list[TableRow]:
    """The table of studio/teams/permissions.py with the settings of `team`, a row for each
    permission."""
    return [
        TableRow(str(one.label), [(role, allows(role, one, team)) for role in Role])
        for one in Permission
    ]
