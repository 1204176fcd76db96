"""Unit prices with the day they begin. Rows are never changed: a new price is a new row."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Price(models.Model):
    model = models.CharField(max_length=60)
    variant = models.CharField(max_length=30, blank=True)
    region = models.CharField(max_length=20, blank=True, help_text=_("empty: every region"))
    unit = models.CharField(max_length=10, help_text=_("second or image"))
    currency = models.CharField(max_length=3)
    micros = models.BigIntegerField(help_text=_("millionths of the currency per unit"))
    effective_from = models.DateField()
    source = models.CharField(max_length=200)
    inferred = models.BooleanField(
        default=False, help_text=_("worked out from another price, not read in a list")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("model", "variant", "currency", "region", "-effective_from")
        constraints = (
            models.UniqueConstraint(
                fields=("model", "variant", "region", "currency", "effective_from"),
                name="one_price_per_day",
            ),
            models.CheckConstraint(condition=models.Q(micros__gte=0), name="price_not_negative"),
        )

    def __str__(self) -> str:
        return (
            f"{self.model} {self.variant} {self.micros} µ{self.currency}/{self.unit} from "
            f"{self.effective_from}"
        )
