"""A team that is closed: what people are told wherever it takes nothing any more."""

from __future__ import annotations

from studio.common import clock
from studio.common.translatable import Sentence, phrase
from studio.models import Team
from studio.models.people import Role


def words(team: Team) -> Sentence:
    """Why nothing new is taken in `team`, which is closed, and what to do."""
    if team.erasing or team.erase_at is None:
        return phrase("%(team)s was deleted, and is erased for ever.", team=team.name)
    return phrase(
        "%(team)s was deleted: it is closed, and erased in %(days)s days. Until then an owner "
        "(%(owners)s) can reopen it; nothing new is taken before.",
        team=team.name,
        days=days_left(team),
        owners=", ".join(owners(team)) or "–",
    )


def days_left(team: Team) -> int:
    """Whole days until it is erased, the one that has begun included."""
    if team.erase_at is None:
        return 0
    seconds = (team.erase_at - clock.now()).total_seconds()
    return max(0, -int(-seconds // 86_400))


def owners(team: Team) -> list[str]:
    rows = team.memberships.filter(role=Role.OWNER, user__is_active=True).select_related("user")
    return [row.user.short_name for row in rows.order_by("pk")]
