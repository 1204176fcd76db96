"""Limits of a team and of its people, per day and per month: what is held and settled of them, and
whether more fits.

Days and months are those of the team's time zone (`periods`). Amounts are micros of the team's
currency. Only reads; the test that counts is made by `ledger.hold` under its lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from jobs.billing import limit_words
from jobs.billing.limit_use import BudgetStatus, Limit, LimitUse
from jobs.billing.periods import day_of, month_of
from jobs.common.errors import SentenceError
from jobs.models import Balance, Budget, HoldDay
from studio.models.people import Team, User

DAY, MONTH = Budget.Period.DAY, Budget.Period.MONTH


class OverBudget(SentenceError):
    """A limit would be passed. Its sentence names the limit, whose it is, who can raise it and when
    it begins anew."""


# ── which limits count ────────────────────────────────────────────────────────────────────────────


def limits_of(team: Team, member: User | None) -> list[Limit]:
    """The limits that an order of `member` must keep, their own first; without `member` the team's.
    Asks once."""
    rows = Budget.objects.filter(team=team)
    if member is not None:
        rows = rows.filter(Q(member=member) | Q(member=None))
    else:
        rows = rows.filter(member=None, of_each=False)
    return limits_among(rows, member)


def limits_among(rows: Iterable[Budget], member: User | None) -> list[Limit]:
    """The same of the `rows` of a team, which are known."""
    by_place = {(row.member_id, row.of_each, row.period): row for row in rows}
    found = []
    if member is not None:
        for period in (DAY, MONTH):
            own = by_place.get((member.pk, False, period))
            row = own or by_place.get((None, True, period))
            if row is not None and row.micros is not None:
                found.append(Limit(period, member, row.micros, own is None))
    for period in (DAY, MONTH):
        row = by_place.get((None, False, period))
        if row is not None and row.micros is not None:
            found.append(Limit(period, None, row.micros))
    return found


# ── what is used of them ──────────────────────────────────────────────────────────────────────────


def status(team: Team, member: User | None = None, month: date | None = None) -> BudgetStatus:
    """Held and settled of `team` (or of `member` in it) in `month`, with its limit per month."""
    month = month or month_of(team)
    return _status_of(team, member, MONTH, Balance.objects.filter(team=team, month=month))


def without_limit(team: Team) -> BudgetStatus:
    """Held and settled of `team` this month, for who knows that there is no limit."""
    sums = _sums(Balance.objects.filter(team=team, month=month_of(team)), team, None)
    return BudgetStatus(team.currency, None, *sums[False])


def day_status(team: Team, member: User | None = None, day: date | None = None) -> BudgetStatus:
    """Held and settled of what was ordered on `day`, with its limit per day."""
    rows = HoldDay.objects.filter(team=team, day=day or day_of(team))
    return _status_of(team, member, DAY, rows)


def _status_of(
    team: Team, member: User | None, period: str, rows: QuerySet[Balance] | QuerySet[HoldDay]
) -> BudgetStatus:
    limits = (
        one.micros
        for one in limits_of(team, member)
        if one.period == period and (one.member is None) == (member is None)
    )
    sums = _sums(rows, team, member)
    return BudgetStatus(team.currency, next(limits, None), *sums[member is not None])


def _sums(
    rows: QuerySet[Balance] | QuerySet[HoldDay], team: Team, member: User | None
) -> tuple[tuple[int, int], tuple[int, int]]:
    """(held, settled) of all `rows`, and of those of `member`."""
    sums = {f"all_{name}": Sum(name, default=0) for name in ("held", "settled")}
    if member is not None:
        own = Q(member=member)
        sums |= {f"own_{name}": Sum(name, filter=own, default=0) for name in ("held", "settled")}
    found = rows.aggregate(**sums)
    return (
        (found["all_held"], found["all_settled"]),
        (found.get("own_held", 0), found.get("own_settled", 0)),
    )


def limit_uses(
    team: Team, member: User | None, month: date | None = None, day: date | None = None
) -> list[LimitUse]:
    """Where each limit that an order of `member` must keep stands, in `month` and on `day` (default
    now). Asks once for the limits, and once for each kind of period that has one."""
    return uses_of(limits_of(team, member), team, member, month, day)


def uses_of(
    limits: list[Limit],
    team: Team,
    member: User | None,
    month: date | None = None,
    day: date | None = None,
) -> list[LimitUse]:
    """The same of `limits` that are known."""
    periods = {one.period for one in limits}
    of_member = any(one.member is not None for one in limits)
    of_team = any(one.member is None for one in limits)
    used, begins = {}, {}
    for period in periods:
        if period == DAY:
            begins[period] = day or day_of(team)
            rows: QuerySet[Balance] | QuerySet[HoldDay] = HoldDay.objects.filter(
                team=team, day=begins[period]
            )
        else:
            begins[period] = month or month_of(team)
            rows = Balance.objects.filter(team=team, month=begins[period])
        if not of_team:
            rows = rows.filter(member=member)
        used[period] = _sums(rows, team, member if of_member else None)
    return [
        LimitUse(
            one,
            begins[one.period],
            BudgetStatus(team.currency, one.micros, *used[one.period][one.member is not None]),
        )
        for one in limits
    ]


def require_room(
    team: Team,
    member: User,
    micros: int,
    month: date | None = None,
    day: date | None = None,
) -> list[LimitUse]:
    """OverBudget unless all limits of the member and the team have room for `micros` more in
    `month` and on `day` (default now); nothing needs no room. Where they stood, without it."""
    if micros == 0:
        return []
    found = limit_uses(team, member, month, day)
    for one in found:
        if one.status.used + micros > one.limit.micros:
            raise OverBudget(limit_words.no_room(team, micros, one))
    return found


def room(team: Team, member: User) -> int | None:
    """Micros that fit into every limit now; None when there is no limit."""
    return min((one.left for one in limit_uses(team, member)), default=None)


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
