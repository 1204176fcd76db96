"""Who has a page open that follows a team, as the web processes know it and workers ask. It lives
in Redis and carries no truth: when Redis is away, nobody is known to be here."""

from __future__ import annotations

import time
from collections.abc import Iterable

from jobs.common import wakeup

HERE = f"{wakeup.SITE}here"
HERE_FOR = 45.0  # seconds after which whoever was noted may be gone


def note(people: Iterable[int]) -> None:
    """These people (ids) have a page open now."""
    now = time.time()
    found = {str(person): now for person in people}
    if not found:
        return

    def write() -> None:
        pipe = wakeup.redis().pipeline(transaction=False)
        pipe.zadd(HERE, found)
        pipe.zremrangebyscore(HERE, "-inf", now - HERE_FOR)
        pipe.execute()

    wakeup.unless_away(write)


def is_here(person: int) -> bool:
    """Whether the person had a page open within the last moments."""
    seen = wakeup.unless_away(lambda: wakeup.redis().zscore(HERE, str(person)))
    return seen is not None and time.time() - float(seen) < HERE_FOR
