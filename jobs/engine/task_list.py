"""One question for many lanes: the service's list says in one call which tasks of an account are
running.

It says nothing about results, so it replaces the looks that find nothing new, and only where they
are many: a task that is in the list as RUNNING is running; about any other the task itself is
asked. (CONTRACT §0.5, §8.2.)
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from django.db.models import Count

from jobs.accounts import rate_limit
from jobs.accounts.clients import NoKey, client_for
from jobs.models import Account, Lane
from jobs.modelstudio import Task, WireError

# lanes of one account with something going on, from which on a list is cheaper than its looks
MANY = 3
FRESH = 1.0  # seconds that a list counts as now
REST = 30.0  # after a list that failed
RUNNING = "RUNNING"


@dataclass(slots=True)
class _Listed:
    at: float = 0.0
    running: frozenset[str] = frozenset()
    rests_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_lists: dict[int, _Listed] = {}
_lock = threading.Lock()
_busy: frozenset[int] = frozenset()
_busy_at = 0.0


def accounts_with_many_lanes() -> frozenset[int]:
    """Ids of accounts for which asking the list pays; read anew every ten seconds."""
    global _busy, _busy_at
    if not _busy_at or time.monotonic() - _busy_at > 10:
        active = (
            Lane.objects.exclude(next_visit_at=None)
            .order_by()
            .values("account_id")
            .annotate(n=Count("pk"))
            .filter(n__gte=MANY)
        )
        _busy, _busy_at = frozenset(row["account_id"] for row in active), time.monotonic()
    return _busy


def running(account: Account, task_id: str) -> Task | None:
    """The task as far as the list tells, when it is in it as running; None: ask the task itself.
    Calls out at most once per account and second and process; a list that fails only means that
    tasks are asked one by one for a while."""
    with _lock:
        listed = _lists.setdefault(account.root_id, _Listed())
    with listed.lock:
        now = time.monotonic()
        if now < listed.rests_until:
            return None
        if now - listed.at > FRESH:
            try:
                client = client_for(account)
                rate_limit.take(account.root_id, "list", patience=1.0)
                page = client.page(status=RUNNING)
            except (WireError, NoKey):
                listed.rests_until = time.monotonic() + REST
                return None
            listed.running = frozenset(
                line.task_id for line in page.lines if line.status == RUNNING
            )
            listed.at = time.monotonic()
        found = task_id in listed.running
    if not found:
        return None
    nothing: dict[str, str] = {}
    return Task(task_id, RUNNING, nothing, nothing, "", "", "", None, None, None)


def forget() -> None:
    global _busy_at
    _busy_at = 0.0
    with _lock:
        _lists.clear()
