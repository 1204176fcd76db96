"""What is said of limits: why an order does not fit, whose limit it is, and who can raise it."""

from __future__ import annotations

from jobs.billing import periods
from jobs.billing.limit_use import LimitUse
from jobs.billing.prices import format_money, format_money_left
from jobs.common.dates import short_day
from jobs.models import Budget
from studio.common.translatable import Sentence, phrase, together
from studio.models.people import Team, User
from studio.teams.permissions import Permission, roles_with

NAMED = 3  # people named in a sentence


def holders(team: Team) -> list[User]:
    """Who may set the limits of `team`, those who came first first."""
    rows = team.memberships.filter(role__in=roles_with(Permission.SET_LIMITS), user__is_active=True)
    return [row.user for row in rows.select_related("user").order_by("id")]


def names(people: list[User]) -> str:
    """“Aiko, Ben”; at most NAMED of them."""
    return ", ".join(one.short_name for one in people[:NAMED])


def whose(team: Team, use: LimitUse) -> Sentence:
    """“the limit of Studio North for a month”, as the subject of a sentence."""
    member = use.limit.member
    a_day = use.limit.period == Budget.Period.DAY
    if member is None:
        return (
            phrase("the limit of %(team)s for a day", team=team)
            if a_day
            else phrase("the limit of %(team)s for a month", team=team)
        )
    return (
        phrase("%(person)s’s limit in %(team)s for a day", person=member.short_name, team=team)
        if a_day
        else phrase(
            "%(person)s’s limit in %(team)s for a month", person=member.short_name, team=team
        )
    )


def no_room(team: Team, micros: int, use: LimitUse) -> Sentence:
    """Why `micros` do not fit into the limit of `use`, when it begins anew, whom to ask."""
    said = phrase(
        "This needs %(needs)s, and %(whose)s has %(left)s of %(limit)s left %(when)s.",
        needs=format_money(micros, team.currency),
        whose=whose(team, use),
        left=format_money_left(use.left, team.currency),
        limit=format_money(use.limit.micros, team.currency, 2),
        when=periods.words(use.limit.period, use.begins),
    )
    return together(said, renewal(team, use))


def renewal(team: Team, use: LimitUse) -> Sentence:
    """When the limit begins anew, and who can raise it."""
    anew = periods.begins_anew(use.limit.period, use.begins)
    people = names(holders(team))
    if not people:
        return phrase(
            "It begins anew on %(day)s (%(zone)s).", day=short_day(anew), zone=team.time_zone
        )
    return phrase(
        "It begins anew on %(day)s (%(zone)s). Who can raise it: %(people)s.",
        day=short_day(anew),
        zone=team.time_zone,
        people=people,
    )
