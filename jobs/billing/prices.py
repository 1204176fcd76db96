"""Unit prices and what units of a model cost: `quote` is the one function for the page, the hold
and the settlement.

Units are rounded once, to the thousandths that the ledger keeps, before the amount is taken of
them. Money is an integer number of millionths (micros) of its currency; it is rounded half up once,
at the end. A missing price is NoPrice, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from jobs.catalogue import entries
from jobs.models import Price
from studio.common.sentence_error import SentenceError
from studio.common.translatable import Sentence, phrase

MILLION = 1_000_000
_THOUSANDTH = Decimal("0.001")


SYMBOLS = {"USD": "$", "CNY": "¥"}


class NoPrice(SentenceError):
    """The price table has no row for this; without a price nothing is submitted."""


@dataclass(frozen=True, slots=True)
class Quote:
    """`micros` for `units` (seconds or images) at `price`; what is shown, held and later
    compared."""

    micros: int
    units: Decimal
    price: Price

    @property
    def currency(self) -> str:
        return self.price.currency

    def of_units(self, units: Decimal) -> Quote:
        """The quote of `units` at the same price."""
        return priced(self.price, units)

    @property
    def formula(self) -> Sentence:
        """The arithmetic, such as “13.930 s × $0.011469”."""
        n, each = f"{self.units.normalize():f}", format_money(self.price.micros, self.currency, 6)
        if self.price.unit == "second":
            return phrase("%(n)s s × %(price)s", n=n, price=each)
        return phrase("%(n)s image × %(price)s", n=n, price=each)


def format_money(micros: int, currency: str, places: int = 4, rounding: str = ROUND_HALF_UP) -> str:
    """“$0.4725”: `micros` with its symbol; 4 places for a job, 6 for the ledger, 2 for budgets."""
    amount = (Decimal(micros) / MILLION).quantize(Decimal(1).scaleb(-places), rounding=rounding)
    sign = "−" if amount < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + ' ')}{abs(amount):,.{places}f}"


def format_money_left(micros: int, currency: str) -> str:
    """Money that is left is rounded down: a promise must not be larger than what is there."""
    return format_money(micros, currency, 2, ROUND_DOWN)


def price_of(
    model: str, variant: str, currency: str, region: str = "", at: date | None = None
) -> Price:
    """The price row in force on day `at` (UTC, default today); one for `region` before one for
    everywhere. NoPrice."""
    day = at or datetime.now(UTC).date()
    row = (
        Price.objects.filter(
            model=model,
            variant=variant,
            currency=currency,
            region__in={"", region},
            effective_from__lte=day,
        )
        .order_by("-region", "-effective_from", "-id")
        .first()
    )
    if row is None:
        what = f"{model} {variant}".strip()
        raise NoPrice(
            phrase(
                "There is no price in %(currency)s for %(what)s, so nothing can be sent. Staff can "
                "add one under Prices in the admin.",
                currency=currency,
                what=what,
            )
        )
    return row


def rounded(units: Decimal) -> Decimal:
    """`units` in whole thousandths, half up: what is stored, and what every amount is taken of."""
    return units.quantize(_THOUSANDTH, rounding=ROUND_HALF_UP)


def priced(price: Price, units: Decimal) -> Quote:
    """What `units` are at `price`, with the units as they are stored: the one way from units to an
    amount, for quote and settlement alike."""
    units = rounded(units)
    return Quote(amount(price, units), units, price)


def amount(price: Price, units: Decimal) -> int:
    """Micros of `units`, which are rounded already, at `price`, half up."""
    return int((price.micros * units).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def quote(
    model: entries.Model, variant: str, units: Decimal, *, currency: str, region: str = ""
) -> Quote:
    """What `units` of `model` cost now. One function for the page, the hold and the settlement.
    NoPrice."""
    return priced(price_of(model.name, variant, currency, region), units)
