"""A hand: one RQ worker process that answers the bell (`manage.py worker` keeps several)."""

from __future__ import annotations

import logging
import signal
import threading
from importlib import import_module
from types import FrameType
from typing import Any, cast

from django.db import connections
from django_rq import get_worker
from rq import Worker

# Set in a running step when its worker is to stop; a long step such as a shift looks at it and ends early.
leaving = threading.Event()


class Hand(Worker):
    """An RQ worker that comes back soon after Redis does, and tells a running step when it is time to leave."""

    max_connection_wait_time = 2.0
    log_job_description = False

    def setup_work_horse_signals(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _leave)

    def handle_warm_shutdown_request(self) -> None:
        if self.horse_pid:
            self.kill_horse(sig=signal.SIGTERM)


def _leave(number: int, frame: FrameType | None) -> None:
    leaving.set()


def work(*queues: str) -> None:
    """Answer the bell of `queues` until told to stop. redis.ConnectionError when there is no Redis to begin with."""
    # Loaded once here instead of after every fork.
    import_module("jobs.tasks")
    hand = cast(Any, get_worker)(*queues, worker_class=Hand, default_result_ttl=0)
    connections.close_all()
    for name in ("rq.worker", "rq.scheduler"):
        logging.getLogger(name).setLevel(logging.ERROR)
    hand.work(with_scheduler=False, logging_level="ERROR")
