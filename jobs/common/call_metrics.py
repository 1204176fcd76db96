"""How calls to the service went: counted in every process where they are made, added up in Redis,
shown by /metrics."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger("footlight.meters")
KEY = "footlight:meters"
FLUSH = 2.0  # seconds between two writes to Redis
FLUSH_AGAIN = 10.0  # after Redis did not answer
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # upper edges, in seconds
PATIENCE = 0.5


class Counts:
    """Counts of this process that Redis does not have yet. They are written by a thread of their
    own at most every FLUSH seconds, kept while Redis is away, and never block who counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._whole: Counter[str] = Counter()
        self._seconds: dict[str, float] = defaultdict(float)
        self._timer: threading.Timer | None = None
        self._writing = threading.Lock()

    def add(self, call: str, seconds: float, outcome: str) -> None:
        bucket = bisect_left(BUCKETS, seconds)
        with self._lock:
            self._whole[f"n|{call}|{outcome}"] += 1
            self._whole[f"b|{call}|{bucket}"] += 1
            self._seconds[f"s|{call}"] += seconds
            if self._timer is None:
                self._start(FLUSH)

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
                whole, seconds = self._whole, self._seconds
                self._whole, self._seconds = Counter(), defaultdict(float)
            if not whole:
                return True
            try:
                with redis().pipeline(transaction=True) as pipe:
                    for name, number in whole.items():
                        pipe.hincrby(KEY, name, number)
                    for name, length in seconds.items():
                        pipe.hincrbyfloat(KEY, name, length)
                    pipe.execute()
            except RedisError as error:
                log.debug("counts wait for Redis: %s", error)
                with self._lock:
                    self._whole.update(whole)
                    for name, length in seconds.items():
                        self._seconds[name] += length
                    if self._timer is None:
                        self._start(FLUSH_AGAIN)
                return False
            return True

    def forget(self) -> None:
        """After a fork: what is here was counted by the parent, which writes it; its thread does
        not live on here."""
        self.__init__()  # type: ignore[misc]


@lru_cache(maxsize=4)
def _client(url: str) -> Redis:
    return Redis.from_url(
        url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
    )


def redis() -> Redis:
    """A client that gives up soon: no number is worth waiting for."""
    return _client(settings.REDIS_URL)


_counts = Counts()
os.register_at_fork(after_in_child=_counts.forget)
atexit.register(_counts.flush)


def watch(call: str, seconds: float, outcome: str) -> None:
    """Count one request to the service; called by the wire for every one (words:
    modelstudio.client.CALLS and OUTCOMES)."""
    _counts.add(call, seconds, outcome)


def flush() -> bool:
    """Write this process's counts now: before a process ends that runs no exit handlers."""
    return _counts.flush()


def counted() -> dict[str, float]:
    """What all processes have counted since Redis was emptied: `n|call|outcome` requests,
    `b|call|i` requests that took at most BUCKETS[i] (the last i: longer) and more than the edge
    before it, `s|call` seconds. Raises RedisError."""
    flush()
    found: dict[bytes, bytes] = cast(Any, redis().hgetall(KEY))
    return {name.decode(): float(value) for name, value in found.items()}
