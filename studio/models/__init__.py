from studio.models.asset import Asset
from studio.models.people import Membership, Role, Team, User

__all__ = ["Asset", "Membership", "Role", "Team", "User"]
