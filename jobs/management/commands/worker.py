"""`manage.py worker`: RQ workers, and the heartbeat that keeps them busy when Redis forgot
something."""

from __future__ import annotations

import logging
import os
import time
from argparse import SUPPRESS, ArgumentParser
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError

from jobs.common import wakeup
from studio.config import private_files, redis_address, sqlite_wal
from studio.local.child import Child, StopRequested, Supervisor
from studio.local.stack import manage_command

HEARTBEAT = 3.0
TICK = 0.2
FIRST_GRACE = 12.0  # seconds a running step gets before it is told a second time
SECOND_GRACE = 3.0
log = logging.getLogger("footlight.worker")


class WorkerProcesses(Supervisor):
    """The workers of one `worker` command: all stop together, first kindly, then at once."""

    def stop(self) -> None:
        self.stopping = True
        for seconds in (FIRST_GRACE, SECOND_GRACE):
            # A second SIGTERM makes an RQ worker end its running step; everything a step does may
            # be done again.
            for child in self.children:
                child.ask_to_stop()
            end = time.monotonic() + seconds
            while (
                any(child.alive for child in self.children)
                and time.monotonic() < end
                and not self.stop_now
            ):
                time.sleep(0.03)
        for child in self.children:
            child.clear()
        self.children.clear()


class Heartbeat:
    """Calls jobs.tasks.heartbeat() every few seconds; trouble is one line in the log, and one when
    it is over."""

    def __init__(self, shifts: int) -> None:
        self.shifts = shifts
        self.due = 0.0
        self.trouble = ""

    def beat(self) -> None:
        from jobs import tasks

        if time.monotonic() < self.due:
            return
        try:
            close_old_connections()
            tasks.heartbeat(self.shifts)
        except (RedisError, DatabaseError, OSError) as error:
            kind = type(error).__name__
            if kind != self.trouble:
                log.warning(
                    "The heartbeat cannot use its database or Redis (%s: %s); it keeps trying. A "
                    "missing table wants manage.py migrate.",
                    kind,
                    str(error).splitlines()[0] if str(error) else "",
                )
            self.trouble = kind
        except Exception:
            # A bug in what is done every minute must not end the workers.
            log.exception("the heartbeat")
        else:
            if self.trouble:
                log.warning("The heartbeat is back.")
            self.trouble = ""
        self.due = time.monotonic() + HEARTBEAT


class Command(BaseCommand):
    help = (
        "Runs the workers that make videos move: sends, asks, saves. Run as many as you like "
        "on as many machines as you like."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--shifts",
            type=int,
            default=1,
            help="workers that send jobs and ask about them (default %(default)s)",
        )
        parser.add_argument(
            "--steps", type=int, default=1, help="workers for checks (default %(default)s)"
        )
        parser.add_argument(
            "--videos",
            "--films",  # its name before; the queue has it still
            dest="films",
            type=int,
            default=1,
            help="workers that bring videos home, four at a time each (default %(default)s)",
        )
        parser.add_argument(
            "--edits",
            type=int,
            default=1,
            help="workers that make videos over, one at a time each (default %(default)s)",
        )
        parser.add_argument("--queue", help=SUPPRESS)  # one of the workers itself

    def handle(self, *args: Any, **options: Any) -> None:
        if options["queue"]:
            self._run_worker(options["queue"])
            return
        numbers = {queue: options[queue] for queue in settings.QUEUES}
        if min(numbers.values()) < 0 or not any(numbers.values()):
            raise CommandError(
                "--shifts, --steps, --videos and --edits are numbers of workers; one of them must "
                "be 1 or more."
            )
        if refusal := redis_address.refusal(wakeup.redis()):
            raise CommandError(refusal)
        private_files.mend(settings.DATA_DIR)
        sqlite_wal.set_at_start()
        workers = WorkerProcesses(lambda name, line: log.warning("%s %s", name, line))
        workers.handle_signals()
        names = [(queue, n) for queue, number in numbers.items() for n in range(number)]
        heartbeat = Heartbeat(options["shifts"])
        try:
            with suppress(StopRequested):
                workers.add(
                    *(
                        Child(f"{queue}-{n + 1}", manage_command("worker", "--queue", queue))
                        for queue, n in names
                    )
                )
                while True:
                    heartbeat.beat()
                    workers.check()
                    time.sleep(TICK)
        finally:
            workers.stop()

    def _run_worker(self, queue: str) -> None:
        from jobs.engine.rq_worker import work

        if queue == "edits":
            os.nice(10)  # minutes of processor time that nobody else should wait for
        try:
            work(wakeup.queue_name(queue), preload="jobs.tasks")
        except RedisError as error:
            raise CommandError(
                f"Redis does not answer ({error}). Start `python manage.py dev`, or set REDIS_URL."
            ) from None
