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

from django.db import connection
from django.db.models import Q, Sum

from jobs.billing import limit_words
from jobs.billing.balances import Value, for_database
from jobs.billing.limit_use import BudgetStatus, Limit, LimitUse
from jobs.billing.periods import day_of, month_of
from jobs.models import Balance, Budget, HoldDay
from studio.common.sentence_error import SentenceError
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
    return _status_of(_Span(MONTH, month or month_of(team), team, member))


def without_limit(team: Team) -> BudgetStatus:
    """Held and settled of `team` this month, for who knows that there is no limit."""
    (sums,) = _sums([_Span(MONTH, month_of(team), team, None)])
    return BudgetStatus(team.currency, None, *sums[False])


def day_status(team: Team, member: User | None = None, day: date | None = None) -> BudgetStatus:
    """Held and settled of what was ordered on `day`, with its limit per day."""
    return _status_of(_Span(DAY, day or day_of(team), team, member))


def _status_of(span: _Span) -> BudgetStatus:
    limits = (
        one.micros
        for one in limits_of(span.team, span.member)
        if one.period == span.period and (one.member is None) == (span.member is None)
    )
    (sums,) = _sums([span])
    return BudgetStatus(span.team.currency, next(limits, None), *sums[span.member is not None])


@dataclass(frozen=True, slots=True)
class _Span:
    """Balances of one team in one period: all of them, or those of `member` alone."""

    period: str
    begins: date
    team: Team
    member: User | None
    alone: bool = False


def _sums(spans: list[_Span]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """(held, settled) of all that is in each of the spans, and of its member. One statement, put
    together by hand: every click asks it under the team's lock, and querysets cost several times as
    much."""
    asked: list[str] = []
    values: list[Value] = []
    for number, span in enumerate(spans):
        table, column = (HoldDay, "day") if span.period == DAY else (Balance, "month")
        of_member = span.member.pk if span.member is not None else -1
        # Names of tables and columns of ours, no word of anybody else.
        asked.append(
            f"SELECT {number}, COALESCE(SUM(held), 0), COALESCE(SUM(settled), 0), "  # noqa: S608
            "COALESCE(SUM(CASE WHEN member_id = %s THEN held END), 0), "
            "COALESCE(SUM(CASE WHEN member_id = %s THEN settled END), 0) "
            f"FROM {table._meta.db_table} WHERE team_id = %s AND {column} = %s"
            + (" AND member_id = %s" if span.alone else "")
        )
        values += [of_member, of_member, span.team.pk, for_database(span.begins)]
        values += [of_member] if span.alone else []
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked), values)
        found = sorted([int(value) for value in row] for row in cursor.fetchall())
    return [((row[1], row[2]), (row[3], row[4])) for row in found]


def limit_uses(
    team: Team, member: User | None, month: date | None = None, day: date | None = None
) -> list[LimitUse]:
    """Where each limit that an order of `member` must keep stands, in `month` and on `day` (default
    now). Asks once for the limits, and once for what is used."""
    return uses_of(limits_of(team, member), team, member, month, day)


def uses_of(
    limits: list[Limit],
    team: Team,
    member: User | None,
    month: date | None = None,
    day: date | None = None,
) -> list[LimitUse]:
    """The same of `limits` that are known."""
    begins: dict[str, date] = {DAY: day or day_of(team), MONTH: month or month_of(team)}
    alone = all(one.member is not None for one in limits)
    who = member if any(one.member is not None for one in limits) else None
    spans = [
        _Span(period, begins[period], team, who, alone)
        for period in (DAY, MONTH)
        if any(one.period == period for one in limits)
    ]
    used = dict(zip((span.period for span in spans), _sums(spans), strict=True))
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
