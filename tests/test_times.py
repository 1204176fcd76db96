"""No page writes a time or a number by itself: `when`, `written` and `figure` know the reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_house import ROOT, SOURCES

# For machines: attributes and values of fields.
MACHINE = re.compile(r'\|date:"(?:c|Y-m|Y-m-d)"')
RAW = re.compile(r"\|(?:date|time|timesince|timeuntil|naturaltime|floatformat|intcomma)\b")
WRITTEN_BY_HAND = re.compile(r"strftime|:%[dHbYm]|\bdateformat\b|defaultfilters import .*\bdate\b")
# Staff read the admin in Django's own format.
LATER = ("templates/admin/",)
BY_MACHINES = (
    "jobs/pages/board/many_views.py",
    "jobs/pages/spending/csv_export.py",
    "jobs/pages/spending/views.py",  # names of files and addresses
    "studio/teams/audit_views.py",  # the CSV file
    "studio/common/reader.py",
    "studio/common/translatable.py",
)


def raw(template: str) -> list[str]:
    return RAW.findall(MACHINE.sub("", template))


def test_no_template_writes_a_time_or_a_number_by_itself() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {found}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        if not str(path.relative_to(ROOT)).startswith(LATER)
        if (found := raw(path.read_text()))
    ] == []


def pages() -> list[Path]:
    return [
        path
        for path in SOURCES
        if str(path.relative_to(ROOT)).startswith(("jobs/pages/", "studio/teams/", "studio/files/"))
        and not str(path.relative_to(ROOT)).startswith(LATER)
        and str(path.relative_to(ROOT)) not in BY_MACHINES
    ]


def test_no_page_writes_a_time_by_itself() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {found}"
        for path in pages()
        if (found := WRITTEN_BY_HAND.findall(path.read_text()))
    ] == []


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ('{{ at|date:"j M" }}', 1),
        ('<input value="{{ month|date:"Y-m" }}">', 0),
        ("{{ n|floatformat:1 }}", 1),
        ('{% when at "day" %}{{ at|written:"time" }}', 0),
    ],
)
def test_raw_filters_are_found(template: str, found: int) -> None:
    assert len(raw(template)) == found
