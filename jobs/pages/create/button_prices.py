"""The price on each button of a create page."""

from __future__ import annotations

from jobs.catalogue import entries
from jobs.orders import sets, test_clips
from jobs.pages.create.draft_plan import DraftPlan
from jobs.pages.create.split_panel import SplitPanel
from studio.common import formats


def button_prices(planned: DraftPlan, split: SplitPanel | None) -> dict[str, int]:
    """Micros that each button of the page shows, by what it does; {} while the video has no
    price."""
    if planned.plan is None:
        return {}
    found = {"make": planned.micros}
    clip = test_clips.plan_of(planned.plan)
    if clip is not None:
        found["clip"] = clip.estimate.micros
    parameter = swept_of(planned)
    if parameter is not None:
        found["sweep"] = sets.price(planned.plan.estimate, len(parameter.words))
        if clip is not None:
            found["sweep-clip"] = sets.price(clip.estimate, len(parameter.words))
    return found | ({"split": split.micros} if split is not None else {})


def price_on(button: str, micros: dict[str, int], currency: str) -> str:
    """The price that stands on the button that does `button`, of `button_prices`; "" without
    one."""
    return formats.money_of(micros[button], currency) if button in micros else ""


def swept_of(planned: DraftPlan) -> entries.Parameter | None:
    """The choice of which every value can be made side by side; None without one."""
    return sets.swept(entries.get(planned.order.model), planned.order.chosen)
