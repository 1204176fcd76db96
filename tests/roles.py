"""What each role may, written down a second time: as people decided it, not as the code has it. A
cell of studio/teams/permissions.py that is changed must be changed here too, by whoever decides."""

from __future__ import annotations

from studio.models import Role
from studio.teams.permissions import Permission, allows

DECIDED = {
    "see": "owner admin billing creator viewer",
    "make": "owner admin creator",
    "share": "owner admin creator",
    "delete_own": "owner admin creator",
    "delete_others": "owner admin",
    "manage_jobs": "owner admin",
    "see_spend": "owner admin billing",
    "set_limits": "owner billing",
    "approve": "owner admin billing",
    "manage_people": "owner admin",
    "share_turns": "owner admin",
    "add_connections": "owner admin",
    "manage_connections": "owner admin",
    "manage_team": "owner admin",
    "require_second_factor": "owner",
    "open_to_domain": "owner",
    "see_audit": "owner admin",
    "delete_team": "owner",
}


def decided(role: str, permission: str) -> bool:
    """Whether `role` may, as it was decided. KeyError for a permission nobody decided about."""
    return role in DECIDED[Permission(permission).value].split()


def wrong_cells() -> list[tuple[Role, Permission]]:
    """Cells of the code's table that are not as decided."""
    return [
        (role, permission)
        for role in Role
        for permission in Permission
        if allows(role, permission) != decided(role, permission)
    ]
