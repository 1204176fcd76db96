"""Steps that real workers run in tests."""

from __future__ import annotations

import time
from pathlib import Path

from jobs import meters
from jobs.hand import leaving


def until_told(note: str) -> None:
    """Goes on until its worker is to leave, then takes a moment to end well."""
    meters.watch("query", 0.2, "ok")
    Path(note).write_text("began")
    if leaving.wait(30):
        time.sleep(0.3)
        Path(note).write_text("ended well")
