"""Steps that real workers run in tests. `python -m tests.jobs.engine.rq_steps NOTE` is a worker
for which `archive_run` is `until_stopped(NOTE)`: nothing else than our own steps is run."""

from __future__ import annotations

import sys
import time
from functools import partial
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


if __name__ == "__main__":
    import django

    django.setup()
    from django.core.management import call_command

    from jobs import tasks

    tasks.archive_run = partial(until_stopped, sys.argv[1])
    call_command("worker", queue="steps")
