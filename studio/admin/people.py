"""People, teams and memberships in the admin."""

from __future__ import annotations

from typing import Any

from allauth.account import admin as account_admin
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.forms import UserChangeForm as DjangoUserChangeForm
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from studio.admin.base import NOTHING, ChangedColumnsAdmin, rows_link
from studio.admin.owner_forms import MembershipForm, MembershipFormSet
from studio.admin.personal_data import PersonalDataAdmin
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.formats import storage_size
from studio.models import Membership, Team, User
from studio.teams import confirmed, quotas


class UserChangeForm(DjangoUserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, Any] = {}

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        there = confirmed.person_at(email)
        if there is not None and there.pk != self.instance.pk:
            raise forms.ValidationError(_("There is a user with this address already."))
        return email


class UserAddForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)
        field_classes: dict[str, Any] = {}

    def clean_email(self) -> str:
        """Addresses are kept in small letters, so that nobody has two sign-ins."""
        email = str(self.cleaned_data["email"]).lower()
        if confirmed.person_at(email) is not None:
            raise forms.ValidationError(_("There is a user with this address already."))
        return email


class TeamsOfUser(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    formset = MembershipFormSet
    extra = 0
    autocomplete_fields = ("team",)


@admin.register(User)
class UserAdmin(PersonalDataAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
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
    readonly_fields = ("stored", "last_login", "date_joined", "personal_data_shown")
    inlines = (TeamsOfUser,)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "personal_data_shown")}),
        (
            _("Rights on this site"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (
            _("Limits"),
            {
                "fields": (
                    "stored",
                    "storage_limit_mb",
                    "uploads_per_hour",
                    "edits_in_line",
                    "teams_limit",
                )
            },
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

    def save_model(
        self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: bool
    ) -> None:
        """An address that an operator typed is one that they vouch for."""
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            confirmed.confirm(obj)

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    def log_change(self, request: HttpRequest, obj: User, message: object) -> LogEntry:
        """A new password is saved by no `save_model`."""
        found = request.resolver_match
        if found is not None and found.url_name == "auth_user_password_change":
            record(Event.PASSWORD_CHANGED, person=obj, after={"way": "admin"})
        return super().log_change(request, obj, message)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships__team")

    def get_inlines(self, request: HttpRequest, obj: User | None) -> tuple[Any, ...]:
        return self.inlines if obj else ()

    @admin.display(description=_("stored"))
    def stored(self, user: User) -> str:
        return storage_size(quotas.stored_by_person(user))

    @admin.display(description=_("teams"))
    def teams_shown(self, user: User) -> str:
        return (
            ", ".join(f"{one.team} ({one.get_role_display()})" for one in user.memberships.all())
            or NOTHING
        )


class MembersOfTeam(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    formset = MembershipFormSet
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Team)
class TeamAdmin(ChangedColumnsAdmin):
    list_display = (
        "name",
        "slug",
        "currency",
        "personal",
        "members_shown",
        "created_at",
        "closed_at",
        "erase_at",
    )
    list_filter = (
        "personal",
        "currency",
        ("closed_at", admin.EmptyFieldListFilter),
        ("emptied_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("name", "slug", "memberships__user__email")
    date_hierarchy = "created_at"
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembersOfTeam,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        teams: QuerySet[Team] = super().get_queryset(request)
        return teams.annotate(members_n=Count("memberships", distinct=True))

    def get_readonly_fields(self, request: HttpRequest, obj: Team | None = None) -> tuple[str, ...]:
        # The ledger of a team is in one currency; another one would make its sums mean nothing.
        return ("currency", "stored", "created_at") if obj else ("created_at",)

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Team | None = None
    ) -> dict[str, Any]:
        return {} if obj else {"slug": ("name",)}

    def get_fields(self, request: HttpRequest, obj: Team | None = None) -> tuple[str, ...]:
        fields = (
            "name",
            "slug",
            "personal",
            "currency",
            "time_zone",
            "waiting_limit",
            "storage_limit_mb",
        )
        return (*fields, "stored", "created_at") if obj else fields

    @admin.display(description=_("stored"))
    def stored(self, team: Team) -> str:
        return storage_size(quotas.stored_by_team(team))

    @admin.display(description=_("members"), ordering="members_n")
    def members_shown(self, team: Any) -> SafeString:
        return rows_link(Membership, team.members_n, team__id__exact=team.pk)


@admin.register(Membership)
class MembershipAdmin(ChangedColumnsAdmin):
    form = MembershipForm
    list_display = ("user", "team", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "team")
    search_fields = ("user__email", "user__first_name", "team__name", "team__slug")
    autocomplete_fields = ("user", "team")
    date_hierarchy = "created_at"


# Those of other packages, so that what staff change there is in the trail too.
admin.site.unregister(EmailAddress)
admin.site.unregister(Group)


@admin.register(EmailAddress)
class EmailAddressAdmin(ChangedColumnsAdmin, account_admin.EmailAddressAdmin):  # type: ignore[misc]
    """Marking an address as verified lets its owner use it: staff vouch for it."""


@admin.register(Group)
class RecordedGroupAdmin(ChangedColumnsAdmin, GroupAdmin):
    """Rights that several people have."""
