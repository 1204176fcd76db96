"""The one rule of what is ordered in a team that is closed: nothing, by any path."""

from __future__ import annotations

from jobs.common.errors import Refused
from studio.models import Team
from studio.teams import closed_team


def require_open(team: Team) -> None:
    """Refused in a team that is closed. `team` is its row as the lock gave it, which closing it
    takes too: an order comes before it, and is canceled by it, or after it, and is refused."""
    if team.is_closed:
        raise Refused(closed_team.words(team))
