"""What all pages of the admin have in common: how cells are written, and that a page saves only the
columns that were changed on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from studio.admin.trail import RecordedAdmin, record_formset
from studio.common.translatable import translated
from studio.models.delete_guard import reasons_against

MILLION = 1_000_000


SYMBOLS = {"USD": "$", "CNY": "¥"}


NOTHING = "—"


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


def state_tag(word: str, label: object) -> SafeString:
    """A word in the colour of a state (see static/css/admin.css)."""
    return format_html('<span class="state" data-state="{}">{}</span>', word, label)


def page_of_row(request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponseBase:
    """The admin's *View on site*, for rows that the person may look at in the admin. Django's own
    tells every member of the staff which rows there are, and asks for tables that are none."""
    kind = (
        ContentType.objects.filter(pk=content_type_id).first()
        if content_type_id.isdecimal() and len(content_type_id) < 10
        else None
    )
    model = kind.model_class() if kind else None
    page = admin.site._registry.get(model) if model else None
    if page is None or not page.model._meta.managed or not page.has_view_permission(request):
        raise Http404("There is no such row.")
    return shortcut(request, content_type_id, object_id)


def columns_of(row: models.Model, names: Iterable[str]) -> list[str]:
    """Those of `names` that are columns of the row's own table."""
    columns = {field.name for field in row._meta.concrete_fields if not field.primary_key}
    return [name for name in names if name in columns]


class SelectByName(AutocompleteSelect):
    """Django's field that looks a row up by its name, for whatever was sent in it: a word that is
    no id is an error of the form and not of the page."""

    def optgroups(
        self, name: str, value: Sequence[str], attr: dict[str, object] | None = None
    ) -> list[tuple[str | None, list[dict[str, object]], int | None]]:
        key = self.field.target_field
        return super().optgroups(name, [one for one in value if _fits(key, one)], attr)


def _fits(key: models.Field[object, object], value: str) -> bool:
    try:
        key.get_prep_value(value)
        return abs(int(value)) < 2**63 if isinstance(key, models.AutoField) and value else True
    except (TypeError, ValueError):
        return False


class ChangedColumnsAdmin(RecordedAdmin):
    """Writes only what was changed on the page, of the row and of its inline rows."""

    list_per_page = 50
    show_full_result_count = False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", SelectByName(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def write_row(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.save(force_insert=True)
            return
        columns = columns_of(obj, form.changed_data)
        if columns:
            obj.save(update_fields=columns)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Deletes last: who replaces the one that goes is there by then."""
        formset.save(commit=False)
        with transaction.atomic():
            record_formset(formset)
            for row, names in formset.changed_objects:
                row.save(update_fields=columns_of(row, names))
            for row in formset.new_objects:
                row.save(force_insert=True)
            for row in formset.deleted_objects:
                row.delete()
            formset.save_m2m()

    def get_deleted_objects(
        self, objs: Sequence[models.Model] | models.QuerySet[models.Model], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What is deleted with `objs`; only the reasons when they must stay, which then stand on
        the page in place of its button, for one row and for many."""
        refused = [translated(one) for one in reasons_against(objs)]
        if refused:
            return [], {}, set(), refused
        return super().get_deleted_objects(objs, request)


class ReadOnlyAdmin(ChangedColumnsAdmin):
    """Rows that only the machine writes: may be looked at and searched, never added, changed or
    deleted by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NoDeleteAdmin(ChangedColumnsAdmin):
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


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
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
