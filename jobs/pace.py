"""How fast we may call: per account, shared by every process through Redis, and by this process alone without it.

CONTRACT §7 and §8: 5 submits per second and model, 20 queries per second for each of query, list and cancel. We stay
one below, since our clock and theirs cut the second at different places.
"""

from __future__ import annotations

import time
from functools import lru_cache

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

PER_SECOND = {"query": 18, "list": 18, "cancel": 18, "upload": 18}
_alone = MovingWindowRateLimiter(MemoryStorage())


@lru_cache(maxsize=4)
def _shared(url: str) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(RedisStorage(url, socket_connect_timeout=1, socket_timeout=2))


def _hit(item: RateLimitItem, *names: str) -> bool:
    try:
        return _shared(settings.REDIS_URL).hit(item, *names)
    except RedisError:
        return _alone.hit(item, *names)


def take(account_id: int, kind: str, *, model: str = "", rate: int | None = None, patience: float = 10.0) -> bool:
    """Wait for a place in this second's calls of `kind`; False when none came free within `patience` seconds."""
    allowed = max(1, (rate - 1) if rate else PER_SECOND[kind])
    item = RateLimitItemPerSecond(allowed)
    end = time.monotonic() + patience
    while not _hit(item, "footlight", kind, str(account_id), model):
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)
    return True
