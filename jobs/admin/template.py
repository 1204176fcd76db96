"""Dance templates."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.models import Job, Template
from studio.admin.base import NoDeleteAdmin, rows_link


@admin.register(Template)
class TemplateAdmin(NoDeleteAdmin):
    editable = ("name", "forgotten")
    list_display = (
        "name",
        "team",
        "account",
        "length",
        "forgotten",
        "template_id",
        "jobs_shown",
        "created_at",
    )
    list_filter = ("forgotten", "model")
    list_select_related = ("team", "account")
    search_fields = (
        "name",
        "public_id",
        "template_id",
        "team__name",
        "team__slug",
        "asset__name",
        "asset__sha256",
    )
    date_hierarchy = "created_at"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "forgotten",
                    "public_id",
                    "team",
                    "account",
                    "model",
                    "template_id",
                    "asset",
                    "length",
                    "jobs_shown",
                    "created_at",
                )
            },
        ),
    )

    @admin.display(description=_("length"), ordering="milliseconds")
    def length(self, template: Template) -> str:
        return f"{template.seconds:.1f} s"

    @admin.display(description=_("jobs"))
    def jobs_shown(self, template: Template) -> SafeString:
        return rows_link(Job, _("its dances"), template__id__exact=template.pk)
