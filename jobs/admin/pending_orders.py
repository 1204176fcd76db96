"""Orders that wait for somebody: for approval, or for a limit to have room again."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.models import PendingOrder
from studio.admin.base import ReadOnlyAdmin, amount


@admin.register(PendingOrder)
class PendingOrderAdmin(ReadOnlyAdmin):
    list_display = ("title", "state", "reason", "team", "owner", "quote", "created_at")
    list_filter = ("state", "reason")
    list_select_related = ("team", "owner")
    search_fields = ("title", "public_id", "team__name", "team__slug", "owner__email")
    fields = (
        "title",
        "public_id",
        "state",
        "reason",
        "team",
        "owner",
        "videos",
        "quote",
        "created_at",
        "expires_at",
        "answered_at",
        "answered_by",
    )

    @admin.display(description=_("price"), ordering="quote_micros")
    def quote(self, order: PendingOrder) -> SafeString | str:
        return amount(order.quote_micros, order.currency)
