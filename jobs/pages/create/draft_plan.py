"""The plan of a draft: worked out once per request, and passed along to the price, the place in
line and the order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jobs.billing import prices
from jobs.common.errors import Refused
from jobs.models import Account
from jobs.orders import plan
from jobs.orders.order_request import OrderRequest
from jobs.orders.plan import Estimate, Plan
from jobs.pages.create.draft import Draft
from studio.common.translatable import translated
from studio.models.people import User


@dataclass(frozen=True, slots=True)
class DraftPlan:
    """What would be made of a draft (`plan`), for the `order` that it is. The plan is None while
    nothing can be made; then `reasons` has the sentences why."""

    order: OrderRequest
    plan: Plan | None = None
    reasons: tuple[str, ...] = ()

    @property
    def estimate(self) -> Estimate | None:
        """What each part of it costs."""
        return self.plan.estimate if self.plan is not None else None

    @property
    def micros(self) -> int:
        """The price in micros; 0 while there is none."""
        return self.plan.estimate.micros if self.plan is not None else 0


def jobs_of(planned: DraftPlan, videos: int = 1) -> int:
    """How many jobs a click on a button of so many `videos` makes: a template that is made first is
    one more."""
    made = planned.plan
    return videos + (1 if made is not None and made.first is not None else 0)


def draft_plan(draft: Draft, user: User, account: Account | None) -> DraftPlan:
    """The plan of `draft` on `account`, for `user`. The picture's check may be to come."""
    order = replace(draft.order(user), account=account)
    try:
        return DraftPlan(order, plan.plan(order, checked=False))
    except Refused as refused:
        return DraftPlan(
            order, reasons=tuple(translated(sentence) for sentence in refused.sentences)
        )
    except prices.NoPrice as error:
        return DraftPlan(order, reasons=(translated(error.sentence),))
