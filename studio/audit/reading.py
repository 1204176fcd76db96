"""A page of the trail, found by index: it costs the same whatever stands before and behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet

from studio.common import time_zones
from studio.models.audit import AuditEntry


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of or about the person with this id, of this kind, on these days of the time
    zone (both included)."""

    person: int | None = None
    kind: str = ""
    since: date | None = None
    until: date | None = None
    time_zone: str = "UTC"


def page(
    entries: QuerySet[AuditEntry], wanted: Wanted, size: int, before: AuditEntry | None = None
) -> list[AuditEntry]:
    """The newest `size` of `entries` that are `wanted`, older than `before`."""
    found = _narrowed(entries, wanted, before).order_by("-at", "-id")
    if wanted.person is None:
        return list(found[:size])
    # Who did it and whom it concerns have an index each; both at once would have none.
    rows = {
        row.pk: row
        for some in (found.filter(by_id=wanted.person), found.filter(person_id=wanted.person))
        for row in some[:size]
    }
    return sorted(rows.values(), key=lambda row: (row.at, row.pk), reverse=True)[:size]


def portions(
    entries: QuerySet[AuditEntry], wanted: Wanted, size: int
) -> Iterator[list[AuditEntry]]:
    """All of them, newest first, `size` at a time."""
    before: AuditEntry | None = None
    while some := page(entries, wanted, size, before):
        yield some
        before = some[-1]


def _narrowed(
    entries: QuerySet[AuditEntry], wanted: Wanted, before: AuditEntry | None
) -> QuerySet[AuditEntry]:
    if wanted.kind:
        entries = entries.filter(kind=wanted.kind)
    if wanted.since is not None:
        entries = entries.filter(at__gte=_midnight(wanted, wanted.since))
    if wanted.until is not None and wanted.until < date.max:
        entries = entries.filter(at__lt=_midnight(wanted, wanted.until + timedelta(days=1)))
    if before is not None:
        # The first condition is what an index begins at.
        entries = entries.filter(at__lte=before.at)
        entries = entries.filter(Q(at__lt=before.at) | Q(id__lt=before.pk))
    return entries


def _midnight(wanted: Wanted, day: date) -> datetime:
    return datetime.combine(day, time(), time_zones.zone(wanted.time_zone))
