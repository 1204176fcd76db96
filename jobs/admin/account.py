"""Accounts, keys and lanes. Keys come in on the team's own pages only, and their secrets are not even read here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from jobs import bell
from jobs.models import Account, ApiKey, Job, Lane, TemporaryFile
from studio.admin import Kept, Watched, WatchedRows, rows_link, tag

_TONES = {"ok": "succeeded", "untried": "held", "key": "failed", "arrears": "failed", "quota": "failed", "access": "failed"}


def ring(lanes: QuerySet[Lane]) -> int:
    """Have `lanes` visited now; returns how many. A visit under way notices by the count of rings."""
    number = lanes.update(rings=F("rings") + 1, next_visit_at=timezone.now(), paused_until=None, paused_text="")
    bell.ring_after_commit()
    return number


class KeysOfAccount(WatchedRows):
    model = ApiKey
    fields = readonly_fields = ("shown", "active", "added_by", "tested_at", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return super().get_queryset(request).defer("secret").select_related("added_by")

    @admin.display(description=_("key"))
    def shown(self, key: ApiKey) -> str:
        return str(key)


class LanesOfAccount(WatchedRows):
    model = Lane
    fields = readonly_fields = ("model", "next_visit_at", "last_visit_at", "paused_until", "paused_text", "gate", "health")


@admin.register(Account)
class AccountAdmin(Kept):
    """Region and address are changed on the team's page, where the key has to be typed again for the new place."""

    editable = ("label", "model_names", "health", "health_text", "paused_until")
    list_display = ("label", "team", "region", "health_shown", "paused_until", "jobs_shown", "created_at")
    list_filter = ("health", "region")
    list_select_related = ("team",)
    search_fields = ("label", "public_id", "team__name", "team__slug", "base_url", "workspace", "keys__last4", "keys__fingerprint")
    date_hierarchy = "created_at"
    inlines = (KeysOfAccount, LanesOfAccount)
    fieldsets = (
        (None, {"fields": ("label", "public_id", "team", "created_at", "jobs_shown")}),
        (_("Place"), {"fields": ("region", "base_url", "workspace", "model_names")}),
        (
            _("Health"),
            {
                "fields": ("health", "health_text", "paused_until"),
                "description": _("Saving health or the pause rings the account’s lanes, so what waits is tried again."),
            },
        ),
    )

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if {"health", "paused_until"} & set(form.changed_data):
            ring(obj.lanes.all())

    @admin.display(description=_("health"), ordering="health")
    def health_shown(self, account: Account) -> SafeString:
        return tag(_TONES.get(account.health, "queued"), account.get_health_display())

    @admin.display(description=_("jobs"))
    def jobs_shown(self, account: Account) -> SafeString:
        return rows_link(Job, _("its jobs"), account__id__exact=account.pk)


@admin.register(ApiKey)
class ApiKeyAdmin(Kept):
    editable = ("active",)
    list_display = ("shown", "account", "team", "active", "added_by", "tested_at", "created_at")
    list_filter = ("active",)
    list_select_related = ("account__team", "added_by")
    search_fields = ("last4", "fingerprint", "account__label", "account__team__name", "added_by__email")
    date_hierarchy = "created_at"
    fieldsets = ((None, {"fields": ("shown", "account", "active", "added_by", "tested_at", "created_at")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        # Not reading it is the surest way of not showing it, and a secret that cannot be decrypted must not break the list.
        return super().get_queryset(request).defer("secret")

    @admin.display(description=_("key"), ordering="last4")
    def shown(self, key: ApiKey) -> str:
        return str(key)

    @admin.display(description=_("team"), ordering="account__team__name")
    def team(self, key: ApiKey) -> str:
        return str(key.account.team)


@admin.register(Lane)
class LaneAdmin(Watched):
    list_display = ("model", "account", "team", "next_visit_at", "last_visit_at", "lease_until", "paused_until", "gate", "health", "jobs_shown")
    list_filter = ("model",)
    list_select_related = ("account__team",)
    search_fields = ("model", "account__label", "account__team__name", "account__team__slug")
    date_hierarchy = "last_visit_at"
    actions = ("visit_now",)

    def has_visit_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_lane")

    @admin.action(description=_("Visit the chosen lanes now"), permissions=["visit"])
    def visit_now(self, request: HttpRequest, lanes: QuerySet[Lane]) -> None:
        number = ring(lanes)
        self.message_user(request, ngettext("%d lane is visited now.", "%d lanes are visited now.", number) % number, messages.SUCCESS)

    @admin.display(description=_("team"), ordering="account__team__name")
    def team(self, lane: Lane) -> str:
        return str(lane.account.team)

    @admin.display(description=_("jobs"))
    def jobs_shown(self, lane: Lane) -> SafeString:
        return rows_link(Job, _("its jobs"), lane__id__exact=lane.pk)


@admin.register(TemporaryFile)
class TemporaryFileAdmin(Watched):
    list_display = ("asset", "model", "account", "expires_at")
    list_filter = ("model",)
    list_select_related = ("asset", "account")
    search_fields = ("asset__name", "asset__sha256", "url", "account__label")
    date_hierarchy = "expires_at"
