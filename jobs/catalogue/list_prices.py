"""What the models have in common: where prices come from, what a check and a second cost, the path
of the calls and the day of the retirement (CONTRACT §7, §13)."""

from __future__ import annotations

from datetime import UTC, datetime

from jobs.catalogue.schema import ListPrice

PATH = "/services/aigc/image2video/"
SOURCE = "Model Studio price page, copy of 30 May 2026"
USD_SOURCE = SOURCE + ", USD at the ratio of EMO’s prices"
RETIRES = datetime(2026, 10, 9, 16, 0, tzinfo=UTC)  # 2026-10-10 00:00:00 in UTC+8


def list_prices(
    *rows: tuple[str, str, int, bool], unit: str = "second", source: str = ""
) -> tuple[ListPrice, ...]:
    return tuple(
        ListPrice(
            micros,
            currency,
            variant,
            unit=unit,
            inferred=inferred,
            source=source or (USD_SOURCE if inferred else SOURCE),
        )
        for variant, currency, micros, inferred in rows
    )


CHECK_PRICE = list_prices(("", "USD", 574, True), ("", "CNY", 4_000, False), unit="image")
PER_SECOND = list_prices(("", "USD", 11_469, True), ("", "CNY", 80_000, False))
