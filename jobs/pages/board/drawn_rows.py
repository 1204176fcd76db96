"""Rows of the board in HTML, kept as they were drawn.

Drawing a row takes longer than reading its job. A row knows no role and no "ago", so one serves
everybody, for as long as it says the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping

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


def key_of(what: str, pk: int, *about: object) -> str:
    """The key of what is drawn of job `pk`: all that it says, in the reader's language, zone and
    region."""
    said = (*about, get_language(), reader().key)
    return f"board-{what}:{pk}:{hashlib.sha256(repr(said).encode()).hexdigest()[:32]}"


def cached_rows(
    keys: Mapping[int, str], draw: Callable[[list[int]], Mapping[int, SafeString]], seconds: int
) -> dict[int, SafeString]:
    """Job id → what is drawn of it. `draw` is asked for those that are not kept under their key."""
    known: dict[str, SafeString] = rows_cache.get_many(list(keys.values()))
    found = {pk: known[key] for pk, key in keys.items() if key in known}
    if missing := [pk for pk in keys if pk not in found]:
        new = draw(missing)
        rows_cache.set_many({keys[pk]: html for pk, html in new.items()}, seconds)
        found |= new
    return found


def drawn_open(rows: list[JobRow], user: User) -> dict[int, SafeString]:
    """Job id → its row in HTML, as `user` sees it. A row that says what one said before is not
    drawn again."""
    by_pk = {row.pk: row for row in rows}

    def draw(some: Iterable[int]) -> dict[int, SafeString]:
        return {
            pk: row_html("list", {"row": by_pk[pk], "reader": user.pk, "ticks": True})
            for pk in some
        }

    # One that renders says another second each time.
    passing = [row.pk for row in rows if row.service_time is not None]
    keys = {
        row.pk: key_of("open", row.pk, row, row.owner_id == user.pk)
        for row in rows
        if row.service_time is None
    }
    return draw(passing) | cached_rows(keys, draw, OPEN_SECONDS)
