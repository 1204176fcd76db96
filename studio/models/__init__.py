"""The tables of people, teams and files, a module per noun.
May import media, local, config and common."""

from studio.models import delete_guard  # noqa: F401  (registers why rows must stay)
from studio.models.asset import Asset
from studio.models.audit import AuditEntry, Erasure
from studio.models.collection import Collection
from studio.models.edit import Consent, Edit
from studio.models.invitation import Invitation, JoinDomain
from studio.models.mail import Mail
from studio.models.people import Membership, Role, Team, User
from studio.models.sign_up_link import SignUpLink
from studio.models.tag import FileTag
from studio.models.trash import Deletion, FileRemoval
from studio.models.usage import PersonUse, TeamUse

__all__ = [
    "Asset",
    "AuditEntry",
    "Collection",
    "Consent",
    "Deletion",
    "Edit",
    "Erasure",
    "FileRemoval",
    "FileTag",
    "Invitation",
    "JoinDomain",
    "Mail",
    "Membership",
    "PersonUse",
    "Role",
    "SignUpLink",
    "Team",
    "TeamUse",
    "User",
]
