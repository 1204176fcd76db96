"""CSV files that a spreadsheet opens without running anything in them, sent while they are made."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse


def text_cell(value: object) -> str:
    """`value` as text that no spreadsheet takes for a formula: one that could begin one gets an
    apostrophe in front."""
    text = str(value if value is not None else "")
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text


class _Echo:
    """What csv.writer writes into: gives every line back at once."""

    def write(self, line: str) -> str:
        return line


def lines_of(columns: Sequence[str], rows: Iterable[Sequence[Sequence[str]]]) -> Iterator[str]:
    """The head, then the lines of each portion of `rows` together. Between two portions nothing
    needs to stay open: they may be asked for on different threads."""
    writer = csv.writer(_Echo())
    yield str(writer.writerow(columns))
    for portion in rows:
        yield "".join(str(writer.writerow(row)) for row in portion)


def csv_response(lines: Iterator[str], filename: str) -> StreamingHttpResponse:
    """`lines` as a download, UTF-8; `filename` is made of our own words and the team's address."""
    headers = {
        "Content-Disposition": f'attachment; filename="{filename}"',
        "Cache-Control": "private, no-store",
    }
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
