"""The price that a button showed comes along with its click: when it is another one by then,
nothing is made and the person is asked again."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jobs.billing import prices
from studio.common.translatable import EMPTY, Sentence, phrase

FIELD = "confirmed_prices"
EARLIER_FIELD = "told"  # of a page that was open while the site was updated
SHAPE = re.compile(r"([a-z-]{1,20})=(\d{1,15})(?= |$)", re.ASCII)
LONGEST = 500


def sent_along(form: Mapping[str, str]) -> str:
    """What the buttons of the page said, as its `form` sends it along; "" when it says nothing."""
    return form.get(FIELD) or form.get(EARLIER_FIELD) or ""


def form_value(prices: Mapping[str, int]) -> str:
    """“make=472523 clip=57345” for a form: micros that each button shows, by what it does."""
    return " ".join(f"{do}={micros}" for do, micros in prices.items())


def changed(text: str, do: str, micros: int, currency: str, *, exact: bool = False) -> Sentence:
    """What to say to a click on `do` that would cost `micros` now; "" when the button said as much,
    said more, or said nothing.

    With `exact` less is said too: where another price means that something else would be made.
    """
    before = dict(SHAPE.findall(text[:LONGEST])).get(do)
    if before is None or (int(before) >= micros and not exact):
        return EMPTY
    was, now = prices.format_money(int(before), currency), prices.format_money(micros, currency)
    if was == now:
        return EMPTY
    return phrase(
        "The price is %(now)s now, and the button said %(was)s. Look at it, then click again.",
        now=now,
        was=was,
    )
