"""Rows of the board in HTML, kept as they were drawn.

Drawing a row takes longer than reading its job. A row knows no role and no "ago", so one serves
everybody, for as long as it says the same.
"""

from __future__ import annotations

import hashlib

from django.core.cache import caches
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from jobs.pages.board.job_row import JobRow
from studio.common.reader import reader
from studio.models.people import User

ROW_SECONDS = 24 * 3600
OPEN_SECONDS = 300  # what is open changes soon
# Apart from what is counted there, such as tries of passwords, which rows must not push out.
rows_cache = caches["fragments"]
TEMPLATES = {"list": "jobs/board/parts/job_row.html", "gallery": "jobs/board/parts/job_card.html"}


def row_html(view: str, context: dict[str, object]) -> SafeString:
    """A row or card without the spaces that only who writes templates needs."""
    return SafeString(" ".join(render_to_string(TEMPLATES[view], context).split()))


def drawn_open(rows: list[JobRow], user: User) -> dict[int, SafeString]:
    """Job id → its row in HTML, as `user` sees it. A row that says what one said before is not
    drawn again."""
    keys, drawn = {}, {}
    for row in rows:
        if row.service_time is not None:  # it says another second each time
            drawn[row.pk] = row_html("list", {"row": row, "reader": user.pk, "ticks": True})
            continue
        about = (row, row.owner_id == user.pk, get_language(), reader().key)
        digest = hashlib.sha256(repr(about).encode()).hexdigest()[:32]
        keys[row.pk] = f"board-open:{row.pk}:{digest}"
    known: dict[str, SafeString] = rows_cache.get_many(list(keys.values()))
    new = {
        keys[row.pk]: row_html("list", {"row": row, "reader": user.pk, "ticks": True})
        for row in rows
        if row.pk in keys and keys[row.pk] not in known
    }
    if new:
        rows_cache.set_many(new, OPEN_SECONDS)
        known |= new
    return drawn | {pk: known[key] for pk, key in keys.items()}
