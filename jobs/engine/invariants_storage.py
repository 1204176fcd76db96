"""The invariant of what is stored: limits of storage are asked of running sums, so these must be
the sums of the files."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.engine.invariant_tally import Tally
from studio.models import Team, usage


def storage_is_counted(tally: Tally) -> Iterator[str]:
    """What a team and a person store is the sum of their files, in bytes and in number."""
    for whose, stored_bytes, files in usage.lacking():
        tally.seen += 1
        if not stored_bytes and not files:
            continue
        kind = "team" if isinstance(whose, Team) else "person"
        yield (
            f"What {kind} {whose.pk} stores lacks {stored_bytes:+} bytes, {files:+} files of its "
            "files (manage.py recount)."
        )
