"""Whether the worker of this process is to stop: set by SIGTERM, read by long steps, which then
end early."""

from __future__ import annotations

import threading
from types import FrameType

requested = threading.Event()


def request_stop(number: int, frame: FrameType | None) -> None:
    requested.set()
