"""Share links in the admin."""

from __future__ import annotations

from django.contrib import admin

from jobs.models import SharedVideo, ShareLink
from studio.admin.base import NoDeleteAdmin


@admin.register(ShareLink)
class ShareLinkAdmin(NoDeleteAdmin):
    """Staff end a link by an end that lies in the past."""

    editable = ("title", "expires_at")
    list_display = ("title", "team", "made_by", "expires_at", "revoked_at", "views")
    list_select_related = ("team", "made_by")
    search_fields = ("title", "public_id", "team__name", "team__slug", "made_by__email")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "title",
                    "public_id",
                    "team",
                    "made_by",
                    "download_allowed",
                    "expires_at",
                    "revoked_at",
                    "views",
                    "viewed_at",
                    "created_at",
                )
            },
        ),
    )


@admin.register(SharedVideo)
class SharedVideoAdmin(NoDeleteAdmin):
    editable = ()
    list_display = ("link", "job", "place")
    list_select_related = ("link", "job")
    search_fields = ("link__title", "job__title", "job__public_id")
    fieldsets = ((None, {"fields": ("link", "job", "place")}),)
