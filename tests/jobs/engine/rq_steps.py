"""Steps that real workers run in tests."""

from __future__ import annotations

import time
from pathlib import Path

from jobs.common import call_metrics
from jobs.engine import stopping


def until_stopped(note: str) -> None:
    """Goes on until its worker is to leave, then takes a moment to end well."""
    call_metrics.record("query", 0.2, "ok")
    Path(note).write_text("began")
    if stopping.requested.wait(30):
        time.sleep(0.3)
        Path(note).write_text("ended well")
