"""Accounts, keys and lanes. Keys come in on the team's own pages only, and their secrets are not
even read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import EmptyFieldListFilter
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from jobs.accounts import health_rests, pauses, shared_accounts
from jobs.accounts.clients import NoKey
from jobs.common import wakeup
from jobs.models import Account, ApiKey, Job, Lane, PauseState, TemporaryFile, WorkTime
from jobs.models.delete_guard import last_key
from jobs.modelstudio import WireError
from jobs.orders import reconcile
from studio.admin.base import (
    ChangedColumnsAdmin,
    NoDeleteAdmin,
    ReadOnlyAdmin,
    ReadOnlyInline,
    rows_link,
    state_tag,
)
from studio.common.translatable import translated
from studio.models import User

_TONES = {"ok": "succeeded", "untried": "held", "throttled": "held", "gone": "held"}


def wake(lanes: QuerySet[Lane]) -> int:
    """Have `lanes` visited now, whatever they rest for; returns how many. A visit under way notices
    by the count of wake-ups."""
    number = lanes.update(wakeups=F("wakeups") + 1, next_visit_at=timezone.now(), paused_until=None)
    wakeup.wake_dispatcher_after_commit()
    return number


def shown_health(row: Account | Lane) -> SafeString:
    return state_tag(_TONES.get(row.health, "failed"), row.get_health_display())


class PauseActions(ChangedColumnsAdmin):
    """Pages of accounts and lanes: staff pause them, open them or let them finish their queue from
    the list, and every page says who did."""

    actions: tuple[str, ...] = ("pause", "drain", "open")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"jobs.change_{self.opts.model_name}")

    @admin.action(description=_("Pause: send nothing until it is opened"), permissions=["pause"])
    def pause(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self._set(request, rows, PauseState.PAUSED)

    @admin.action(description=_("Finish the queue, take nothing new"), permissions=["pause"])
    def drain(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self._set(request, rows, PauseState.DRAINING)

    @admin.action(description=_("Open"), permissions=["pause"])
    def open(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self._set(request, rows, PauseState.OPEN)

    def _set(self, request: HttpRequest, rows: QuerySet[Any], state: PauseState) -> None:
        for row in rows:
            self.message_user(
                request,
                translated(pauses.set_pause(row, state, cast(User, request.user))),
                messages.SUCCESS,
            )

    @admin.display(description=_("pause"), ordering="pause_state")
    def pause_shown(self, row: Any) -> SafeString | str:
        return (
            state_tag("held", translated(pauses.sentence(row)))
            if row.pause_state != PauseState.OPEN
            else row.get_pause_state_display()
        )


class KeysOfAccount(ReadOnlyInline):
    model = ApiKey
    fields = readonly_fields = ("shown", "active", "added_by", "tested_at", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return super().get_queryset(request).defer("secret").select_related("added_by")

    @admin.display(description=_("key"))
    def shown(self, key: ApiKey) -> str:
        return str(key)


class LanesOfAccount(ReadOnlyInline):
    model = Lane
    fields = readonly_fields = (
        "model",
        "health",
        "paused_until",
        "paused_text",
        "troubles",
        "pause_state",
        "pause_set_by",
        "pause_set_at",
        "next_visit_at",
    )


@admin.register(Account)
class AccountAdmin(NoDeleteAdmin, PauseActions):
    """Region and address are changed on the team's page, where the key has to be typed again for
    the new place."""

    editable = ("label", "private_network", "model_names", "health", "health_text", "paused_until")
    list_display = (
        "label",
        "team",
        "region",
        "health_shown",
        "paused_until",
        "pause_shown",
        "same_as",
        "jobs_shown",
        "created_at",
        "removed_at",
    )
    list_filter = (
        "health",
        "pause_state",
        ("reconcile_from", EmptyFieldListFilter),
        ("removed_at", EmptyFieldListFilter),
        "region",
    )
    list_select_related = ("team", "pause_set_by", "same_as")
    actions = (*PauseActions.actions, "part", "compare")
    search_fields = (
        "label",
        "public_id",
        "team__name",
        "team__slug",
        "base_url",
        "workspace",
        "keys__last4",
        "keys__fingerprint",
    )
    date_hierarchy = "created_at"
    inlines = (KeysOfAccount, LanesOfAccount)
    fieldsets = (
        (None, {"fields": ("label", "public_id", "team", "created_at", "jobs_shown")}),
        (
            _("Place"),
            {
                "fields": ("region", "base_url", "private_network", "workspace", "model_names"),
                "description": _(
                    "Another deployed name holds for what is sent from now on, also for jobs that "
                    "wait already. What was sent is looked for with the name that it was sent with."
                ),
            },
        ),
        (
            _("Health"),
            {
                "fields": ("health", "health_text", "paused_until", "troubles", "notified_at"),
                "description": _(
                    "Saving health or the rest wakes the connection’s queues, so what waits is "
                    "tried again."
                ),
            },
        ),
        (_("Removed"), {"fields": ("removed_at", "removed_by")}),
        (_("PauseState"), {"fields": ("pause_shown", "pause_set_by", "pause_set_at")}),
        (
            _("Shared queues"),
            {
                "fields": ("same_as", "different_from"),
                "description": _(
                    "Two keys of one Alibaba account share its queues. If that is wrong, use “They "
                    "are different connections” in the list."
                ),
            },
        ),
    )

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "health" in form.changed_data and obj.health == Account.Health.OK:
            health_rests.well(obj)
        if {"health", "paused_until"} & set(form.changed_data):
            wake(Lane.objects.filter(account_id__in={obj.pk, obj.root_id}))

    @admin.action(
        description=_("After a restore: compare with the service’s list, then send again"),
        permissions=["pause"],
    )
    def compare(self, request: HttpRequest, rows: QuerySet[Account]) -> None:
        for root in {row.same_as or row for row in rows.select_related("same_as")}:
            try:
                done = reconcile.reconcile(root)
            except (WireError, NoKey) as error:
                said = _("%(account)s was not compared, and sends nothing: %(why)s")
                self.message_user(request, said % {"account": root, "why": error}, messages.ERROR)
                continue
            said = _(
                "%(account)s is compared: %(adopted)s tasks imported, %(undecided)s jobs wait for "
                "a decision."
            )
            numbers = {"adopted": len(done.adopted), "undecided": len(done.undecided)}
            self.message_user(request, said % {"account": root, **numbers}, messages.SUCCESS)
            for sentence in done.left:
                self.message_user(request, translated(sentence), messages.WARNING)

    @admin.action(
        description=_("They are different connections: stop sharing queues"), permissions=["pause"]
    )
    def part(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        for account in accounts.select_related("same_as"):
            other = account.same_as
            if other is None:
                self.message_user(
                    request,
                    _("%(account)s shares no queues of another.") % {"account": account.label},
                    messages.WARNING,
                )
                continue
            moved = shared_accounts.separate(account)
            one, many = (
                "%(account)s has queues of its own again; %(n)d job moved.",
                "%(account)s has queues of its own again; %(n)d jobs moved.",
            )
            said = ngettext(one, many, moved)
            self.message_user(
                request, said % {"account": account.label, "n": moved}, messages.SUCCESS
            )

    @admin.display(description=_("health"), ordering="health")
    def health_shown(self, account: Account) -> SafeString:
        return shown_health(account)

    @admin.display(description=_("jobs"))
    def jobs_shown(self, account: Account) -> SafeString:
        return rows_link(Job, _("its jobs"), account__id__exact=account.pk)


if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[ApiKey]
else:
    _ModelForm = forms.ModelForm


class ApiKeyForm(_ModelForm):
    class Meta:
        model = ApiKey
        fields = ("active",)

    def clean_active(self) -> bool:
        """A key is not put out of use while jobs need it."""
        active = bool(self.cleaned_data["active"])
        stored = ApiKey.objects.defer("secret").get(pk=self.instance.pk)
        needed = None if active else last_key(stored, stored)
        if needed is not None:
            raise forms.ValidationError(translated(needed))
        twins = ApiKey.objects.filter(
            account_id=stored.account_id, fingerprint=stored.fingerprint, active=True
        )
        if active and twins.exclude(pk=stored.pk).exists():
            raise forms.ValidationError(
                _("The same key is in use already, by another row of this connection.")
            )
        return active


@admin.register(ApiKey)
class ApiKeyAdmin(NoDeleteAdmin):
    form = ApiKeyForm
    editable = ("active",)
    list_display = ("shown", "account", "team", "active", "added_by", "tested_at", "created_at")
    list_filter = ("active",)
    list_select_related = ("account__team", "added_by")
    search_fields = (
        "last4",
        "fingerprint",
        "account__label",
        "account__team__name",
        "added_by__email",
    )
    date_hierarchy = "created_at"
    fieldsets = (
        (None, {"fields": ("shown", "account", "active", "added_by", "tested_at", "created_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        # Not reading it is the surest way of not showing it, and a secret that cannot be decrypted
        # must not break the list.
        return super().get_queryset(request).defer("secret")

    @admin.display(description=_("key"), ordering="last4")
    def shown(self, key: ApiKey) -> str:
        return str(key)

    @admin.display(description=_("team"), ordering="account__team__name")
    def team(self, key: ApiKey) -> str:
        return str(key.account.team)


@admin.register(Lane)
class LaneAdmin(PauseActions, ReadOnlyAdmin):
    list_display = (
        "model",
        "account",
        "team",
        "health_shown",
        "paused_until",
        "pause_shown",
        "next_visit_at",
        "last_visit_at",
        "lease_until",
        "jobs_shown",
    )
    list_filter = ("model", "health", "pause_state")
    list_select_related = ("account__team", "pause_set_by")
    search_fields = ("model", "account__label", "account__team__name", "account__team__slug")
    date_hierarchy = "last_visit_at"
    actions = ("visit_now", *PauseActions.actions)

    @admin.action(description=_("Visit the chosen queues now"), permissions=["pause"])
    def visit_now(self, request: HttpRequest, lanes: QuerySet[Lane]) -> None:
        number = wake(lanes)
        self.message_user(
            request,
            ngettext("%d queue is visited now.", "%d queues are visited now.", number) % number,
            messages.SUCCESS,
        )

    @admin.display(description=_("health"), ordering="health")
    def health_shown(self, lane: Lane) -> SafeString:
        return shown_health(lane)

    @admin.display(description=_("team"), ordering="account__team__name")
    def team(self, lane: Lane) -> str:
        return str(lane.account.team)

    @admin.display(description=_("jobs"))
    def jobs_shown(self, lane: Lane) -> SafeString:
        return rows_link(Job, _("its jobs"), lane__id__exact=lane.pk)


@admin.register(WorkTime)
class WorkTimeAdmin(ReadOnlyAdmin):
    """What was learned about how long work takes: the numbers behind every forecast."""

    list_display = ("model", "variant", "service", "median", "p90", "tasks", "updated_at")
    list_filter = ("model",)
    search_fields = ("model", "variant", "service")
    date_hierarchy = "updated_at"

    @admin.display(description=_("tasks"))
    def tasks(self, time: WorkTime) -> int:
        return len(time.recent)


@admin.register(TemporaryFile)
class TemporaryFileAdmin(ReadOnlyAdmin):
    list_display = ("asset", "model", "account", "expires_at")
    list_filter = ("model",)
    list_select_related = ("asset", "account")
    search_fields = ("asset__name", "asset__sha256", "url", "account__label")
    date_hierarchy = "expires_at"
