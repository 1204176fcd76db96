"""A video whose pictures end before its sound: the offer to hold the last one, with the price that
the longer video means."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace

from jobs.billing import prices
from jobs.common.errors import Refused
from jobs.orders import plan
from jobs.pages.create.draft_fields import TEMPLATE_VIDEO, FileField
from jobs.pages.create.draft_plan import DraftPlan
from jobs.pages.create.fixes import hold_for
from studio.common import formats
from studio.common.formats import seconds as length
from studio.models.asset import Asset


@dataclass(frozen=True, slots=True)
class Hold:
    """`sound` and `pictures` say how long each lasts, `label` what the button does, `price` what
    the order then costs, "" while the draft has none."""

    label: str
    sound: str
    pictures: str
    price: str


def hold(field: FileField, asset: Asset | None, planned: DraftPlan) -> Hold | None:
    """The offer for `asset` in the slot of `field`; None where nothing is gained by it."""
    found = hold_for(field.limits, asset.facts) if asset is not None else None
    if asset is None or found is None:
        return None
    fix, seconds = found
    return Hold(
        fix.label, length(seconds), length(asset.seconds), _price(field, asset, planned, seconds)
    )


def _price(field: FileField, asset: Asset, planned: DraftPlan, seconds: float) -> str:
    """What the order of `planned` costs with the longer video, worked out as any order is."""
    held = copy(asset)
    held.milliseconds = round(seconds * 1000)
    held.sha256 = ""  # another content, of which no template is known
    order = planned.order
    if field.name == TEMPLATE_VIDEO:
        order = replace(order, template=None, template_video=held)
    else:
        order = replace(order, files={**order.files, field.name: held})
    try:
        estimate = plan.estimate(order)
    except (Refused, prices.NoPrice):
        return ""
    return formats.money_of(estimate.micros, estimate.currency)
