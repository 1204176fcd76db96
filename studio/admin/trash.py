"""What lies in the trash of teams, and which stored files are still to be removed."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from studio.admin.base import ReadOnlyAdmin
from studio.common.formats import storage_size
from studio.models.trash import Deletion, FileRemoval


@admin.register(Deletion)
class DeletionAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "reason", "team", "by", "created_at", "remove_at", "erasing")
    list_filter = ("kind", "reason")
    list_select_related = ("team", "by")
    search_fields = ("name", "public_id", "team__name", "team__slug", "by__email")
    fields = (
        "name",
        "public_id",
        "kind",
        "reason",
        "team",
        "by",
        "files",
        "videos",
        "stored",
        "created_at",
        "remove_at",
        "erasing",
    )

    @admin.display(description=_("stored"), ordering="size")
    def stored(self, deletion: Deletion) -> str:
        return storage_size(deletion.size)


@admin.register(FileRemoval)
class FileRemovalAdmin(ReadOnlyAdmin):
    list_display = ("name", "created_at", "taken_at")
    search_fields = ("name",)
    fields = ("name", "created_at", "taken_at")
