"""Monthly limits of a team and of its members: what is held and settled of them, and whether
more fits.

Months are calendar months in UTC. Amounts are micros of the team's currency. Only reads; the test
that counts is made by `ledger.hold` under its lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from django.db.models import Q, Sum

from jobs.billing.prices import format_money, format_money_left
from jobs.common.dates import month_name, short_day
from jobs.common.errors import SentenceError
from jobs.models import Balance, Budget
from studio.common import clock
from studio.common.translatable import Sentence, phrase, together
from studio.models.people import Team, User


class OverBudget(SentenceError):
    """A monthly limit would be passed. Its sentence names the limit, whose it is and when it begins
    anew."""


def month_of(moment: datetime | None = None) -> date:
    """First day of the calendar month (UTC) that `moment` counts for."""
    return (moment or clock.now()).astimezone(UTC).date().replace(day=1)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """Where a budget stands in a month; `limit` None means no limit was set."""

    currency: str
    limit: int | None
    held: int
    settled: int

    @property
    def used(self) -> int:
        return self.held + self.settled

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


def status(team: Team, member: User | None = None, month: date | None = None) -> BudgetStatus:
    """Held and settled of `team` (or of `member` in it) in `month`, with its limit."""
    budget = Budget.objects.filter(team=team, member=member).first()
    return _status(team, member, month or month_of(), budget.micros if budget else None)


def _status(team: Team, member: User | None, month: date, limit: int | None) -> BudgetStatus:
    balances = Balance.objects.filter(team=team, month=month)
    if member is not None:
        balances = balances.filter(member=member)
    sums = balances.aggregate(held=Sum("held"), settled=Sum("settled"))
    return BudgetStatus(team.currency, limit, sums["held"] or 0, sums["settled"] or 0)


def require_room(team: Team, member: User, micros: int, month: date | None = None) -> None:
    """OverBudget unless both the member's and the team's limit have room for `micros` more in
    `month` (default this one); nothing needs no room."""
    if micros == 0:
        return
    month = month or month_of()
    limits: dict[int | None, int] = {
        row.member_id: row.micros
        for row in Budget.objects.filter(Q(member=member) | Q(member=None), team=team)
    }
    for who in (member, None):
        limit = limits.get(who.pk if who else None)
        if limit is None:
            continue  # without a limit nothing needs to be added up
        now = _status(team, who, month, limit)
        if now.used + micros > limit:
            raise OverBudget(_no_room(team, who, micros, now, month))


def _no_room(
    team: Team, member: User | None, micros: int, now: BudgetStatus, month: date
) -> Sentence:
    needs, limit, left = (
        format_money(micros, team.currency),
        format_money(now.limit or 0, team.currency, 2),
        format_money_left(now.left or 0, team.currency),
    )
    if member is not None:
        said = phrase(
            "This needs %(needs)s, and %(person)s’s limit in %(team)s has %(left)s of "
            "%(limit)s left in %(month)s.",
            needs=needs,
            person=member.short_name,
            team=team,
            left=left,
            limit=limit,
            month=month_name(month),
        )
    else:
        said = phrase(
            "This needs %(needs)s, and the limit of %(team)s has %(left)s of %(limit)s "
            "left in %(month)s.",
            needs=needs,
            team=team,
            left=left,
            limit=limit,
            month=month_name(month),
        )
    begins = phrase(
        "It begins anew on %(day)s; an owner can raise it.", day=short_day(next_month(month))
    )
    return together(said, begins)


@dataclass(frozen=True, slots=True)
class MemberSpend:
    member: User | None
    held: int
    settled: int
    jobs: int
    checks: int
    seconds: Decimal


def spend_by_member(team: Team, month: date) -> list[MemberSpend]:
    """One row per person who spent in `month`, largest first; seconds are those billed."""
    found = list(
        Balance.objects.filter(team=team, month=month)
        .order_by()
        .values_list("member")
        .annotate(*(Sum(name) for name in ("held", "settled", "jobs", "checks", "milliseconds")))
    )
    people = User.objects.in_bulk([row[0] for row in found if row[0] is not None])
    spent = [
        MemberSpend(people.get(pk or 0), held, settled, jobs, checks, Decimal(milliseconds) / 1000)
        for pk, held, settled, jobs, checks, milliseconds in found
    ]
    return sorted(spent, key=lambda row: -(row.settled + row.held))
