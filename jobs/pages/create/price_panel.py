"""The price of a draft as its page shows it: the sum, how it is made, and what of the budget it
leaves."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.billing import prices
from jobs.models import Price
from jobs.orders.plan import Estimate
from jobs.pages.budget_summary import BudgetSummary, LimitLeft, limits_left
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_plan import DraftPlan
from studio.common import formats
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models.people import User


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One thing that is paid: the arithmetic, what it is for, and the amount."""

    formula: str
    what: str
    amount: str


@dataclass(frozen=True, slots=True)
class PricePanel:
    """The video's price: `micros` (0 without one), `total` in words, its `lines`, the price per
    second (`unit_price`, or why there is none) and where that is from (`source`).

    `leaves` is such as “leaves $7.53, about 10 m 56 s at this price”; "" without a limit, without a
    price, and when it does not fit into the budget. `limits`: what is left of each.
    """

    micros: int
    total: str
    lines: list[PriceLine]
    unit_price: str
    source: str
    budget: BudgetSummary
    leaves: str
    limits: list[LimitLeft]

    @property
    def left_after(self) -> str:
        return self.budget.left_after(self.micros)


def price_panel(draft: Draft, user: User, planned: DraftPlan, region: str) -> PricePanel:
    """The price of what is `planned` on an account in `region`."""
    unit_price, source, leaves, second = "", "", "", 0
    budget = BudgetSummary.of(draft.team, user)
    try:
        price = prices.price_of(
            draft.spec.name, draft.spec.variant_of(draft.chosen), draft.team.currency, region
        )
    except prices.NoPrice as error:
        unit_price = translated(error.sentence)
    else:
        unit_price = _("%(price)s per second of video") % {
            "price": formats.money_of(price.micros, price.currency, 6)
        }
        source = _source(price)
        second = price.micros if price.unit == "second" else 0
        leaves = _leaves(budget, planned.micros, price)
    estimate = planned.estimate
    return PricePanel(
        planned.micros,
        formats.money_of(estimate.micros, estimate.currency) if estimate is not None else "",
        _lines(estimate),
        unit_price,
        source,
        budget,
        leaves,
        limits_left(draft.team, user, second),
    )


def _lines(estimate: Estimate | None) -> list[PriceLine]:
    if estimate is None:
        return []
    return [
        PriceLine(
            translated(line.formula),
            translated(line.label),
            formats.money_of(line.micros, estimate.currency),
        )
        for line in estimate.lines
    ]


def _source(price: Price) -> str:
    sentence = _("%(source)s, in force since %(day)s.") % {
        "source": price.source,
        "day": formats.written(price.effective_from, "day year"),
    }
    if price.inferred:
        sentence += " " + _("Worked out from the price in the other currency.")
    return sentence


def _leaves(budget: BudgetSummary, micros: int, price: Price) -> str:
    left = budget.status.left
    if left is None or not micros or micros > left:
        return ""
    what = {"left": formats.money_left(left - micros, budget.team.currency)}
    if price.unit != "second" or not price.micros:
        return _("leaves %(left)s") % what
    return _("leaves %(left)s, about %(length)s at this price") % {
        **what,
        "length": length((left - micros) // price.micros),
    }
