"""How often an account may call (CONTRACT §7, §8): a sliding second per key, as strict as the
service says it is."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Hashable


class RateLimit:
    """At most `rate` calls of one key within any `window` seconds."""

    def __init__(self, window: float) -> None:
        self.window = window
        self._lock = threading.Lock()
        self._calls: dict[Hashable, deque[float]] = defaultdict(deque)

    def allows(self, key: Hashable, rate: int) -> bool:
        """True, and the call is counted; False when the window is full (a refused call is not
        counted)."""
        now = time.monotonic()
        with self._lock:
            calls = self._calls[key]
            while calls and calls[0] <= now - self.window:
                calls.popleft()
            if len(calls) >= rate:
                return False
            calls.append(now)
            return True
