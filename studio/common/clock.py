"""The time that all processes of a site share: the database's, not that of the machine they run on.

Leases, deadlines and the windows of doubtful submits are compared across machines, so they are
told by one clock. It is asked for once a minute, and at once when this machine's clock has jumped;
between, the machine's own counter is enough. On SQLite every process is on the same machine, and
its clock is the database's.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

log = logging.getLogger("footlight.clock")
FRESH = 60.0  # seconds that a measurement is good for
JUMP = 0.5  # seconds that a clock may be put forward or back without being measured again
TOLERATED = timedelta(seconds=10)  # between any two clocks that a submit rests on
SAID = 600.0  # seconds that the Date of a service's answer is remembered
SLOW = 5.0  # seconds after which an answer no longer tells when its Date was written
TRIES = 3


@dataclass(frozen=True, slots=True)
class _Measured:
    offset: timedelta  # the database's clock minus this machine's
    at: float  # of `_counter`
    lead: float  # this machine's clock minus `_counter`, then


_measured: _Measured | None = None
_services: dict[str, tuple[float, timedelta]] = {}  # by host: when it was heard, what it was ahead
_lock = threading.Lock()


def now() -> datetime:
    """The database's time, aware. May ask the database."""
    return timezone.now() + offset()


def offset() -> timedelta:
    """How far the database's clock is ahead of this machine's. May ask the database."""
    global _measured
    if connection.vendor != "postgresql":
        return timedelta(0)
    known, counter, lead = _measured, _counter(), _lead()
    if known is None or counter - known.at > FRESH or abs(lead - known.lead) > JUMP:
        known = _measured = _Measured(_measure(), counter, lead)
        if abs(known.offset) > TOLERATED:
            log.error("this machine's clock is %s off the database's", known.offset)
    return known.offset


def _counter() -> float:
    """Seconds that go on evenly whatever happens to the clock, also while the machine sleeps."""
    which = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(which) if which is not None else time.monotonic()


def _lead() -> float:
    return time.time() - _counter()


def _measure() -> timedelta:
    """From the quickest of a few answers: half of the time it took is all that can be wrong."""
    answers: list[tuple[float, float]] = []
    for _ in range(TRIES):
        before = time.time()
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            there = float(cursor.fetchone()[0])
        took = time.time() - before
        answers.append((took, there - before - took / 2))
        if took < 0.05:
            break
    return timedelta(seconds=min(answers)[1])


# ── the services' clocks ──────────────────────────────────────────────────────────────────────────


def heard(host: str, date: datetime, took: float) -> None:
    """A service at `host` answered just now, after `took` seconds, that it is `date` there. Asks no
    database.

    A slow answer says nothing: half of the time that it took may be wrong, and clocks that agree
    would seem apart."""
    if took > SLOW:
        return
    known = _measured
    ours = datetime.now(UTC) + (known.offset if known is not None else timedelta(0))
    # The header has whole seconds, and was written while we waited.
    ahead = date + timedelta(seconds=0.5) - (ours - timedelta(seconds=took / 2))
    with _lock:
        _services[host] = (_counter(), ahead)


def ahead(host: str) -> timedelta | None:
    """How far the service's clock is ahead of the database's, by its latest answer; None when it
    has not answered this process lately."""
    with _lock:
        at, found = _services.get(host, (0.0, None))
    return found if found is not None and _counter() - at <= SAID else None


def forget() -> None:
    """Measure everything anew."""
    global _measured
    _measured = None
    with _lock:
        _services.clear()
