"""An entry in words: moments, days and sizes as who reads the page writes them."""

from __future__ import annotations

from studio.audit import words
from studio.models import AuditEntry


def said(name: str, value: object, zone: str = "Asia/Tokyo") -> str:
    entry = AuditEntry(event="file.deleted", kind="file", after={name: value})
    [change] = words.changes(entry, zone)
    return words.change_text(change)


def test_a_moment_is_on_the_clock_of_the_team() -> None:
    assert "2027" in said("ends", "2026-12-31T20:12+00:00")
    assert "2026" in said("ends", "2026-12-31T20:12+00:00", "UTC")


def test_a_day_stays_the_day_that_it_is() -> None:
    assert "T" not in said("expires_on", "2026-12-31")
    assert "31" in said("expires_on", "2026-12-31", "Pacific/Honolulu")


def test_what_only_looks_like_a_time_is_a_word() -> None:
    assert said("name", "2026-13-41") == "Name: 2026-13-41"


def test_a_file_is_given_moments_as_they_are_stored() -> None:
    assert said("ends", "2026-12-31T20:12+00:00", "") == "Ends: 2026-12-31T20:12+00:00"


def test_bytes_are_a_size() -> None:
    assert said("bytes", 3 * 1024 * 1024) == "Size: 3.0\N{NO-BREAK SPACE}MB"
