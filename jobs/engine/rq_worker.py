"""One RQ worker process (`manage.py worker` keeps several)."""

from __future__ import annotations

import logging
import os
import signal
from importlib import import_module
from types import FrameType
from typing import Any, cast

from django.db import connections
from django_rq import get_worker
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs.common import call_metrics
from jobs.engine import stopping


class StoppableWorker(Worker):
    """An RQ worker that comes back soon after Redis does, and tells a running step when it is time
    to leave."""

    max_connection_wait_time = 2.0
    log_job_description = False
    stop_noted = False  # SIGTERM came in the moment of a fork

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        # In the moment of the fork a SIGTERM would be lost: the parent does not know its child yet,
        # and the child still has its parent's handler. So it is noted and passed on when both are
        # ready. (A signal mask is of no use: it is of one thread, and RQ has others.)
        handler = signal.signal(signal.SIGTERM, self._note)
        try:
            super().fork_work_horse(job, queue)
        finally:
            signal.signal(signal.SIGTERM, handler)
        if self.stop_noted:
            self.stop_noted = False
            os.kill(os.getpid(), signal.SIGTERM)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.stop_noted = True

    def setup_work_horse_signals(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, stopping.request_stop)
        if self.stop_noted:
            stopping.requested.set()

    def perform_job(self, job: Job, queue: Queue) -> bool:
        try:
            return bool(super().perform_job(job, queue))
        finally:
            call_metrics.flush()  # this process ends without its exit handlers

    def handle_warm_shutdown_request(self) -> None:
        if self.horse_pid:
            self.kill_horse(sig=signal.SIGTERM)

    def set_shutdown_requested_date(self) -> None:
        """Not noted in Redis: nobody reads it, and a Redis that is away must not keep us from
        leaving."""


def work(*queues: str, preload: str, burst: bool = False) -> None:
    """Run the jobs of `queues` until SIGTERM, or with `burst` until they are empty. The module
    `preload` is imported once here instead of after every fork. redis.ConnectionError when there is
    no Redis to begin with."""
    import_module(preload)
    worker = cast(Any, get_worker)(
        *queues, worker_class=StoppableWorker, default_result_ttl=0, serializer=JSONSerializer
    )
    connections.close_all()
    for name in ("rq.worker", "rq.scheduler"):
        logging.getLogger(name).setLevel(logging.ERROR)
    worker.work(burst=burst, with_scheduler=False, logging_level="ERROR")
