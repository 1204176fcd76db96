"""What a step changed of a row, and what it left: all columns, not those that one thinks of."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


def columns(row: Model) -> dict[str, Any]:
    """Every column of the row as the database has it now."""
    return type(row)._default_manager.filter(pk=row.pk).values().get()


def changed(before: dict[str, Any], row: Model) -> dict[str, Any]:
    """The columns that are no longer as `before`, with what is in them now."""
    return {name: value for name, value in columns(row).items() if value != before[name]}
