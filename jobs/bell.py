"""The doorbell: Redis wakes whoever waits, and carries no truth. When Redis is away, everything still happens at the
next heartbeat, only later; so nothing here raises because of it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError

log = logging.getLogger("footlight.bell")
BELL = "footlight:bell"
EVENTS = "footlight:events:"


@lru_cache(maxsize=4)
def _redis(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=1, socket_timeout=10, health_check_interval=30)


def redis() -> Redis:
    """One client (with its pool) per process; it survives forks and reconnects by itself."""
    return _redis(settings.REDIS_URL)


def quietly(what: Callable[[], Any], otherwise: Any = None) -> Any:
    """`what()`; `otherwise` when Redis is away."""
    try:
        return what()
    except RedisError as error:
        log.debug("Redis is away: %s", error)
        return otherwise


def ring() -> None:
    """Wake one waiting shift."""

    def push() -> None:
        pipe = redis().pipeline(transaction=False)
        pipe.lpush(BELL, "1")
        pipe.ltrim(BELL, 0, 9)  # more rings than waiters mean nothing
        pipe.execute()

    quietly(push)


def ring_after_commit() -> None:
    transaction.on_commit(ring)


def wait(seconds: float) -> bool:
    """Sleep up to `seconds` or until somebody rings; True when they did."""
    if seconds <= 0:
        return False
    began = time.monotonic()
    try:
        return redis().blpop([BELL], timeout=max(0.05, min(seconds, 5.0))) is not None
    except RedisError:
        # Without the bell the clock alone goes on.
        time.sleep(max(0.0, min(seconds, 1.0) - (time.monotonic() - began)))
        return False


def once(name: str, seconds: int) -> bool:
    """True for the first caller in `seconds`. Without Redis True for everyone: doubles are harmless, silence is not."""
    return bool(quietly(lambda: redis().set(f"footlight:once:{name}", 1, nx=True, ex=seconds), otherwise=True))


def publish(team_slug: str, event: dict[str, Any]) -> None:
    quietly(lambda: redis().publish(EVENTS + team_slug, json.dumps(event)))
