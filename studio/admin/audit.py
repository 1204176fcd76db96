"""The trail of the whole site, and who was erased, in the admin: to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from studio.admin.base import ReadOnlyAdmin
from studio.audit import words
from studio.audit.events import Kind
from studio.models import AuditEntry, Erasure, User

MOST = 5000  # entries that are counted and paged through; what is older is found by a filter


if TYPE_CHECKING:
    _Paginator = Paginator[AuditEntry]
else:
    _Paginator = Paginator


class FirstEntries(_Paginator):
    """Counts no further than MOST: the table has no end."""

    @cached_property
    def count(self) -> int:
        found = self.object_list
        return len(found.values_list("pk")[:MOST]) if isinstance(found, QuerySet) else len(found)


class KindFilter(admin.SimpleListFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(kind.value, str(kind.label)) for kind in Kind]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry]
    ) -> QuerySet[AuditEntry]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Newest first. Copies, which say the same to each team of a person, are left out."""

    list_display = ("at", "what", "team_name", "changed", "way")
    list_filter = (KindFilter, "via")
    search_fields = ("by_name",)  # which shows the field; what it finds is below
    search_help_text = _("E-mail address or name of a person")
    ordering = ("-at", "-id")
    paginator = FirstEntries
    fields = (
        "at",
        "what",
        "team_name",
        "by_name",
        "person_name",
        "about",
        "changed",
        "way",
        "event",
        "sign_in",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        found: QuerySet[AuditEntry] = super().get_queryset(request)
        return found.filter(copy=False)

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """By people, who are few, and not by a walk through the text of all entries."""
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        people = User.objects.filter(Q(email__icontains=term) | Q(first_name__icontains=term))
        ids = list(people.values_list("pk", flat=True)[:100])
        return queryset.filter(Q(by_id__in=ids) | Q(person_id__in=ids)), False

    @admin.display(description=_("what happened"))
    def what(self, entry: AuditEntry) -> str:
        return words.sentence(entry)

    @admin.display(description=_("changes"))
    def changed(self, entry: AuditEntry) -> str:
        return "; ".join(words.change_text(change) for change in words.changes(entry))

    @admin.display(description=_("way"))
    def way(self, entry: AuditEntry) -> str:
        return words.way(entry)


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ("pseudonym", "person_id", "at")
    search_fields = ("pseudonym",)
    ordering = ("-at", "-id")
