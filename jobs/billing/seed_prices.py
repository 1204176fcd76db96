"""Put the catalogue's list prices into the price table. A row that is there is never touched: staff
may have added newer ones."""

from __future__ import annotations

from typing import Any

from jobs.catalogue import entries


def seed(**kwargs: Any) -> None:
    """Add every list price that the table does not have yet; runs after each migrate, so a new
    model brings its prices."""
    from jobs.models import Price

    for model in entries.MODELS.values():
        for row in model.prices:
            Price.objects.get_or_create(
                model=model.name,
                variant=row.variant,
                region=row.region,
                currency=row.currency,
                effective_from=row.effective_from,
                defaults={
                    "unit": row.unit,
                    "micros": row.micros,
                    "source": row.source,
                    "inferred": row.inferred,
                },
            )
