"""The bell: RQ functions of a few lines. Ids in, one short step; the database decides whether there is anything to do."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

import django_rq

from jobs import archive, bell, checks, lanes, shifts
from jobs.hand import leaving
from studio import edits

log = logging.getLogger("footlight.tasks")
SHIFT_SECONDS = 50.0
FAILURES_KEPT = 86400  # seconds; RQ's own default is a year
ALIVE = "footlight:alive"
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
        _enqueue("shifts", shift)


def check_step(pk: int) -> None:
    checks.step(pk)


def archive_shift() -> None:
    """Bring films home, the most urgent first, until none is due."""
    archive.work(SHIFT_SECONDS, stop=leaving.is_set)


def ring_check(pk: int) -> None:
    if bell.once(f"check:{pk}", 5):
        _enqueue("steps", check_step, pk)


def edit_step(pk: int) -> None:
    edits.step(pk)


def ring_edit(pk: int) -> None:
    """A video is made over in minutes of processor time, so it has a line of its own, in which no film and no check waits behind it."""
    if bell.once(f"edit:{pk}", 5):
        _enqueue("edits", edit_step, pk)


def ring_archive() -> None:
    _enqueue("films", archive_shift)


def heartbeat(shifts: int = 1) -> None:
    """Every few seconds, from the worker's supervisor: say that we live, see that a shift runs, and take up from the
    database every check and film whose bell was lost or whose worker died."""
    me = f"{WANTED}{lanes.place_name()}|{os.getpid()}"
    bell.quietly(lambda: bell.redis().set(ALIVE, 1, ex=30))
    bell.quietly(lambda: bell.redis().set(me, shifts, ex=30))
    lanes.free_the_dead()
    wanted = bell.quietly(_wanted, otherwise=shifts)
    running = bell.quietly(lambda: len(list(bell.redis().scan_iter(f"{SHIFT}*"))), otherwise=wanted)
    queued = bell.quietly(lambda: len(django_rq.get_queue("shifts", connection=bell.redis())), otherwise=0)
    for _ in range(max(0, wanted - running - queued)):
        _enqueue("shifts", shift)
    for pk in checks.due():
        ring_check(pk)
    for pk in edits.due():
        ring_edit(pk)
    if archive.due() and bell.once("archive", 5):
        ring_archive()
    if bell.once("minute", 60):
        _every_minute()


def _wanted() -> int:
    """Shifts that all supervisors of the site together want to run."""
    keys = list(bell.redis().scan_iter(f"{WANTED}*"))
    return sum(int(value) for value in bell.redis().mget(keys) if value is not None) if keys else 0


def _every_minute() -> None:
    from jobs import registries, twins

    archive.alarm()
    registries.sweep()
    twins.recognise_new()


def alive() -> bool:
    """A worker's supervisor said so in the last seconds."""
    return bool(bell.quietly(lambda: bell.redis().exists(ALIVE), otherwise=0))


def _enqueue(queue: str, function: Callable[..., None], *args: int) -> None:
    # On the bell's connection, whose time-outs are short; the heartbeat finds the row when it was not rung.
    def ring() -> None:
        django_rq.get_queue(queue, connection=bell.redis()).enqueue(function, *args, result_ttl=0, failure_ttl=FAILURES_KEPT)

    bell.quietly(ring)
