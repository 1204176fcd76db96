"""The money of a team as a person in it may spend it: the tightest of the team's limits and their
own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.billing import budget, limit_warnings, periods
from jobs.billing.limit_use import BudgetStatus
from studio.common import formats
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models.people import Team, User


@dataclass(frozen=True, slots=True)
class BudgetSummary:
    """`status` is of the limit with the least left; `own` says whether it is the person's, and
    `period` whether it is of the day or the month. Without any limit: what the team spent in the
    month."""

    team: Team
    status: BudgetStatus
    own: bool = False
    period: str = budget.MONTH

    @classmethod
    def of(cls, team: Team, user: User | None = None) -> BudgetSummary:
        """Without `user` only the team's limits count, which is what a page that is the same for
        everybody shows."""
        found = budget.limit_uses(team, user)
        if not found:
            return cls(team, budget.without_limit(team))
        # The team's before the person's, the month's before the day's, where both leave the same.
        nearest = min(reversed(found), key=lambda one: one.left)
        limit = nearest.limit
        return cls(team, nearest.status, limit.member is not None, limit.period)

    @property
    def month(self) -> str:
        if self.period == budget.DAY:
            return _("Today")
        return formats.written(periods.month_of(self.team), "month name")

    @property
    def whose(self) -> str:
        if self.period == budget.DAY:
            return _("You, today") if self.own else _("Team, today")
        return (
            _("You, %(month)s") % {"month": self.month}
            if self.own
            else _("Team, %(month)s") % {"month": self.month}
        )

    @property
    def left(self) -> str:
        """“$6.28 left”, or what was spent when there is no limit."""
        if self.status.left is None:
            return _("%(sum)s spent, no limit") % {
                "sum": formats.money_of(self.status.used, self.status.currency, 2)
            }
        return _("%(sum)s left") % {
            "sum": formats.money_left(self.status.left, self.status.currency)
        }

    def left_after(self, micros: int) -> str:
        """“$6.81 → $6.34 left”; without a limit what will have been spent."""
        now, currency = self.status, self.status.currency
        if not micros:
            return self.left
        if now.left is None:
            return _("%(sum)s with this, no limit") % {
                "sum": formats.money_of(now.used + micros, currency, 2)
            }
        if micros > now.left:
            return _("%(left)s left, this is more") % {
                "left": formats.money_left(now.left, currency)
            }
        return _("%(left)s → %(then)s left") % {
            "left": formats.money_left(now.left, currency),
            "then": formats.money_left(now.left - micros, currency),
        }

    @property
    def label(self) -> str:
        now = self.status
        said = _("%(settled)s charged and %(held)s reserved") % {
            "settled": formats.money_of(now.settled, now.currency, 2),
            "held": formats.money_of(now.held, now.currency, 2),
        }
        return (
            said
            if now.limit is None
            else _("%(said)s of %(limit)s")
            % {"said": said, "limit": formats.money_of(now.limit, now.currency, 2)}
        )

    @property
    def bottom_bar(self) -> dict[str, Any]:
        """The money end of the bar at the lower edge (parts/bottom_bar.html)."""
        now = self.status
        return {
            "url": reverse("jobs:spend", args=[self.team.slug]),
            "month": self.month,
            "limit_micros": now.limit,
            "settled_micros": now.settled,
            "held_micros": now.held,
            "left_micros": now.left,
            "label": self.label,
            "currency": now.currency,
        }


@dataclass(frozen=True, slots=True)
class LimitLeft:
    """What is left of one limit: “You, today”, “$1.20 of $2.00 left, about 1 m 44 s”. `level`: the
    warning that it has reached, in words; `tightest`: the one that stops first."""

    whose: str
    left: str
    level: str
    tightest: bool


def limits_left(team: Team, user: User, second: int = 0) -> list[LimitLeft]:
    """Every limit that an order of `user` must keep, the person's first, of the day and of the
    month. `second`: micros that a second of video costs, 0 where that is not known."""
    found = budget.limit_uses(team, user)
    least = min((one.left for one in found), default=0)
    lines = []
    for one in found:
        summary = BudgetSummary(team, one.status, one.limit.member is not None, one.limit.period)
        words = _("%(left)s of %(limit)s left") % {
            "left": formats.money_left(one.left, team.currency),
            "limit": formats.money_of(one.limit.micros, team.currency, 2),
        }
        if second:
            words = _("%(left)s, about %(length)s of video") % {
                "left": words,
                "length": length(one.left // second),
            }
        level = max(limit_warnings.levels_of(one.status.used, one.limit.micros), default=0)
        said = _("%(level)s %% used") % {"level": level} if level else ""
        lines.append(LimitLeft(summary.whose, words, said, one.left == least and len(found) > 1))
    return lines


def no_room(team: Team, user: User, micros: int) -> str:
    """Why the money of `user` in `team` has no room for `micros` more; "" when it has."""
    try:
        budget.require_room(team, user, micros)
    except budget.OverBudget as over:
        return translated(over.sentence)
    return ""
