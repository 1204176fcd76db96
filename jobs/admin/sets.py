"""Sets of jobs and presets: what was made together, and the choices that a team keeps under a
name."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.models import Job, JobSet, Preset, SavedView
from studio.admin.base import NoDeleteAdmin, rows_link


@admin.register(JobSet)
class JobSetAdmin(NoDeleteAdmin):
    editable = ("title",)
    list_display = ("title", "kind", "team", "owner", "jobs_shown", "created_at")
    list_filter = ("kind",)
    list_select_related = ("team", "owner")
    search_fields = ("title", "public_id", "team__name", "team__slug", "owner__email")
    date_hierarchy = "created_at"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "title",
                    "public_id",
                    "kind",
                    "team",
                    "owner",
                    "winner",
                    "jobs_shown",
                    "created_at",
                )
            },
        ),
    )

    @admin.display(description=_("jobs"))
    def jobs_shown(self, jobset: JobSet) -> SafeString:
        return rows_link(Job, _("its jobs"), set__id__exact=jobset.pk)


@admin.register(Preset)
class PresetAdmin(NoDeleteAdmin):
    editable = ("name",)
    list_display = ("name", "model", "team", "owner", "created_at")
    list_filter = ("model",)
    list_select_related = ("team", "owner")
    search_fields = ("name", "public_id", "team__name", "team__slug", "owner__email")
    fieldsets = (
        (None, {"fields": ("name", "public_id", "model", "team", "owner", "chosen", "created_at")}),
    )


@admin.register(SavedView)
class SavedViewAdmin(NoDeleteAdmin):
    editable = ("name",)
    list_display = ("name", "team", "owner", "whole_team", "created_at")
    list_filter = ("whole_team",)
    list_select_related = ("team", "owner")
    search_fields = ("name", "public_id", "team__name", "team__slug", "owner__email")
    fieldsets = (
        (
            None,
            {"fields": ("name", "public_id", "query", "whole_team", "team", "owner", "created_at")},
        ),
    )
