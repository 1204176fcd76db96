"""Leases that last as long as their holder: short, so that a death costs seconds, and renewed while
the work goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error, close_old_connections, connection

log = logging.getLogger("footlight.leases")
LEASE = timedelta(seconds=45)
EVERY = 10.0


@contextmanager
def renewing(renew: Callable[[], object]) -> Iterator[None]:
    """Call `renew` every EVERY seconds, in a thread of its own, until the block is left. The
    caller's connection, which rested meanwhile, is then tested before its next use: what came of
    the work must not be lost because it had been cut."""
    done = threading.Event()

    def run() -> None:
        try:
            while not done.wait(EVERY):
                try:
                    renew()
                except Error as error:
                    log.warning("a lease could not be renewed: %s", error)
                    # a broken one stays broken; the next renewal makes a new one
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=run, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(5)
        check_connection()


def check_connection() -> None:
    """This thread's connection was not used while something else took its time: test it before its
    next use, and replace it when it was cut. Inside a transaction, which cannot be gone on with
    elsewhere, it stays as it is."""
    if not connection.in_atomic_block:
        close_old_connections()
