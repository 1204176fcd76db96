"""Verdicts on pictures."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.admin.job import LedgerOfJob
from jobs.models import Check
from studio.admin.base import ReadOnlyAdmin, state_tag

_TONES = {
    "waiting": "queued",
    "asking": "checking",
    "passed": "succeeded",
    "refused": "failed",
    "uncertain": "uncertain",
    "failed": "failed",
}


class LedgerOfCheck(LedgerOfJob):
    fk_name = "check_asked"


@admin.register(Check)
class CheckAdmin(ReadOnlyAdmin):
    list_display = (
        "model",
        "choice",
        "state_shown",
        "team",
        "asset",
        "asked_by",
        "code",
        "request_id",
        "created_at",
    )
    list_filter = ("state", "model", "choice")
    list_select_related = ("team", "asset", "asked_by")
    search_fields = (
        "public_id",
        "request_id",
        "sha256",
        "code",
        "asset__name",
        "asked_by__email",
        "team__name",
        "team__slug",
    )
    date_hierarchy = "created_at"
    inlines = (LedgerOfCheck,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "public_id",
                    "state_shown",
                    "team",
                    "asked_by",
                    "account",
                    "asset",
                    "sha256",
                    "created_at",
                    "answered_at",
                )
            },
        ),
        (_("Question"), {"fields": ("model", "parameters", "choice")}),
        (_("Answer"), {"fields": ("facts", "code", "message", "sentence", "request_id")}),
        (
            _("Machine"),
            {"fields": ("attempt", "lease_until", "not_before"), "classes": ("collapse",)},
        ),
    )

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, check: Check) -> SafeString:
        return state_tag(_TONES.get(check.state, "queued"), check.get_state_display())
