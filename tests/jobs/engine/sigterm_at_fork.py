"""What an RQ worker does with a SIGTERM around the fork, each in a process of its own: `python -m
tests.jobs.engine.sigterm_at_fork parent|child`.

Signals belong to a process, and the one that runs the tests has other things to do with them.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import django

from jobs.engine import stopping


def until(what: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def parent() -> None:
    """A SIGTERM in the moment of the fork waits until the child is known, and comes once."""
    from rq import Worker

    from jobs.engine import rq_worker

    worker = object.__new__(rq_worker.StoppableWorker)
    worker._horse_pid = 0
    heard: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(worker._horse_pid))

    def fork(self: Any, job: Any, queue: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        until(lambda: self.stop_noted)
        self._horse_pid = 4711

    Worker.fork_work_horse = fork  # type: ignore[method-assign]
    worker.fork_work_horse(None, None)  # type: ignore[arg-type]
    until(lambda: heard)
    assert heard == [4711], heard
    Worker.fork_work_horse = lambda self, job, queue: None  # type: ignore[method-assign]
    worker.fork_work_horse(None, None)  # type: ignore[arg-type]
    assert heard == [4711], heard


def child() -> None:
    """The child hears what came before its handlers stood."""
    from jobs.engine import rq_worker

    worker = object.__new__(rq_worker.StoppableWorker)
    signal.signal(signal.SIGTERM, worker._note)  # as around the fork
    os.kill(os.getpid(), signal.SIGTERM)
    until(lambda: worker.stop_noted)
    assert not stopping.requested.is_set()
    worker.setup_work_horse_signals()
    assert stopping.requested.is_set()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    django.setup()
    {"parent": parent, "child": child}[sys.argv[1]]()
