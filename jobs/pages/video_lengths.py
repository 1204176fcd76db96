"""Amounts of money as lengths of video: what they pay for of a talking portrait in its two
shapes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal

from jobs.billing import prices
from jobs.models import Price
from studio.models.people import Team

_VIDEOS = (("emo-v1", "1:1"), ("emo-v1", "3:4"))


def priced_videos(team: Team) -> list[tuple[str, Price]]:
    """(“1:1”, the price of a second now); without those that have none."""
    found = []
    for model, variant in _VIDEOS:
        try:
            price = prices.price_of(model, variant, team.currency)
        except prices.NoPrice:
            continue
        if price.micros:
            found.append((variant, price))
    return found


def seconds_for(micros: int, videos: Iterable[tuple[str, Price]]) -> list[tuple[str, int]]:
    """(“1:1”, whole seconds) that `micros` pay for."""
    return [
        (variant, int((Decimal(micros) / price.micros).quantize(Decimal(1), rounding=ROUND_DOWN)))
        for variant, price in videos
    ]
