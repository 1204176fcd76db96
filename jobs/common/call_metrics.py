"""How calls to the service went: counted in every process where they are made, added up in Redis,
shown by /metrics. Why not by prometheus_client's own files: docs/decisions/0020-call-metrics.md."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from bisect import bisect_left
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger("footlight.call_metrics")
KEY = f"{settings.REDIS_PREFIX}:calls"  # a hash in Redis
FLUSH = 2.0  # seconds between two writes to Redis
FLUSH_AGAIN = 10.0  # after Redis did not answer
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # upper edges, in seconds
TIMEOUT = 0.5  # seconds that a write or a read may take


class Counts:
    """Counts of this process that Redis does not have yet. They are written by a thread of their
    own at most every FLUSH seconds, kept while Redis is away, and never block who counts."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Nothing counted. Also after a fork: what is here was counted by the parent, which writes
        it; its thread does not live on in the child."""
        self._lock = threading.Lock()
        self._unwritten: dict[str, float] = {}
        self._timer: threading.Timer | None = None
        self._writing = threading.Lock()

    def add(self, numbers: dict[str, float], write_in: float = FLUSH) -> None:
        with self._lock:
            for name, number in numbers.items():
                self._unwritten[name] = self._unwritten.get(name, 0) + number
            if self._timer is None:
                self._start(write_in)

    def _start(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self.flush)
        self._timer.daemon = True
        self._timer.start()

    def flush(self) -> bool:
        """Add what was counted to Redis; False when that was not possible, and everything is kept
        for the next time."""
        with self._writing:
            with self._lock:
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
                numbers, self._unwritten = self._unwritten, {}
            try:
                _write(numbers)
            except RedisError as error:
                log.debug("counts wait for Redis: %s", error)
                self.add(numbers, FLUSH_AGAIN)
                return False
            return True


def _write(numbers: dict[str, float]) -> None:
    """All of `numbers` or none of them. Raises RedisError."""
    if numbers:
        with redis().pipeline(transaction=True) as pipe:
            for name, number in numbers.items():
                pipe.hincrbyfloat(KEY, name, number)
            pipe.execute()


@lru_cache(maxsize=4)
def _client(url: str) -> Redis:
    return Redis.from_url(
        url, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
    )


def redis() -> Redis:
    """A client that gives up soon: no number is worth waiting for."""
    return _client(settings.REDIS_URL)


_counts = Counts()
os.register_at_fork(after_in_child=_counts.reset)
atexit.register(_counts.flush)


def record(call: str, seconds: float, outcome: str) -> None:
    """Count one request to the service; the client calls it for every one (words:
    modelstudio.outcomes.CALLS and OUTCOMES)."""
    bucket = bisect_left(BUCKETS, seconds)
    _counts.add({f"n|{call}|{outcome}": 1, f"b|{call}|{bucket}": 1, f"s|{call}": seconds})


def flush() -> bool:
    """Write this process's counts now: before a process ends that runs no exit handlers."""
    return _counts.flush()


def totals() -> dict[str, float]:
    """What all processes have counted since Redis was emptied: `n|call|outcome` requests,
    `b|call|i` requests that took at most BUCKETS[i] (the last i: longer) and more than the edge
    before it, `s|call` seconds. Raises RedisError."""
    flush()
    found: dict[bytes, bytes] = cast(Any, redis().hgetall(KEY))
    return {name.decode(): float(value) for name, value in found.items()}
