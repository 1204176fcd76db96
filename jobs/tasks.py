"""RQ entry points: functions of a few lines, called by name. Ids in, one short step; the
database decides whether there is anything to do."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from django.conf import settings

from jobs.accounts import key_expiry, shared_accounts
from jobs.common import wakeup
from jobs.engine import (
    archive,
    checks,
    detect,
    dispatcher,
    expiry,
    lane_lease,
    restored,
    rq_cleanup,
    stopping,
)
from jobs.notifications import ready_mail
from jobs.orders import late_videos, retention, stored_orders, team_sweep, trash_sweep
from studio.files import edit_queue, removals
from studio.mail import queue as mail_queue
from studio.web import temporary

log = logging.getLogger("footlight.tasks")
RUN_SECONDS = 50.0
RUNNING_KEYS = f"{wakeup.SITE}shift:"
WANTED_KEYS = f"{wakeup.SITE}wanted:"


def dispatcher_run() -> None:
    """Visit lanes for a while, then enqueue the next run. A run that dies is replaced by the
    heartbeat."""
    name = f"{RUNNING_KEYS}{lane_lease.place_name()}|{os.getpid()}"
    last = 0.0

    def stop() -> bool:
        nonlocal last
        if time.monotonic() - last > 2:
            last = time.monotonic()
            wakeup.unless_away(lambda: wakeup.redis().set(name, 1, ex=8))
        return stopping.requested.is_set()  # SIGTERM: end between two visits

    try:
        dispatcher.work(RUN_SECONDS, stop=stop)
    finally:
        wakeup.unless_away(lambda: wakeup.redis().delete(name))
        wakeup.enqueue("shifts", "dispatcher_run")


def check_step(pk: int) -> None:
    detect.step(pk)


def archive_run() -> None:
    """Bring videos home, the most urgent first, until none is due."""
    archive.work(RUN_SECONDS, stop=stopping.requested.is_set)


def edit_step(pk: int) -> None:
    edit_queue.step(pk)


def mail_step(pk: int) -> None:
    mail_queue.step(pk)


def trash_run() -> None:
    """Erase what lies in the trash for longer than it is kept, and teams that were deleted; and
    move into it what is too old."""
    team_sweep.work(RUN_SECONDS / 2, stop=stopping.requested.is_set)
    retention.work(RUN_SECONDS / 2, stop=stopping.requested.is_set)
    trash_sweep.work(RUN_SECONDS, stop=stopping.requested.is_set)


def heartbeat(shifts: int = 1) -> None:
    """Every few seconds, from the worker's supervisor: say that we live, see that a
    dispatcher runs, and take up from the database every check and video whose wake-up was lost or
    whose worker died."""
    me = f"{WANTED_KEYS}{lane_lease.place_name()}|{os.getpid()}"
    wakeup.unless_away(lambda: wakeup.redis().set(wakeup.WORKER_ALIVE, 1, ex=30))
    wakeup.unless_away(lambda: wakeup.redis().set(me, shifts, ex=30))
    lane_lease.free_the_dead()
    wanted = wakeup.unless_away(_wanted, otherwise=shifts)
    running = wakeup.unless_away(
        lambda: len(list(wakeup.redis().scan_iter(f"{RUNNING_KEYS}*"))), otherwise=wanted
    )
    queued = wakeup.unless_away(lambda: len(wakeup.queue_of("shifts")), otherwise=0)
    for _ in range(max(0, wanted - running - queued)):
        wakeup.enqueue("shifts", "dispatcher_run")
    for pk in checks.due():
        wakeup.enqueue_check(pk)
    if archive.due() and wakeup.once("archive", 5):
        wakeup.enqueue_archive()
    minute = wakeup.once("minute", 60)
    if minute:
        _every_minute()
    # Last, since an error there holds up what stands below it, and nothing here is paid.
    for pk in edit_queue.due():
        wakeup.enqueue_edit(pk)
    for pk in mail_queue.due():
        wakeup.enqueue_mail(pk)
    if minute:
        mail_queue.sweep()
        due = (
            team_sweep.due().exists()
            or retention.due()
            or trash_sweep.due().exists()
            or removals.due()
        )
        if due and wakeup.once("trash", 50):
            wakeup.enqueue("steps", "trash_run")
        temporary.sweep(Path(settings.FILE_UPLOAD_TEMP_DIR))


# Queues that an older version filled name the functions like this.
shift, archive_shift = dispatcher_run, archive_run


def _wanted() -> int:
    """Dispatcher runs that all supervisors of the site together want to run."""
    keys = list(wakeup.redis().scan_iter(f"{WANTED_KEYS}*"))
    return (
        sum(int(value) for value in wakeup.redis().mget(keys) if value is not None) if keys else 0
    )


def _every_minute() -> None:
    restored.noticed()
    expiry.alarm()
    rq_cleanup.sweep()
    late_videos.settle()
    stored_orders.expire()
    shared_accounts.recognise_new()
    key_expiry.remind()
    ready_mail.run()
