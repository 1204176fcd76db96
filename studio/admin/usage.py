"""What teams and people use of the site, in the admin: running sums, which only the machine writes.
The limits are on the page of the team or person."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from studio.admin.base import ReadOnlyAdmin
from studio.common.formats import storage_size
from studio.models import PersonUse, TeamUse


class UseAdmin(ReadOnlyAdmin):
    @admin.display(description=_("stored"), ordering="stored_bytes")
    def stored(self, use: TeamUse | PersonUse) -> str:
        return storage_size(use.stored_bytes)


@admin.register(TeamUse)
class TeamUseAdmin(UseAdmin):
    list_display = ("team", "stored", "files")
    list_select_related = ("team",)
    search_fields = ("team__name", "team__slug")
    fields = ("team", "stored", "files")
    ordering = ("-stored_bytes",)


@admin.register(PersonUse)
class PersonUseAdmin(UseAdmin):
    list_display = ("user", "stored", "files", "uploads", "uploads_since")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    fields = ("user", "stored", "files", "uploads", "uploads_since")
    ordering = ("-stored_bytes",)
