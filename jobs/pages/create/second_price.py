"""What a second of video costs where the length of a sound decides the length of the video."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from jobs.billing import prices
from jobs.models import Price
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import FileField
from studio.common import formats


@dataclass(frozen=True, slots=True)
class SecondPrice:
    """`price` is None when another file decides the length, or there is no price."""

    price: Price | None

    def micros(self, milliseconds: int) -> int:
        """The price of so much video, 0 without one: the same arithmetic as `prices.quote`."""
        return (
            prices.amount(self.price, Decimal(milliseconds) / 1000) if self.price is not None else 0
        )

    def format(self, micros: int) -> str:
        """`micros` as money; "" without a price."""
        return formats.money_of(micros, self.price.currency) if self.price is not None else ""


def second_price(draft: Draft, file: FileField, region: str) -> SecondPrice:
    """The price for the length of `file` on an account in `region`."""
    spec, currency = draft.spec, draft.team.currency
    if spec.length_of != file.name:
        return SecondPrice(None)
    try:
        price = prices.price_of(spec.name, spec.variant_of(draft.chosen), currency, region)
    except prices.NoPrice:
        return SecondPrice(None)
    return SecondPrice(price)
