"""Lanes: claimed for one visitor at a time, with a window of tasks that may be out.

A claim is a lease on the lane's row that names host and process. One visitor at a time means that
order and limits hold by construction. On PostgreSQL claims pass over rows that another run is
claiming (SKIP LOCKED); everywhere they are a compare-and-swap, so any number of dispatchers on any
number of machines share the lanes. `fair_share` says whose turn it is, `lane_visit` what a visit
does, `dispatcher` who makes them.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, Min, OuterRef, Prefetch, Q

from jobs.catalogue import entries
from jobs.models import Account, ApiKey, Lane
from studio.common import clock

log = logging.getLogger("footlight.lane_lease")
LEASE = timedelta(seconds=60)
BATCH = 100
# The first tells one start of one kernel from all others; the second tells apart what shares it.
_MACHINE = ("/proc/sys/kernel/random/boot_id", "/etc/machine-id")


def place_name() -> str:
    """This start of this machine and, inside containers, this set of process numbers: a pid means
    something only there.

    Host names are given twice, images carry their machine-id along, and the number of a pid
    namespace is the same on every host; the boot-id is not. A place of before a restart, or of an
    older version's form, is another one: its leases run out.
    """
    marks = [socket.gethostname(), *(_read(path) for path in _MACHINE)]
    if not marks[1]:  # not Linux; without hardware it is made up, and then every process is alone
        marks.append(f"{uuid.getnode():x}")
    try:
        marks.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        marks.append("")
    host = re.sub(r"[^A-Za-z0-9.-]", "-", marks[0])[:24]
    return f"{host}:{hashlib.sha256('|'.join(marks).encode()).hexdigest()[:24]}"


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read(100).strip()
    except (OSError, ValueError):
        return ""


def token() -> str:
    return f"{place_name()}|{os.getpid()}|{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True, slots=True)
class ClaimedLane:
    """A lane that is leased to us, read with account, team and keys. `shared`: another row of the
    same Alibaba account uses it too, so its jobs may call with that row's key."""

    lane: Lane
    shared: bool = False


def claim(limit: int = BATCH) -> list[ClaimedLane]:
    """Lanes that are due and visited by nobody, now leased to us, with account, team and keys; each
    lane is in one claim only."""
    now = clock.now()
    due = _free(now) & Q(next_visit_at__lte=now)
    mine = token()
    if connection.features.has_select_for_update_skip_locked:
        with transaction.atomic():
            rows = (
                Lane.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(due)
                .order_by("next_visit_at")
            )
            ids = list(rows.values_list("pk", flat=True)[:limit])
            taken = (
                Lane.objects.filter(pk__in=ids).update(lease_until=now + LEASE, lease_token=mine)
                if ids
                else 0
            )
    else:
        ids = list(
            Lane.objects.filter(due).order_by("next_visit_at").values_list("pk", flat=True)[:limit]
        )
        # The condition stands again in the UPDATE: whoever commits first has the lane.
        taken = (
            Lane.objects.filter(due, pk__in=ids).update(lease_until=now + LEASE, lease_token=mine)
            if ids
            else 0
        )
    if not taken:
        return []
    keys = Prefetch("account__keys", queryset=ApiKey.objects.defer("secret"))
    others = Account.objects.filter(same_as=OuterRef("account"))
    lanes = Lane.objects.filter(pk__in=ids, lease_token=mine).select_related(
        "account", "account__team", "account__pause_set_by", "pause_set_by"
    )
    found = lanes.prefetch_related(keys).annotate(shared=Exists(others)).order_by("next_visit_at")
    return [ClaimedLane(lane, lane.shared) for lane in found]


def _free(now: datetime) -> Q:
    """Visited by nobody, and of a model that this process knows: another version may run beside
    it."""
    return (Q(lease_until=None) | Q(lease_until__lt=now)) & Q(model__in=list(entries.MODELS))


def until_due() -> float:
    """Seconds until the next lane that nobody visits is due; at most 1."""
    now = clock.now()
    first = Lane.objects.filter(_free(now), next_visit_at__isnull=False).aggregate(
        first=Min("next_visit_at")
    )["first"]
    return 1.0 if first is None else min(1.0, max(0.0, (first - now).total_seconds()))


def renew(lane: Lane, length: timedelta = LEASE) -> bool:
    """Make our lease last for `length` from now; False when it is no longer ours and the visit must
    end."""
    return bool(
        Lane.objects.filter(pk=lane.pk, lease_token=lane.lease_token).update(
            lease_until=clock.now() + length
        )
    )


def free_the_dead() -> int:
    """Take back leases of processes of this machine that are no more, so that a kill costs seconds
    and not a lease."""
    freed = 0
    here = place_name()
    for pk, name in Lane.objects.filter(
        lease_until__gt=clock.now(), lease_token__startswith=f"{here}|"
    ).values_list("pk", "lease_token"):
        pid = name.rsplit("|", 2)[1]
        if pid.isdigit() and not _alive(int(pid)):
            freed += Lane.objects.filter(pk=pk, lease_token=name).update(
                lease_until=None, lease_token="", next_visit_at=clock.now()
            )
    return freed


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # A killed child that nobody has waited for yet still has a number.
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return True


def window(lane: Lane) -> int:
    """Tasks that may be out at once: what the service runs, and one more that waits there, so that
    it never idles and nothing grows old there (it ends a task 3 h after it was submitted, CONTRACT
    §0.3)."""
    return (entries.get(lane.model).concurrency or 4) + 1


def at_work(lane: Lane) -> int:
    """Tasks that the service works on at once; those behind them only wait."""
    return entries.get(lane.model).concurrency or 4
