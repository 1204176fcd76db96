"""Who answers the bell: RQ functions of a few lines, called by name. Ids in, one short step; the
database decides whether there is anything to do."""

from __future__ import annotations

import logging
import os
import time

import django_rq

from jobs.accounts import shared_accounts
from jobs.common import wakeup
from jobs.engine import (
    archive,
    checks,
    detect,
    dispatcher,
    expiry,
    lane_lease,
    rq_cleanup,
    stopping,
)
from studio.files import edit_queue

log = logging.getLogger("footlight.tasks")
SHIFT_SECONDS = 50.0
SHIFT = "footlight:shift:"
WANTED = "footlight:wanted:"


def shift() -> None:
    """Visit lanes for a while, then ring the next shift. A shift that dies is replaced by the
    heartbeat."""
    name = f"{SHIFT}{lane_lease.place_name()}|{os.getpid()}"
    last = 0.0

    def stop() -> bool:
        nonlocal last
        if time.monotonic() - last > 2:
            last = time.monotonic()
            wakeup.quietly(lambda: wakeup.redis().set(name, 1, ex=8))
        return stopping.requested.is_set()  # SIGTERM: end between two visits

    try:
        dispatcher.work(SHIFT_SECONDS, stop=stop)
    finally:
        wakeup.quietly(lambda: wakeup.redis().delete(name))
        wakeup.call("shifts", "shift")


def check_step(pk: int) -> None:
    detect.step(pk)


def archive_shift() -> None:
    """Bring films home, the most urgent first, until none is due."""
    archive.work(SHIFT_SECONDS, stop=stopping.requested.is_set)


def edit_step(pk: int) -> None:
    edit_queue.step(pk)


def heartbeat(shifts: int = 1) -> None:
    """Every few seconds, from the worker's supervisor: say that we live, see that a shift runs, and
    take up from the database every check and film whose bell was lost or whose worker died."""
    me = f"{WANTED}{lane_lease.place_name()}|{os.getpid()}"
    wakeup.quietly(lambda: wakeup.redis().set(wakeup.ALIVE, 1, ex=30))
    wakeup.quietly(lambda: wakeup.redis().set(me, shifts, ex=30))
    lane_lease.free_the_dead()
    wanted = wakeup.quietly(_wanted, otherwise=shifts)
    running = wakeup.quietly(
        lambda: len(list(wakeup.redis().scan_iter(f"{SHIFT}*"))), otherwise=wanted
    )
    queued = wakeup.quietly(
        lambda: len(django_rq.get_queue("shifts", connection=wakeup.redis())), otherwise=0
    )
    for _ in range(max(0, wanted - running - queued)):
        wakeup.call("shifts", "shift")
    for pk in checks.due():
        wakeup.ring_check(pk)
    for pk in edit_queue.due():
        wakeup.ring_edit(pk)
    if archive.due() and wakeup.once("archive", 5):
        wakeup.ring_archive()
    if wakeup.once("minute", 60):
        _every_minute()


def _wanted() -> int:
    """Shifts that all supervisors of the site together want to run."""
    keys = list(wakeup.redis().scan_iter(f"{WANTED}*"))
    return (
        sum(int(value) for value in wakeup.redis().mget(keys) if value is not None) if keys else 0
    )


def _every_minute() -> None:
    expiry.alarm()
    rq_cleanup.sweep()
    shared_accounts.recognise_new()
