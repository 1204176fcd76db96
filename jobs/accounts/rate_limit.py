"""How fast we may call: per Alibaba account, shared by every process through Redis.

CONTRACT §7 and §8: 5 submits per second and model, 20 queries per second for each of query, list
and cancel. We stay one below, since our clock and theirs cut the second at different places. When
Redis is away each process goes on alone at a quarter of the pace, so that a few of them together
still keep within it.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from jobs.catalogue import entries

PER_SECOND = {"query": 18, "list": 18, "cancel": 18, "upload": 18}
ALONE = 4  # processes that may be going on alone at once
GIVE_UP = 5.0  # seconds without another try after Redis did not answer
# Seconds between two looks at a task, at least: two a second and lane, so that an account's 20
# queries a second hold by construction.
CLOSEST = 0.5
# One visitor per lane who looks at one task at most every CLOSEST seconds: with these models that
# cannot reach the limit, so looks need not be counted in Redis.
LOOKS_NEED_IT = (
    sum(1 for model in entries.MODELS.values() if model.asynchronous) / CLOSEST
    > PER_SECOND["query"]
)
_alone = MovingWindowRateLimiter(MemoryStorage())
_away_until = 0.0


@lru_cache(maxsize=4)
def _shared(url: str) -> MovingWindowRateLimiter:
    # A page that cancels waits here too, so not for long and not twice.
    options: dict[str, Any] = {
        "socket_connect_timeout": 0.5,
        "socket_timeout": 0.5,
        "retry": Retry(NoBackoff(), 0),
    }
    return MovingWindowRateLimiter(RedisStorage(url, **options))


def _hit(allowed: int, *names: str) -> bool:
    global _away_until
    if time.monotonic() >= _away_until:
        try:
            return _shared(settings.REDIS_URL).hit(_item(allowed), *names)
        except RedisError:
            _away_until = time.monotonic() + GIVE_UP
    return _alone.hit(_item(max(1, allowed // ALONE)), *names)


def _item(allowed: int) -> RateLimitItem:
    return RateLimitItemPerSecond(allowed)


def take(
    account_id: int, kind: str, *, model: str = "", rate: int | None = None, patience: float = 10.0
) -> bool:
    """Wait for a place in this second's calls of `kind` by `Account.root_id`; False when none came
    free within `patience` seconds."""
    allowed = max(1, (rate - 1) if rate else PER_SECOND[kind])
    end = time.monotonic() + patience
    while not _hit(allowed, settings.REDIS_PREFIX, kind, str(account_id), model):
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)
    return True
