"""What the page of limits shows: for the team and each person a limit per day and month with what
is used of it. A fixed number of statements, however many people there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from jobs.billing import budget, limit_warnings, periods
from jobs.models import Balance, Budget, HoldDay, Price
from jobs.pages import video_lengths
from studio.common import formats
from studio.common.formats import seconds
from studio.models import Membership, Team

Used = dict[int | None, tuple[int, int]]  # (held, settled) by person


@dataclass(frozen=True, slots=True)
class LimitCell:
    """A limit for a period, and what is used of it. `of_each`: what each person has counts."""

    period: str
    limit: int | None
    is_set: bool
    of_each: bool
    held: int
    settled: int
    currency: str
    videos: list[tuple[str, Price]]

    @property
    def used(self) -> int:
        return self.held + self.settled

    @property
    def words(self) -> str:
        """“$25.00”, “nothing at all”, “no limit” or “not set”."""
        if self.limit is not None:
            return (
                formats.money_of(self.limit, self.currency, 2)
                if self.limit
                else _("nothing at all (0)")
            )
        return _("no limit") if self.is_set else _("not set")

    @property
    def lengths(self) -> str:
        """“36 m 19 s of 1:1 or 18 m 9 s of 3:4”; "" without an amount."""
        if not self.limit:
            return ""
        found = [
            _("%(length)s of %(shape)s") % {"length": seconds(number), "shape": shape}
            for shape, number in video_lengths.seconds_for(self.limit, self.videos)
        ]
        return _(" or ").join(found)

    @property
    def meter_label(self) -> str:
        what = {
            "settled": formats.money_of(self.settled, self.currency, 2),
            "held": formats.money_of(self.held, self.currency, 2),
        }
        if self.limit is None:
            return _("%(settled)s charged and %(held)s reserved") % what
        return _("%(settled)s charged and %(held)s reserved of %(limit)s") % {
            **what,
            "limit": formats.money_of(self.limit, self.currency, 2),
        }

    @property
    def level(self) -> int:
        """The highest level of warning that it has reached, in percent; 0 for none."""
        return max(limit_warnings.levels_of(self.used, self.limit or 0), default=0)

    @property
    def level_words(self) -> str:
        if self.level == 100:
            return _("used up")
        return _("%(level)s %% used") % {"level": self.level} if self.level else ""


@dataclass(frozen=True, slots=True)
class LimitRow:
    """The limits of the team, of each person, or of `member`."""

    whose: str  # as in the address of its form
    day: LimitCell
    month: LimitCell
    member: Membership | None = None

    @property
    def cells(self) -> list[tuple[str, str, LimitCell]]:
        """(heading, what was used when, the cell)."""
        return [
            (_("Per day"), _("today"), self.day),
            (_("Per month"), _("this month"), self.month),
        ]


@dataclass(frozen=True, slots=True)
class TeamLimits:
    """All rows of the page; `people` those whom the reader may see."""

    team: LimitRow
    each: LimitRow
    people: list[LimitRow]
    day_anew: date
    month_anew: date


def team_limits(team: Team, people: Iterable[Membership]) -> TeamLimits:
    """The limits of `team` as they stand now, and of `people`, who are members of it."""
    day, month = periods.day_of(team), periods.month_of(team)
    known = _Known(
        {(row.member_id, row.of_each, row.period): row for row in team.budgets.all()},
        {
            budget.DAY: _by_person(team.hold_days.filter(day=day)),
            budget.MONTH: _by_person(team.balances.filter(month=month)),
        },
        team.currency,
        video_lengths.priced_videos(team),
    )
    return TeamLimits(
        known.row("team"),
        known.row("each", of_each=True),
        [known.row(str(one.pk), one) for one in people],
        periods.begins_anew(budget.DAY, day),
        periods.begins_anew(budget.MONTH, month),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """All limits of a team by (person, of each, period), and what is used by period and person."""

    limits: dict[tuple[int | None, bool, str], Budget]
    used: dict[str, Used]
    currency: str
    videos: list[tuple[str, Price]]

    def row(self, whose: str, member: Membership | None = None, of_each: bool = False) -> LimitRow:
        day, month = (self._cell(one, member, of_each) for one in (budget.DAY, budget.MONTH))
        return LimitRow(whose, day, month, member)

    def _cell(self, period: str, member: Membership | None, of_each: bool) -> LimitCell:
        pk = member.user_id if member is not None else None
        own = self.limits.get((pk, of_each, period))
        each = self.limits.get((None, True, period)) if member is not None else None
        found = own or each
        return LimitCell(
            period,
            found.micros if found is not None else None,
            found is not None,
            own is None and each is not None,
            *self._used(period, member, of_each),
            self.currency,
            self.videos,
        )

    def _used(self, period: str, member: Membership | None, of_each: bool) -> tuple[int, int]:
        """(held, settled) of the person or of the team; of each person there is no sum."""
        sums = self.used[period]
        if member is not None:
            return sums.get(member.user_id, (0, 0))
        if of_each:
            return 0, 0
        held, settled = (sum(both[place] for both in sums.values()) for place in (0, 1))
        return held, settled


def _by_person(rows: QuerySet[Balance] | QuerySet[HoldDay]) -> Used:
    found = rows.order_by().values_list("member").annotate(Sum("held"), Sum("settled"))
    return {pk: (held, settled) for pk, held, settled in found}
