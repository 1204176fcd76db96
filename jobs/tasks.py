"""Who answers the bell: RQ functions of a few lines, called by name. Ids in, one short step; the database decides whether there is
anything to do."""

from __future__ import annotations

import logging
import os
import time

import django_rq

from jobs import archive, bell, checks, lanes, registries, shifts, twins
from jobs.hand import leaving
from studio import edits

log = logging.getLogger("footlight.tasks")
SHIFT_SECONDS = 50.0
SHIFT = "footlight:shift:"
WANTED = "footlight:wanted:"


def shift() -> None:
    """Visit lanes for a while, then ring the next shift. A shift that dies is replaced by the heartbeat."""
    name = f"{SHIFT}{lanes.place_name()}|{os.getpid()}"
    last = 0.0

    def stop() -> bool:
        nonlocal last
        if time.monotonic() - last > 2:
            last = time.monotonic()
            bell.quietly(lambda: bell.redis().set(name, 1, ex=8))
        return leaving.is_set()  # SIGTERM: end between two visits

    try:
        shifts.work(SHIFT_SECONDS, stop=stop)
    finally:
        bell.quietly(lambda: bell.redis().delete(name))
        bell.call("shifts", "shift")


def check_step(pk: int) -> None:
    checks.step(pk)


def archive_shift() -> None:
    """Bring films home, the most urgent first, until none is due."""
    archive.work(SHIFT_SECONDS, stop=leaving.is_set)


def edit_step(pk: int) -> None:
    edits.step(pk)


def heartbeat(shifts: int = 1) -> None:
    """Every few seconds, from the worker's supervisor: say that we live, see that a shift runs, and take up from the
    database every check and film whose bell was lost or whose worker died."""
    me = f"{WANTED}{lanes.place_name()}|{os.getpid()}"
    bell.quietly(lambda: bell.redis().set(bell.ALIVE, 1, ex=30))
    bell.quietly(lambda: bell.redis().set(me, shifts, ex=30))
    lanes.free_the_dead()
    wanted = bell.quietly(_wanted, otherwise=shifts)
    running = bell.quietly(lambda: len(list(bell.redis().scan_iter(f"{SHIFT}*"))), otherwise=wanted)
    queued = bell.quietly(lambda: len(django_rq.get_queue("shifts", connection=bell.redis())), otherwise=0)
    for _ in range(max(0, wanted - running - queued)):
        bell.call("shifts", "shift")
    for pk in checks.due():
        bell.ring_check(pk)
    for pk in edits.due():
        bell.ring_edit(pk)
    if archive.due() and bell.once("archive", 5):
        bell.ring_archive()
    if bell.once("minute", 60):
        _every_minute()


def _wanted() -> int:
    """Shifts that all supervisors of the site together want to run."""
    keys = list(bell.redis().scan_iter(f"{WANTED}*"))
    return sum(int(value) for value in bell.redis().mget(keys) if value is not None) if keys else 0


def _every_minute() -> None:
    archive.alarm()
    registries.sweep()
    twins.recognise_new()
