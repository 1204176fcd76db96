"""Whom a mail still waits for, and how far events were read for it."""

from __future__ import annotations

from django.contrib import admin

from jobs.models import EventCursor, ReadyNotice
from studio.admin.base import ReadOnlyAdmin


@admin.register(ReadyNotice)
class ReadyNoticeAdmin(ReadOnlyAdmin):
    list_display = ("user", "team", "since")
    list_select_related = ("user", "team")
    search_fields = ("user__email", "team__name", "team__slug")
    fieldsets = ((None, {"fields": ("user", "team", "event", "since")}),)


@admin.register(EventCursor)
class EventCursorAdmin(ReadOnlyAdmin):
    list_display = ("name", "event")
    search_fields = ("name",)
    fieldsets = ((None, {"fields": ("name", "event")}),)
