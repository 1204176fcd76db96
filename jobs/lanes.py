"""Whose turn it is, how many at once, when to come back: the visit of a lane and the shift that makes visits.

A lane is claimed by a lease that names host and process; one visitor at a time means that order and limits hold by
construction. The claim is one compare-and-swap UPDATE, so any number of shifts on any number of machines share the lanes.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.utils import timezone

from jobs import bell, catalogue, looking, runner, schedule, sending
from jobs.clients import NoKey
from jobs.errors import Moved
from jobs.models import Account, Job, Lane
from jobs.modelstudio import WireError
from jobs.states import OUT, Code, State

log = logging.getLogger("footlight.lanes")
LEASE = timedelta(seconds=60)
LONG_LEASE = timedelta(minutes=15)  # while files are handed over before a submit
BATCH = 50
THREADS = 8


# ── claims ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _place_name() -> str:
    """This machine and, inside containers, this set of process numbers: a pid means something only there."""
    try:
        pids = os.readlink("/proc/self/ns/pid")
    except OSError:
        pids = ""
    return f"{socket.gethostname()}{pids}"[:50]


def token() -> str:
    return f"{_place_name()}|{os.getpid()}|{uuid.uuid4().hex[:12]}"


def claim(limit: int = BATCH) -> list[Lane]:
    """Lanes that are due and visited by nobody, now leased to us; each lane is in one claim only."""
    now = timezone.now()
    due = Q(next_visit_at__lte=now) & (Q(lease_until=None) | Q(lease_until__lt=now))
    ids = list(Lane.objects.filter(due).order_by("next_visit_at").values_list("pk", flat=True)[:limit])
    if not ids:
        return []
    mine = token()
    # The condition stands again in the UPDATE: whoever commits first has the lane.
    if not Lane.objects.filter(due, pk__in=ids).update(lease_until=now + LEASE, lease_token=mine):
        return []
    return list(Lane.objects.filter(pk__in=ids, lease_token=mine).select_related("account", "account__team"))


def keep(lane: Lane, length: timedelta = LEASE) -> bool:
    """Make our lease last for `length` from now; False when it is no longer ours and the visit must end."""
    return bool(Lane.objects.filter(pk=lane.pk, lease_token=lane.lease_token).update(lease_until=timezone.now() + length))


def free_the_dead() -> int:
    """Take back leases of processes of this machine that are no more, so that a kill costs seconds and not a lease."""
    freed = 0
    here = _place_name()
    for pk, name in Lane.objects.filter(lease_until__gt=timezone.now(), lease_token__startswith=f"{here}|").values_list("pk", "lease_token"):
        pid = name.rsplit("|", 2)[1]
        if pid.isdigit() and not _alive(int(pid)):
            freed += Lane.objects.filter(pk=pk, lease_token=name).update(lease_until=None, lease_token="", next_visit_at=timezone.now())
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


# ── the visit ───────────────────────────────────────────────────────────────────────────────────────────────────────


def visit(lane: Lane) -> None:
    """One short stay at a claimed lane: settle what is uncertain, look at tasks that are due, send what has its turn, and
    write when to come back. May run twice: every move is a compare-and-swap."""
    rings = lane.rings
    try:
        _settle(lane)
        _look(lane)
        _send(lane)
    finally:
        # However the visit went, the lane must not be forgotten.
        later = _next_visit(lane)
        mine = Lane.objects.filter(pk=lane.pk, lease_token=lane.lease_token)
        left = {"lease_until": None, "lease_token": "", "last_visit_at": timezone.now()}
        if not mine.filter(rings=rings).update(next_visit_at=later, **left):
            mine.update(next_visit_at=timezone.now(), **left)


def _settle(lane: Lane) -> None:
    for job in _jobs(lane).filter(state=State.SUBMITTING):
        _quietly(lane, job, partial(sending.orphan, job))
    now = timezone.now()
    for job in _jobs(lane).filter(state=State.UNCERTAIN, code=Code.NO_ANSWER).filter(Q(not_before=None) | Q(not_before__lte=now)):
        if not keep(lane):
            return
        _quietly(lane, job, partial(sending.settle_uncertain, job))


def _look(lane: Lane) -> None:
    """The provider works in order, so the oldest task goes first; when it ends, the next one is worth a look at once."""
    before_ended = False
    for job in _jobs(lane).filter(state=State.RUNNING).order_by("submitted_at", "id"):
        due = job.next_look_at is None or job.next_look_at <= timezone.now()
        if not due and not before_ended:
            continue
        if not keep(lane):
            return
        _quietly(lane, job, partial(looking.look, job))
        before_ended = State(job.state) is not State.RUNNING


def _send(lane: Lane) -> None:
    """Fill the window: one task running and one waiting at the service, so it never idles and nothing ages there."""
    if lane.account.paused() or lane.paused():
        _explain_pause(lane)
        return
    for job in _jobs(lane).filter(state=State.QUEUED, code=Code.ACCOUNT_PAUSED):
        again = partial(runner.move, job, State.QUEUED, "The account is tried again", code=Code.WAITING_TURN, sentence="", not_before=None)
        _quietly(lane, job, again)
    while True:
        # The states stand outside the OR and without an order, so that the index (lane, state) is used and history costs nothing.
        out = _jobs(lane).order_by().filter(state__in=OUT).exclude(state=State.UNCERTAIN, code=Code.SEVERAL_TASKS)
        doubtful = out.filter(state=State.UNCERTAIN).exists()
        # While one is in doubt nothing more is sent: two tasks in one window could not be told apart.
        if doubtful or out.count() >= window(lane):
            return
        turn = next_job(lane)
        if turn is None or not keep(lane, LONG_LEASE):
            return
        _quietly(lane, turn, partial(sending.submit, turn))
        Lane.objects.filter(pk=lane.pk).update(last_owner_id=turn.owner_id)
        lane.last_owner_id = turn.owner_id
        lane.account.refresh_from_db(fields=("paused_until", "health"))
        lane.refresh_from_db(fields=("paused_until", "paused_text"))
        if not keep(lane) or lane.account.paused() or lane.paused():
            _explain_pause(lane)
            return


def _quietly(lane: Lane, job: Job, step: Callable[[], None]) -> None:
    """Run one step; what may go wrong is logged, ends this step only, and puts its job aside for a while."""
    try:
        step()
    except Moved as moved:
        log.info("%s", moved)
    except (WireError, NoKey) as error:
        log.warning("%s: %s", lane, error)
        _put_aside(job)
    except DatabaseError:
        raise
    except Exception:
        # A bug or a broken row must not stop everybody behind it: this job rests, the others go on.
        log.exception("%s, job %s", lane, job.public_id)
        _put_aside(job)


def _put_aside(job: Job) -> None:
    """Whatever was due on `job` is due again in a while, longer each time."""
    later = timezone.now() + timedelta(seconds=max(5.0, schedule.backoff(job.tries + 1)))
    Job.objects.filter(pk=job.pk, state__in=(State.QUEUED, State.UNCERTAIN)).update(not_before=later, tries=F("tries") + 1)
    Job.objects.filter(pk=job.pk, state=State.RUNNING).update(next_look_at=later, tries=F("tries") + 1)


def _explain_pause(lane: Lane) -> None:
    """Say on every waiting job why it waits, once."""
    account = lane.account
    text = (account.health_text if account.paused() else lane.paused_text) or "The account rests."
    for job in _jobs(lane).filter(state=State.QUEUED).exclude(code__in=(Code.ACCOUNT_PAUSED, Code.NEEDS_TEMPLATE))[:100]:
        _quietly(lane, job, partial(runner.move, job, State.QUEUED, text, code=Code.ACCOUNT_PAUSED, sentence=text))


def _jobs(lane: Lane) -> QuerySet[Job]:
    return Job.objects.filter(lane=lane).select_related("lane", "account", "account__team", "team", "template", "check_used")


def window(lane: Lane) -> int:
    """Tasks that may be out at once: what the service runs, and one more that waits there."""
    return (catalogue.get(lane.model).concurrency or 4) + 1


def _ready(lane: Lane, now: datetime) -> QuerySet[Job]:
    waiting = _jobs(lane).filter(state=State.QUEUED).exclude(code=Code.NEEDS_TEMPLATE)
    return waiting.filter(Q(not_before=None) | Q(not_before__lte=now))


def next_job(lane: Lane) -> Job | None:
    """Whose turn it is: the people who wait take turns; the oldest job within a person."""
    ready = _ready(lane, timezone.now())
    heads = list(ready.order_by().values("owner_id").annotate(first=Min("id")).order_by("owner_id"))
    if not heads:
        return None
    last = lane.last_owner_id or 0
    turn = next((row for row in heads if row["owner_id"] > last), heads[0])
    return ready.filter(pk=turn["first"]).first()


def _next_visit(lane: Lane) -> datetime | None:
    """When there is something to do here again; None when only a ring can bring something."""
    now = timezone.now()
    jobs = _jobs(lane)
    times = [job.next_look_at or now for job in jobs.filter(state=State.RUNNING)]
    unsettled = jobs.order_by().filter(state__in=(State.SUBMITTING, State.UNCERTAIN)).exclude(state=State.UNCERTAIN, code=Code.SEVERAL_TASKS)
    times += [job.not_before or now for job in unsettled]
    waiting = jobs.filter(state=State.QUEUED).exclude(code=Code.NEEDS_TEMPLATE)
    out = jobs.filter(state__in=(State.SUBMITTING, State.RUNNING)).count()
    if waiting.exists():
        paused = max((t for t in (lane.account.paused_until, lane.paused_until) if t is not None and t > now), default=None)
        if paused is not None:
            times.append(paused)
        elif out < window(lane):
            first = waiting.aggregate(first=Min("not_before"))["first"]
            ready = waiting.filter(Q(not_before=None) | Q(not_before__lte=now)).exists()
            doubtful = jobs.filter(state=State.UNCERTAIN, code=Code.NO_ANSWER).exists()
            if not doubtful:
                times.append(now + timedelta(seconds=0.2) if ready or first is None else first)
    return min(times) if times else None


# ── the shift ───────────────────────────────────────────────────────────────────────────────────────────────────────


def work(seconds: float, *, threads: int = THREADS, stop: Callable[[], bool] | None = None) -> int:
    """Visit lanes as they fall due, for `seconds`; between visits wait for the bell. Returns how many visits were made."""
    end = time.monotonic() + seconds
    visits = 0
    running: set[Future[None]] = set()
    with ThreadPoolExecutor(threads, thread_name_prefix="visit") as pool:
        # A long upload in one lane must not close all the others: the shift goes on while anything of it runs.
        while (time.monotonic() < end or running) and not (stop is not None and stop()):
            running = {future for future in running if not future.done()}
            room = threads * 2 - len(running)
            lanes = claim(min(BATCH, room)) if room > 0 else []
            for lane in lanes:
                running.add(pool.submit(_visit_in_thread, lane))
            visits += len(lanes)
            if not lanes:
                bell.wait(min(_until_due(), max(0.05, end - time.monotonic()), 0.25 if running else 1.0))
    return visits


def _visit_in_thread(lane: Lane) -> None:
    close_old_connections()
    try:
        visit(lane)
    except DatabaseError:
        log.exception("visit of %s", lane)
        connection.close()
    except Exception:
        # A bug in one lane must not end the shift of all the others; the lease brings the lane back.
        log.exception("visit of %s", lane)


def _until_due() -> float:
    first = Lane.objects.filter(next_visit_at__isnull=False).aggregate(first=Min("next_visit_at"))["first"]
    if first is None:
        return 1.0
    return max(0.02, float((first - timezone.now()).total_seconds()))


# ── what people see ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job stands in its lane. `position` 0: at the service, 1: next. Times are forecasts, None when unknowable."""

    position: int
    ahead: int
    starts_at: datetime | None
    ready_at: datetime | None


def place(job: Job) -> Place:
    """The place of a job that has not ended, from the same numbers that drive the looks."""
    now = timezone.now()
    if State(job.state) in (State.RUNNING, State.SUBMITTING, State.UNCERTAIN, State.ARCHIVING):
        began = job.provider_started_at or job.submitted_at or now
        return Place(0, 0, began, max(now, began + timedelta(seconds=schedule.expected(job))))
    ahead = Job.objects.filter(lane_id=job.lane_id).filter(
        Q(state__in=(State.SUBMITTING, State.RUNNING, State.UNCERTAIN)) | Q(state=State.QUEUED, id__lt=job.pk)
    )
    count, work = _amount(ahead, job.lane)
    starts = now + timedelta(seconds=work)
    if job.lane.account.paused():
        return Place(count + 1, count, None, None)
    return Place(count + 1, count, starts, starts + timedelta(seconds=schedule.expected(job)))


def _amount(jobs: QuerySet[Job], lane: Lane) -> tuple[int, float]:
    sums = jobs.aggregate(count=Count("id"), length=Sum("milliseconds"))
    return sums["count"], (sums["length"] or 0) / 1000 * lane.learned_or(schedule.PRIOR)


def line(account: Account, model: str) -> tuple[int, datetime | None]:
    """(jobs before a new one, when it would start) in the lane of `model` on `account`."""
    lane = Lane.objects.filter(account=account, model=model).first()
    if lane is None:
        return 0, timezone.now()
    open_ = Job.objects.filter(lane=lane, state__in=(State.QUEUED, State.SUBMITTING, State.RUNNING, State.UNCERTAIN))
    count, work = _amount(open_, lane)
    return count, None if account.paused() else timezone.now() + timedelta(seconds=work)
