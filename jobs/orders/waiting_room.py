"""How many jobs one person may have waiting in a team, so that nobody's heap buries the others."""

from __future__ import annotations

from jobs.common.errors import Refused
from jobs.common.states import Group, State
from studio.common.translatable import EMPTY, Sentence, phrase
from studio.models.people import Team, User


def waiting_of(team: Team, owner: User) -> int:
    """Jobs of `owner` in `team` that were not sent yet."""
    return team.jobs.filter(
        owner=owner, group__in=(Group.WAITING, Group.ATTENTION), state=State.QUEUED
    ).count()


def no_room_in_line(team: Team, waiting: int) -> Sentence:
    """Why a person may not have so many jobs `waiting` in `team`; "" when they may."""
    if waiting <= team.waiting_limit:
        return EMPTY
    return phrase(
        "You would have %(n)s jobs waiting, and in %(team)s a person may have %(most)s, so that "
        "nobody’s heap buries the others. Wait until some are sent, cancel some, or ask an admin "
        "to raise the limit.",
        n=waiting,
        team=team,
        most=team.waiting_limit,
    )


def require_room_in_line(team: Team, owner: User) -> None:
    """Refused when `owner` has more jobs waiting in `team` than one person may."""
    if sentence := no_room_in_line(team, waiting_of(team, owner)):
        raise Refused(sentence)
