"""Which role may do what in a team: the one table. The access marks of views, menus, pages, the
access matrix of the tests and the table on the team page are derived from it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from studio.models.people import Role, Team


class Permission(models.TextChoices):
    """What somebody may do in a team, as the team page says it."""

    SEE = "see", _("See the team’s videos, files and templates, and what they cost together")
    MAKE = "make", _("Upload files, make videos and see what they spent themselves")
    DELETE_OWN = (
        "delete_own",
        _("Delete their own videos and files, and take them out of the trash again"),
    )
    DELETE_OTHERS = (
        "delete_others",
        _("Delete other people’s videos and files, take them out of the trash, and erase at once"),
    )
    SHARE = "share", _("Share their own videos by link with people outside the team")
    MANAGE_JOBS = "manage_jobs", _("Decide about other people’s jobs, presets and share links")
    SEE_SPEND = "see_spend", _("See what everybody spent, line by line, and download it")
    SET_LIMITS = "set_limits", _("Set the limits of money")
    APPROVE = "approve", _("Order above the amount per click, and approve what others ask for")
    MANAGE_PEOPLE = "manage_people", _("Invite people, change their roles and remove them")
    SHARE_TURNS = "share_turns", _("Set each person’s priority share")
    ADD_CONNECTIONS = "add_connections", _("Add a Model Studio connection with its key")
    MANAGE_CONNECTIONS = (
        "manage_connections",
        _("Pause and change Model Studio connections, and add and retire their keys"),
    )
    MANAGE_TEAM = "manage_team", _("Change the settings of the team")
    REQUIRE_SECOND_FACTOR = (
        "require_second_factor",
        _("Decide that everybody needs a second factor"),
    )
    OPEN_TO_DOMAIN = "open_to_domain", _("Let everybody with an address of a mail domain join")
    SEE_AUDIT = "see_audit", _("See who changed what, and download it")
    DELETE_TEAM = "delete_team", _("Delete the team, or hand it over to somebody else")


TABLE: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.SEE}),
    Role.CREATOR: frozenset(
        {Permission.SEE, Permission.MAKE, Permission.SHARE, Permission.DELETE_OWN}
    ),
    Role.BILLING: frozenset(
        {Permission.SEE, Permission.SEE_SPEND, Permission.SET_LIMITS, Permission.APPROVE}
    ),
    Role.ADMIN: frozenset(
        {
            Permission.SEE,
            Permission.MAKE,
            Permission.SHARE,
            Permission.DELETE_OWN,
            Permission.DELETE_OTHERS,
            Permission.MANAGE_JOBS,
            Permission.SEE_SPEND,
            Permission.APPROVE,
            Permission.MANAGE_PEOPLE,
            Permission.SHARE_TURNS,
            Permission.ADD_CONNECTIONS,
            Permission.MANAGE_CONNECTIONS,
            Permission.MANAGE_TEAM,
            Permission.SEE_AUDIT,
        }
    ),
    Role.OWNER: frozenset(Permission),
}

# What is left of it in a team that is closed: to look, to see to what still runs and to what lies
# there, and to reopen it.
WHILE_CLOSED = frozenset(
    {
        Permission.SEE,
        Permission.DELETE_OWN,
        Permission.DELETE_OTHERS,
        Permission.MANAGE_JOBS,
        Permission.SEE_SPEND,
        Permission.MANAGE_CONNECTIONS,
        Permission.SEE_AUDIT,
        Permission.DELETE_TEAM,
    }
)


def granted(role: str, team: Team | None = None) -> frozenset[Permission]:
    """What somebody with `role` may: as the table says, and what the settings of `team` give
    besides, or its being closed takes away. An unknown role may nothing."""
    if role not in TABLE:
        return frozenset()
    found = TABLE[Role(role)]
    if team is not None and team.creators_connect and Permission.MAKE in found:
        found |= {Permission.ADD_CONNECTIONS}
    if team is not None and team.is_closed:
        found &= WHILE_CLOSED
    return found


def allows(role: str, permission: Permission, team: Team | None = None) -> bool:
    """Whether somebody with `role` has `permission`, in `team` with its settings."""
    return permission in granted(role, team)


def roles_with(permission: Permission, team: Team | None = None) -> list[Role]:
    """The roles that have `permission`, in the order of `Role`."""
    return [role for role in Role if allows(role, permission, team)]


def may_grant(role: str, granted: str) -> bool:
    """Whether somebody with `role` may give `granted` to somebody, or take it from them: they may
    manage people, and nobody gives what they do not have."""
    return allows(role, Permission.MANAGE_PEOPLE) and TABLE[Role(granted)] <= TABLE[Role(role)]


class Permissions:
    """What a role may, for templates: `may.make`, `may.manage_people`. Misspelt names raise."""

    def __init__(self, role: str, team: Team | None = None) -> None:
        self.role = role
        self._granted = granted(role, team)

    def __getattr__(self, name: str) -> bool:
        try:
            permission = Permission(name)
        except ValueError:
            raise AttributeError(name) from None
        return permission in self._granted
