"""What a check of the whole site found."""

from __future__ import annotations

from typing import Any

from django.db import connection

from jobs.billing import append_only, balances
from jobs.engine import invariants

PATHS: dict[str, tuple[str, ...]] = {
    "queued": ("queued",),
    "submitting": ("queued", "submitting"),
    "uncertain": ("queued", "submitting", "uncertain"),
    "running": ("queued", "submitting", "running"),
    "archiving": ("queued", "submitting", "running", "archiving"),
    "succeeded": ("queued", "submitting", "running", "archiving", "succeeded"),
    "failed": ("queued", "submitting", "running", "failed"),
    "canceled": ("queued", "canceled"),
}


def only(*parts: str) -> str:
    """The one broken sentence; it must say all of `parts`."""
    found = invariants.broken()
    assert len(found) == 1, found
    for part in parts:
        assert part in found[0]
    return found[0]


def raw(sql: str, *values: Any, recount: bool = True) -> None:
    """Past the guard of the ledger, and with balances that fit what is left: the sums of what is
    wrong are right."""
    append_only.unprotect(connection)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
    append_only.protect(connection)
    if recount:
        balances.recount()
