"""Files, edits and consents in the admin."""

from __future__ import annotations

import base64

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from studio.admin.base import NOTHING, NoDeleteAdmin, ReadOnlyAdmin
from studio.models import Asset, Collection, Consent, Edit, FileTag


@admin.register(Asset)
class AssetAdmin(NoDeleteAdmin):
    """A file is deleted on the team's own page, which also takes it out of the storage."""

    editable = ("name",)
    list_display = ("name", "kind", "team", "owner", "origin", "measure", "megabytes", "created_at")
    list_filter = ("kind", "origin", "format")
    list_select_related = ("team", "owner")
    search_fields = (
        "name",
        "public_id",
        "sha256",
        "source_sha256",
        "owner__email",
        "team__name",
        "team__slug",
    )
    date_hierarchy = "created_at"
    fieldsets = (
        (
            None,
            {"fields": ("name", "preview", "public_id", "team", "owner", "origin", "created_at")},
        ),
        (
            _("Content"),
            {
                "fields": (
                    "kind",
                    "format",
                    "mime",
                    "measure",
                    "fps",
                    "codec",
                    "audio_codec",
                    "has_audio",
                    "megabytes",
                )
            },
        ),
        (_("Storage"), {"fields": ("file", "thumb", "sha256", "source_sha256")}),
    )

    @admin.display(description=_("size"))
    def measure(self, asset: Asset) -> str:
        pixels = f"{asset.width} × {asset.height}" if asset.width else ""
        return (
            ", ".join(
                part
                for part in (pixels, f"{asset.seconds:.1f} s" if asset.milliseconds else "")
                if part
            )
            or NOTHING
        )

    @admin.display(description=_("bytes"), ordering="size")
    def megabytes(self, asset: Asset) -> str:
        return (
            f"{asset.size / 1024 / 1024:.1f} MB"
            if asset.size >= 100 * 1024
            else f"{-(-asset.size // 1024)} kB"
        )

    @admin.display(description=_("preview"))
    def preview(self, asset: Asset) -> SafeString | str:
        """The thumbnail inside the page: its address is for the team's members, who the staff need
        not be."""
        if not asset.thumb.name:
            return NOTHING
        try:
            with asset.thumb.open("rb") as file:
                picture = base64.b64encode(file.read()).decode()
        except OSError:
            return str(_("The thumbnail is not in the storage."))
        return format_html(
            '<img class="preview" src="data:image/{};base64,{}" alt="">',
            "webp" if asset.thumb.name.endswith(".webp") else "jpeg",
            picture,
        )


@admin.register(Edit)
class EditAdmin(NoDeleteAdmin):
    """Videos that are made over, to see why one waits or failed."""

    list_display = ("asset", "team", "state", "tries", "sentence", "owner", "created_at")
    list_filter = ("state",)
    list_select_related = ("asset", "team", "owner")
    search_fields = ("public_id", "asset__name", "asset__public_id", "team__name", "team__slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "asset",
                    "team",
                    "owner",
                    "recipe",
                    "state",
                    "tries",
                    "lease_until",
                    "sentence",
                    "made",
                    "created_at",
                )
            },
        ),
    )


@admin.register(Consent)
class ConsentAdmin(NoDeleteAdmin):
    """Who said that the team may use what a file shows, and when."""

    list_display = ("asset", "by", "said", "at")
    list_select_related = ("asset", "by")
    search_fields = ("asset__name", "asset__public_id", "by__email", "asset__team__name")
    fieldsets = ((None, {"fields": ("asset", "by", "said", "at")}),)


@admin.register(FileTag)
class FileTagAdmin(ReadOnlyAdmin):
    list_display = ("name", "team")
    list_select_related = ("team",)
    search_fields = ("name", "public_id", "team__name", "team__slug")
    fieldsets = ((None, {"fields": ("name", "key", "public_id", "team")}),)


@admin.register(Collection)
class CollectionAdmin(NoDeleteAdmin):
    editable = ("name",)
    list_display = ("name", "team", "owner", "whole_team", "created_at")
    list_filter = ("whole_team",)
    list_select_related = ("team", "owner")
    search_fields = ("name", "public_id", "team__name", "team__slug", "owner__email")
    fieldsets = (
        (None, {"fields": ("name", "public_id", "whole_team", "team", "owner", "created_at")}),
    )
