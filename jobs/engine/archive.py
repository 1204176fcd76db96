"""Bring finished videos home before the service deletes its copy after 24 h (CONTRACT §8): which
threads do it, and one video from its lease to the end.

A video is leased on its job's row (`archive_lease`), downloaded and proven (`result_download`), and
tried again with growing pauses until it is stored or gone (`archive_retry`). Everything may run
twice: storing is by content and the move is a compare-and-swap.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from django.db import DatabaseError, close_old_connections, connection

from jobs import download
from jobs.common.errors import Moved
from jobs.engine.archive_lease import Lease, ready
from jobs.engine.archive_retry import again
from jobs.engine.result_download import Trouble, fetch_and_prove, folder, store, sweep
from jobs.models import Job
from studio.common import clock
from studio.common.leases import check_connection, renewing
from studio.common.translatable import phrase

log = logging.getLogger("footlight.archive")
T = TypeVar("T")
GRACE = 30.0  # seconds that videos under way may go on when the time of `work` is over


def due() -> list[int]:
    """Jobs whose video should be fetched now: never begun, put off until now, or whose worker died;
    nearest expiry first."""
    return list(ready(clock.now()).values_list("pk", flat=True)[:200])


def work(seconds: float, *, threads: int = 4, stop: Callable[[], bool] | None = None) -> int:
    """Bring videos home, `threads` at a time, until none is due or `seconds` are over; returns how
    many are home now.

    Any number of processes may do this at once. When `stop` says so, or GRACE seconds after the
    time is over, downloads are put back where they are, to be gone on with; a video that is being
    proven or stored is finished.
    """
    end = time.monotonic() + seconds
    _or_none(sweep)
    leave = threading.Event()
    running: set[Future[bool]] = set()
    home = 0
    with ThreadPoolExecutor(threads, thread_name_prefix="archive") as pool:
        while True:
            now = time.monotonic()
            if (stop is not None and stop()) or now > end + GRACE:
                leave.set()
            lease = (
                _or_none(Lease.take_most_urgent)
                if len(running) < threads and now < end and not leave.is_set()
                else None
            )
            if lease is not None:
                running.add(pool.submit(_in_thread, lease, leave.is_set))
                continue
            if not running:
                return home
            done, running = wait(running, timeout=0.25, return_when=FIRST_COMPLETED)
            home += sum(future.result() for future in done)


def _or_none(what: Callable[[], T]) -> T | None:
    """`what()`; None when the database is away, which must not end the videos under way."""
    try:
        return what()
    except DatabaseError as error:
        log.warning("archive: %s", error)
        connection.close()
        return None


def _in_thread(lease: Lease, stop: Callable[[], bool]) -> bool:
    close_old_connections()
    try:
        return _bring(lease, stop)
    except Exception:
        # Mostly the database: the lease runs out, and what was fetched is there for whoever comes
        # next.
        log.exception("archive of job %s", lease.pk)
        return False
    finally:
        connection.close()


def step(pk: int) -> bool:
    """Bring the video of job `pk` home if it is due and nobody else is at it; True when it is home
    now."""
    lease = Lease.take(pk)
    return lease is not None and _bring(lease, lambda: False)


def _bring(lease: Lease, stop: Callable[[], bool]) -> bool:
    job = Job.objects.select_related("team", "owner", "account", "lane").get(pk=lease.pk)
    part = download.PartialFile(folder() / f"{job.public_id}.part")
    try:
        trouble = _try(job, lease, part, stop)
        if trouble is not None:
            again(job, lease, trouble)
        return trouble is None
    except (download.Stopped, download.AlreadyFetching) as error:
        log.info("job %s: %s", job.public_id, error)
        with suppress(Moved):
            lease.give_back(
                not_before=clock.now() + timedelta(seconds=5)
                if isinstance(error, download.AlreadyFetching)
                else None
            )
    except Moved as moved:
        log.info("%s", moved)
    return False


def _try(
    job: Job, lease: Lease, part: download.PartialFile, stop: Callable[[], bool]
) -> Trouble | None:
    """What is in the way; None when the video is home. Moved, Stopped, AlreadyFetching,
    DatabaseError."""
    try:
        with renewing(lease.renew), part.locked():
            trouble = fetch_and_prove(job, part, lambda: lease.lost or stop())
            check_connection()
            trouble = trouble or store(job, part)
            if trouble is None or trouble.kind == "content":
                part.delete()
            return trouble
    except download.DiskFull as error:
        return Trouble("disk", error.sentence)
    except (Moved, download.Stopped, download.AlreadyFetching, DatabaseError):
        raise
    except Exception as error:
        log.exception("archive of job %s", job.public_id)
        return Trouble(
            "ours", phrase("The video could not be fetched (%(name)s).", name=type(error).__name__)
        )
