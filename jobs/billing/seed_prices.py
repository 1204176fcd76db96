"""Put the catalogue's list prices into the price table. A row that is there is never touched: staff
may have added newer ones."""

from __future__ import annotations

from typing import Any

from jobs.catalogue import entries


def seed(**kwargs: Any) -> None:
    """Add every list price that the table does not have yet; runs after each migrate, so a new
    model brings its prices."""
    from jobs.models import Price

    known = set(
        Price.objects.order_by().values_list(
            "model", "variant", "region", "currency", "effective_from"
        )
    )
    Price.objects.bulk_create(
        [
            Price(
                model=model.name,
                variant=row.variant,
                region=row.region,
                currency=row.currency,
                effective_from=row.effective_from,
                unit=row.unit,
                micros=row.micros,
                source=row.source,
                inferred=row.inferred,
            )
            for model in entries.MODELS.values()
            for row in model.prices
            if (model.name, row.variant, row.region, row.currency, row.effective_from) not in known
        ],
        ignore_conflicts=True,  # another migrate may be at it
    )
