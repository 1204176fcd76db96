"""The admin: what every page of it has in common, and the people, teams and files of the site.

A full save could write an old status over a newer one, so every page saves only the columns that
were changed on it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.forms import UserChangeForm as DjangoUserChangeForm
from django.db import models
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from studio.models import Asset, Consent, Edit, Membership, Team, User

MILLION = 1_000_000
SYMBOLS = {"USD": "$", "CNY": "¥"}
NOTHING = "—"

admin.site.site_header = _("Footlight admin")
admin.site.site_title = _("Footlight admin")
admin.site.index_title = _("Everything on this site")

# ── cells ─────────────────────────────────────────────────────────────────────────────────────────


def link(row: models.Model | None, text: object = "") -> SafeString | str:
    """A link to the admin page of `row`; a dash for none."""
    if row is None:
        return NOTHING
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, text or str(row))


def rows_link(model: type[models.Model], text: object, **where: object) -> SafeString:
    """A link to the list of `model`, filtered."""
    query = "&".join(f"{name}={value}" for name, value in where.items())
    return format_html(
        '<a href="{}?{}">{}</a>',
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
        query,
        text,
    )


def amount(micros: int | None, currency: str, places: int = 4) -> SafeString | str:
    """Millionths as money, in figures that line up; a dash for an unknown amount, which is never
    0."""
    if micros is None:
        return NOTHING
    exact = (Decimal(abs(micros)) / MILLION).quantize(
        Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP
    )
    sign = "−" if micros < 0 else ""
    return format_html(
        '<span class="amount">{}{}{}</span>',
        sign,
        SYMBOLS.get(currency, f"{currency} "),
        f"{exact:,f}",
    )


def tag(word: str, label: object) -> SafeString:
    """A word in the colour of a state (see static/css/admin.css)."""
    return format_html('<span class="state" data-state="{}">{}</span>', word, label)


# ── how pages save ────────────────────────────────────────────────────────────────────────────────


def columns_of(row: models.Model, names: Iterable[str]) -> list[str]:
    """Those of `names` that are columns of the row's own table."""
    columns = {field.name for field in row._meta.concrete_fields if not field.primary_key}
    return [name for name in names if name in columns]


class NamedSave(admin.ModelAdmin):  # type: ignore[type-arg]
    """Writes only what was changed on the page, of the row and of its inline rows."""

    list_per_page = 50
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.save(force_insert=True)
            return
        columns = columns_of(obj, form.changed_data)
        if columns:
            obj.save(update_fields=columns)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for row in formset.deleted_objects:
            row.delete()
        for row, names in formset.changed_objects:
            row.save(update_fields=columns_of(row, names))
        for row in formset.new_objects:
            row.save(force_insert=True)
        formset.save_m2m()


class Watched(NamedSave):
    """Rows that only the machine writes: may be looked at and searched, never added, changed or
    deleted by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Kept(NamedSave):
    """Rows that are made by the site and never deleted here; of their columns only `editable` may
    be changed."""

    editable: tuple[str, ...] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        return [str(name) for name in shown if name not in self.editable]


class WatchedRows(admin.TabularInline):  # type: ignore[type-arg]
    """Rows of another table under a page, to look at."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


# ── people ────────────────────────────────────────────────────────────────────────────────────────


class UserChangeForm(DjangoUserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, Any] = {}

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class UserAddForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)
        field_classes: dict[str, Any] = {}

    def clean_email(self) -> str:
        """Addresses are kept in small letters, so that nobody has two sign-ins."""
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email=email).exists():
            raise forms.ValidationError(_("There is a user with this address already."))
        return email


class TeamsOfUser(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("team",)


@admin.register(User)
class UserAdmin(NamedSave, DjangoUserAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = UserAddForm
    list_display = (
        "email",
        "first_name",
        "teams_shown",
        "is_active",
        "is_staff",
        "last_login",
        "date_joined",
    )
    list_filter = ("is_active", "is_staff", "is_superuser", "memberships__role")
    search_fields = ("email", "first_name", "last_name", "teams__name", "teams__slug")
    ordering = ("email",)
    date_hierarchy = "date_joined"
    readonly_fields = ("last_login", "date_joined")
    inlines = (TeamsOfUser,)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name")}),
        (
            _("Rights on this site"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Times"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "usable_password", "password1", "password2"),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships__team")

    def get_inlines(self, request: HttpRequest, obj: User | None) -> tuple[Any, ...]:
        return self.inlines if obj else ()

    @admin.display(description=_("teams"))
    def teams_shown(self, user: User) -> str:
        return (
            ", ".join(f"{one.team} ({one.get_role_display()})" for one in user.memberships.all())
            or NOTHING
        )


class MembersOfTeam(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Team)
class TeamAdmin(NamedSave):
    list_display = ("name", "slug", "currency", "personal", "members_shown", "created_at")
    list_filter = ("personal", "currency")
    search_fields = ("name", "slug", "memberships__user__email")
    date_hierarchy = "created_at"
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembersOfTeam,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        teams: QuerySet[Team] = super().get_queryset(request)
        return teams.annotate(members_n=Count("memberships", distinct=True))

    def get_readonly_fields(self, request: HttpRequest, obj: Team | None = None) -> tuple[str, ...]:
        # The ledger of a team is in one currency; another one would make its sums mean nothing.
        return ("currency", "created_at") if obj else ("created_at",)

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Team | None = None
    ) -> dict[str, Any]:
        return {} if obj else {"slug": ("name",)}

    @admin.display(description=_("members"), ordering="members_n")
    def members_shown(self, team: Any) -> SafeString:
        return rows_link(Membership, team.members_n, team__id__exact=team.pk)


@admin.register(Membership)
class MembershipAdmin(NamedSave):
    list_display = ("user", "team", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "team")
    search_fields = ("user__email", "user__first_name", "team__name", "team__slug")
    autocomplete_fields = ("user", "team")
    date_hierarchy = "created_at"


# ── files ─────────────────────────────────────────────────────────────────────────────────────────


@admin.register(Asset)
class AssetAdmin(Kept):
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
class EditAdmin(Kept):
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
class ConsentAdmin(Kept):
    """Who said that the team may use what a file shows, and when."""

    list_display = ("asset", "by", "said", "at")
    list_select_related = ("asset", "by")
    search_fields = ("asset__name", "asset__public_id", "by__email", "asset__team__name")
    fieldsets = ((None, {"fields": ("asset", "by", "said", "at")}),)
