"""The ledger of a month as a CSV file that a spreadsheet opens without running anything in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.translation import gettext

from jobs.models import Job, LedgerEntry
from studio.common.csv_files import csv_response, lines_of, text_cell

AT_ONCE = 1000  # entries
COLUMNS = (
    "entry",
    "time (UTC)",
    "month",
    "kind",
    "attempt",
    "person",
    "about",
    "name",
    "id",
    "model",
    "variant",
    "units",
    "unit",
    "price per unit",
    "reserved",
    "charged",
    "currency",
    "note",
)


def amount_cell(micros: int | None) -> str:
    """Millionths as a plain number with six decimals, such as -0.472500; a number, so that sums
    work."""
    return "" if micros is None else f"{Decimal(micros) / 1_000_000:.6f}"


def _title(job: Job) -> str:
    """The same words for what lies in the trash as for what is erased of it."""
    return gettext("Deleted video") if job.deleted else str(job.title)


def _row(entry: LedgerEntry) -> list[str]:
    subject = entry.job or entry.check_asked
    about, name = (
        ("job", _title(entry.job)) if entry.job else ("check", "") if subject else ("", "")
    )
    if entry.job and entry.job.adopted:
        about = "imported job"
    price = entry.price
    return [
        str(entry.pk),
        entry.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        f"{entry.month:%Y-%m}",
        text_cell(entry.get_kind_display()),
        str(entry.attempt),
        text_cell(entry.member.email if entry.member else ""),
        about,
        text_cell(name),
        text_cell(subject.public_id if subject else ""),
        text_cell(entry.model),
        text_cell(price.variant if price else ""),
        f"{entry.units:f}" if entry.units is not None else "",
        text_cell(price.unit if price else ""),
        amount_cell(price.micros if price else None),
        amount_cell(entry.held),
        amount_cell(entry.settled),
        entry.currency,
        text_cell(entry.note),
    ]


def csv_of(entries: QuerySet[LedgerEntry], filename: str) -> StreamingHttpResponse:
    """`entries`, oldest first, streamed as UTF-8; `filename` is made of our own words and the
    team's address.

    They are asked for AT_ONCE at a time: between two blocks of the answer, which may be on
    different threads, nothing stays open in the database.
    """
    rows = entries.select_related("member", "job", "check_asked", "price").order_by("id")

    def portions() -> Iterator[list[list[str]]]:
        last = 0
        while some := list(rows.filter(pk__gt=last)[:AT_ONCE]):
            yield [_row(entry) for entry in some]
            last = some[-1].pk

    return csv_response(lines_of(COLUMNS, portions()), filename)
