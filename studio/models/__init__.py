"""The tables of people, teams and files, a module per noun.
May import media, local, config and common."""

from studio.models import delete_guard  # noqa: F401  (registers why rows must stay)
from studio.models.asset import Asset
from studio.models.edit import Consent, Edit
from studio.models.mail import Mail
from studio.models.people import Membership, Role, Team, User
from studio.models.sign_up_link import SignUpLink

__all__ = ["Asset", "Consent", "Edit", "Mail", "Membership", "Role", "SignUpLink", "Team", "User"]
