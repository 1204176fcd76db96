"""The tables of people, teams and files, a module per noun.
May import media, local, config and common."""

from studio.models import delete_guard  # noqa: F401  (registers why rows must stay)
from studio.models.asset import Asset
from studio.models.edit import Consent, Edit
from studio.models.people import Membership, Role, Team, User

__all__ = ["Asset", "Consent", "Edit", "Membership", "Role", "Team", "User"]
