"""A visit: one short stay at a claimed lane. Settle what is uncertain, look at tasks that are due,
send what has its turn, and write when to come back. May run twice: every move is a
compare-and-swap.

Most visits only find that the task at the head is still running. `survey`, `ask` and `take_in` make
those for many lanes at once: two statements read them, the looks go out side by side without
touching the database, one statement each writes jobs and lanes. Whatever needs more than that gets
a whole `visit`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Count, F, Min, Q, QuerySet
from django.utils import timezone

from jobs.accounts import clients, health, pauses
from jobs.accounts.clients import NoKey
from jobs.common.errors import Moved
from jobs.common.states import OUT, Code, State
from jobs.engine import fair_share, poll, retry, submit, task_list, transitions, uncertain
from jobs.engine.lane_lease import at_work, keep, window
from jobs.models import Job, Lane
from jobs.modelstudio import Task, WireError
from studio.common.leases import renewing
from studio.common.translatable import EMPTY, Sentence, phrase
from studio.config.logs import about

log = logging.getLogger("footlight.visits")

SHUT = (
    Code.ACCOUNT_PAUSED,
    Code.MODEL_GONE,
    Code.HELD_BACK,
)  # codes of jobs that wait for a door to open
Row = tuple[Any, ...]


# ── one lane ──────────────────────────────────────────────────────────────────────────────────────


def visit(lane: Lane, answers: dict[int, Task | WireError] | None = None) -> None:
    """The whole visit of a claimed lane. `answers` are looks that were made already, by job id.

    It may have waited for its thread longer than its lease: then somebody else is there, whose
    submit under way must not be taken for a dead one's.
    """
    if not keep(lane):
        log.info("%s is visited by another", lane)
        return
    rings = lane.rings
    try:
        with about(lane=f"{lane.account.public_id}/{lane.model}", account=lane.account):
            out = _settle(lane, _out(lane))
            _look(lane, out, answers or {})
            _send(lane)
    finally:
        # However the visit went, the lane must not be forgotten.
        leave(lane, rings, _next_visit(lane))


def leave(lane: Lane, rings: int, later: datetime | None) -> None:
    """Give the lane back, due `later`, or at once when it was rung meanwhile."""
    mine = Lane.objects.filter(pk=lane.pk, lease_token=lane.lease_token)
    left = {"lease_until": None, "lease_token": "", "last_visit_at": timezone.now()}
    if not mine.filter(rings=rings).update(next_visit_at=later, **left):
        mine.update(next_visit_at=timezone.now(), **left)


def _settle(lane: Lane, out: list[Job]) -> list[Job]:
    """`out` are the jobs with a task, or with one that may exist, oldest first; returns them as
    they are afterwards."""
    settled = False
    for job in out:
        if State(job.state) is State.SUBMITTING:
            settled = True
            _quietly(lane, job, partial(uncertain.orphan, job))
    for job in _out(lane) if settled else out:
        if (
            State(job.state) is not State.UNCERTAIN
            or job.code != Code.NO_ANSWER
            or (job.not_before or timezone.now()) > timezone.now()
        ):
            continue
        if not keep(lane):
            return []
        settled = True
        _quietly(lane, job, partial(uncertain.settle_uncertain, job))
    return _out(lane) if settled else out


def _look(lane: Lane, out: list[Job], answers: dict[int, Task | WireError]) -> None:
    """The service works in order, so only the oldest tasks can change; when one ends, the next one
    moves up."""
    heads, ended = at_work(lane), False
    for job in out:
        if State(job.state) is not State.RUNNING:
            continue
        mute = poll.mute(job)
        if job.pk in answers:
            _quietly(lane, job, partial(poll.take_in, job, answers[job.pk]))
        elif (
            heads > 0
            and _due(job, timezone.now())
            and not (ended and job.provider_started_at is None)
        ):
            if not keep(lane):
                return
            _quietly(lane, job, partial(poll.look, job))
        if State(job.state) is State.RUNNING:
            heads -= not mute
        elif heads > 0:
            ended = True
    if ended:
        _moves_up(lane)


def _heads(lane: Lane, running: list[Job]) -> list[Job]:
    """Of the tasks in order of their sending those that can change now: what the service works on.
    One that the service has nothing to say about does not hide the next."""
    found, room = [], at_work(lane)
    for job in running:
        if room <= 0:
            break
        found.append(job)
        room -= not poll.mute(job)
    return found


def _due(job: Job, now: datetime) -> bool:
    return job.next_look_at is None or job.next_look_at <= now


def _moves_up(lane: Lane) -> None:
    """The service begins the next task within seconds of the end of the one before: that is when to
    look at it."""
    soon = timezone.now() + timedelta(seconds=2.5)
    ahead = (
        _jobs(lane)
        .filter(state=State.RUNNING)
        .order_by("submitted_at", "id")
        .values_list("pk", flat=True)[: at_work(lane)]
    )
    Job.objects.filter(pk__in=list(ahead), state=State.RUNNING, provider_started_at=None).update(
        next_look_at=soon
    )


def _send(lane: Lane) -> None:
    """Fill the window: what the service works on and one more that waits there."""
    tried = 0
    # No more tries than tasks fit: a visit ends, whatever the service answers, and the others have
    # their turn.
    while _open(lane, timezone.now()) and tried < window(lane):
        recovering = health.first_only(lane)
        if not recovering:
            _reopen(lane)
        # The states stand outside the OR and without an order, so that the index (lane, state) is
        # used and history costs nothing.
        rows = Job.objects.order_by().filter(lane=lane, state__in=OUT).values_list("state", "code")
        out = [
            state for state, code in rows if (state, code) != (State.UNCERTAIN, Code.SEVERAL_TASKS)
        ]
        # While one is in doubt nothing more is sent: two tasks in one window could not be told
        # apart.
        if (tried and recovering) or State.UNCERTAIN in out or len(out) >= window(lane):
            break
        turn = fair_share.next_job(lane, timezone.now())
        job = _jobs(lane).filter(pk=turn).first() if turn is not None else None
        if job is None or not keep(lane):
            break
        tried += 1
        if health.due_probe(job.account) and not health.probe(job.account):
            _read_doors(lane)
            continue  # that account rests; another one that shares the lane may be well
        before = job.attempt
        with renewing(
            partial(keep, lane)
        ):  # files that are handed over before a submit may take minutes
            _quietly(lane, job, partial(submit.submit, job))
        if job.attempt != before and State(job.state) in OUT:
            fair_share.served(lane, job)
        _read_doors(lane)
    _explain(lane, timezone.now())


def _read_doors(lane: Lane) -> None:
    """What a call or a person may have changed on lane and account meanwhile."""
    mine = ("paused_until", "paused_text", "gate", "gate_by_id", "gate_at", "health", "troubles")
    its = ("paused_until", "health", "health_text", "gate", "gate_by_id", "gate_at", "troubles")
    row = (
        Lane.objects.filter(pk=lane.pk)
        .values_list(*mine, *(f"account__{name}" for name in its))
        .get()
    )
    for door, names, values in ((lane, mine, row), (lane.account, its, row[len(mine) :])):
        for name, value in zip(names, values, strict=False):
            setattr(door, name, value)


def _open(lane: Lane, now: datetime) -> bool:
    """Whether anything may be sent here. An account's own troubles and gate hold its jobs only
    (`turns.ready`)."""
    return lane.sends and not lane.paused(now)


def _explain(lane: Lane, now: datetime) -> None:
    """Say on every waiting job for which door it waits, once."""
    if (
        _open(lane, now)
        and lane.account.sends
        and not lane.account.paused(now)
        and not getattr(lane, "shared", False)
    ):
        return
    for job in (
        _jobs(lane)
        .filter(state=State.QUEUED)
        .exclude(code=Code.NEEDS_TEMPLATE)
        .filter(Q(not_before=None) | Q(not_before__lte=now))
    ):
        code, text = _reason(lane, job)
        if code and (job.code, job.sentence) != (code, text):
            _quietly(
                lane,
                job,
                partial(transitions.move, job, State.QUEUED, text, code=code, sentence=text),
            )


def _reason(lane: Lane, job: Job) -> tuple[Code, Sentence]:
    """(code, sentence) of the door, closed by a person or by trouble, that holds `job`; ("", "")
    when none does."""
    door = pauses.closed(job.account, lane)
    if door is not None:
        return Code.HELD_BACK, pauses.sentence(door, job.team)
    # The lane's account was read with its keys; asking for each of a hundred jobs would be a
    # statement each.
    if clients.keyless(lane.account if job.account_id == lane.account_id else job.account):
        return (
            (Code.ACCOUNT_PAUSED, job.sentence)
            if job.code == Code.ACCOUNT_PAUSED
            else (Code.NONE, EMPTY)
        )
    code, text = health.why(job.account, lane)
    # A request to slow down is over in seconds and no news for everybody behind it.
    return (Code.NONE, EMPTY) if code == Code.BACKING_OFF else (code, text)


def _reopen(lane: Lane) -> None:
    """Jobs that waited for a door wait for their turn again."""
    shut = {"lane": lane, "state": State.QUEUED, "code__in": SHUT}
    if not Job.objects.filter(**shut).exists():  # nearly always, and cheap to ask
        return
    for job in (
        _jobs(lane).filter(**shut).filter(Q(not_before=None) | Q(not_before__lte=timezone.now()))
    ):
        if not _reason(lane, job)[0]:
            again = partial(
                transitions.move,
                job,
                State.QUEUED,
                phrase("Waits for its turn again"),
                code=Code.WAITING_TURN,
                sentence=EMPTY,
                not_before=None,
            )
            _quietly(lane, job, again)


def _quietly(lane: Lane, job: Job, step: Callable[[], None]) -> None:
    """Run one step; what may go wrong is logged, ends this step only, and puts its job aside for a
    while."""
    with about(job=job.public_id):
        try:
            step()
        except Moved as moved:
            log.info("%s", moved)
        except (WireError, NoKey) as error:
            log.warning("%s: %s", lane, error)
            _put_aside(job)
        except (OperationalError, InterfaceError):
            raise  # the database is away; what is wrong with one row stays with that row
        except Exception:
            # A bug or a broken row must not stop everybody behind it: this job rests, the others go
            # on.
            log.exception("%s, job %s", lane, job.public_id)
            _put_aside(job)


def _put_aside(job: Job) -> None:
    """Whatever was due on `job` is due again in a while, longer each time."""
    later = timezone.now() + timedelta(seconds=max(5.0, retry.backoff(job.tries + 1)))
    Job.objects.filter(pk=job.pk, state=State.QUEUED).update(not_before=later, tries=F("tries") + 1)
    # The tries of an uncertain job are lists without its task: one that could not be read is none.
    Job.objects.filter(pk=job.pk, state=State.UNCERTAIN).update(not_before=later)
    Job.objects.filter(pk=job.pk, state=State.RUNNING).update(
        next_look_at=later, tries=F("tries") + 1
    )


def _jobs(lane: Lane) -> QuerySet[Job]:
    return Job.objects.filter(lane=lane).select_related(
        "lane", "account", "account__team", "team", "template", "check_used"
    )


def _out(lane: Lane) -> list[Job]:
    return list(_jobs(lane).filter(state__in=OUT).order_by("submitted_at", "id"))


def _next_visit(lane: Lane) -> datetime | None:
    """When there is something to do here again; None when only a ring can bring something."""
    jobs = Job.objects.filter(lane=lane)
    out = list(
        jobs.filter(state__in=OUT)
        .order_by("submitted_at", "id")
        .only("state", "code", "next_look_at", "not_before", "lane_id")
    )
    waiting = (
        fair_share.waiting(lane)
        .order_by()
        .aggregate(
            n=Count("pk"), first=Min("not_before"), ready=Count("pk", filter=Q(not_before=None))
        )
    )
    return due_again(
        lane, out, waiting["n"], None if waiting["ready"] else waiting["first"], timezone.now()
    )


def due_again(
    lane: Lane, out: list[Job], waiting: int, first: datetime | None, now: datetime
) -> datetime | None:
    """When to come back to a lane with the jobs `out` (oldest first) and `waiting` ones, of which
    the next is due `first` (None: now)."""
    running = [job for job in out if State(job.state) is State.RUNNING]
    times = [job.next_look_at or now for job in _heads(lane, running)]
    unsettled = [
        job
        for job in out
        if State(job.state) is not State.RUNNING and job.code != Code.SEVERAL_TASKS
    ]
    times += [job.not_before or now for job in unsettled]
    doubtful = any(State(job.state) is State.UNCERTAIN for job in unsettled)
    if waiting and not doubtful and len(running) + len(unsettled) < window(lane):
        # Whoever opens a gate rings. Jobs that use another row's key are rare, so their rests are
        # only looked at now and then.
        shared = getattr(lane, "shared", False)
        if lane.sends and lane.account.sends:
            rests = health.until(lane.account, lane)
            # Of a shared lane nobody knows here whose jobs wait, and theirs may be the account that
            # is closed.
            times.append(
                rests or max(now + timedelta(seconds=5.0 if shared else 0.2), first or now)
            )
        if lane.sends and shared:
            times.append(max(now + timedelta(seconds=15), lane.paused_until or now))
    return min(times) if times else None


# ── many lanes ────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Seen:
    """A claimed lane in a round: its open jobs and the looks that are due, or that it needs a whole
    visit."""

    lane: Lane
    out: list[Job] = field(default_factory=list)
    waiting: int = 0
    first: datetime | None = None
    looks: list[Job] = field(default_factory=list)
    whole: bool = False
    answers: dict[int, Task | WireError] = field(default_factory=dict)


def survey(lanes: list[Lane]) -> list[Seen]:
    """What is to be done at claimed lanes, read with two statements for all of them."""
    now = timezone.now()
    seen = {lane.pk: Seen(lane) for lane in lanes}
    for job in Job.objects.filter(lane__in=list(seen), state__in=OUT).order_by(
        "submitted_at", "id"
    ):
        one = seen[job.lane_id]
        job.lane = one.lane
        if job.account_id == one.lane.account_id:
            job.account = one.lane.account
        one.out.append(job)
    waits = Job.objects.filter(lane__in=list(seen), state=State.QUEUED).exclude(
        code=Code.NEEDS_TEMPLATE
    )
    sums = (
        waits.order_by()
        .values("lane_id")
        .annotate(
            n=Count("pk"), first=Min("not_before"), ready=Count("pk", filter=Q(not_before=None))
        )
    )
    for row in sums:
        one = seen[row["lane_id"]]
        one.waiting, one.first = row["n"], None if row["ready"] else row["first"]
    for one in seen.values():
        _judge(one, now)
    return list(seen.values())


def _judge(one: Seen, now: datetime) -> None:
    lane = one.lane
    if any(
        State(job.state) is not State.RUNNING and job.code != Code.SEVERAL_TASKS for job in one.out
    ):
        one.whole = True
    room = len([job for job in one.out if job.code != Code.SEVERAL_TASKS]) < window(lane)
    if one.waiting and room and (one.first is None or one.first <= now or not _open(lane, now)):
        one.whole = True
    running = [job for job in one.out if State(job.state) is State.RUNNING]
    one.looks = [job for job in _heads(lane, running) if _due(job, now)]
    # A job that uses another account's key is rare, and its account was not read with the lane.
    one.whole = one.whole or any(job.account_id != lane.account_id for job in one.looks)


def ask(one: Seen, listed: bool) -> Seen:
    """Make the looks of one lane, without the database. `listed`: the list may answer in place of
    the task."""
    for job in one.looks:
        try:
            answer = (
                task_list.running(job.account, job.task_id)
                if listed and job.provider_status == task_list.RUNNING
                else None
            )
            one.answers[job.pk] = answer or poll.ask(job)
        except NoKey:
            one.whole = True
    return one


def take_in(done: Iterable[Seen]) -> list[Seen]:
    """Write what changed nothing, for all lanes at once, and give those lanes back; returns the
    lanes that need a whole visit."""
    now = timezone.now()
    rest: list[Seen] = []
    jobs: list[Row] = []
    lanes: list[Row] = []
    for one in done:
        told = {
            job.pk: poll.nothing_new(job, one.answers[job.pk], now)
            for job in one.looks
            if job.pk in one.answers
        }
        if one.whole or any(columns is None for columns in told.values()):
            rest.append(one)
            continue
        for job in one.looks:
            columns = told.get(job.pk)
            if columns is not None:
                job.next_look_at = columns["next_look_at"]
                jobs.append(
                    (
                        *(
                            columns[name]
                            for name in ("looked_at", "provider_started_at", "next_look_at")
                        ),
                        job.pk,
                        job.attempt,
                    )
                )
        later = due_again(one.lane, one.out, one.waiting, one.first, now)
        lanes.append((one.lane.rings, later, now, now, one.lane.pk, one.lane.lease_token))
    _write(jobs, lanes)
    return rest


_JOB = (
    "UPDATE jobs_job SET looked_at = %s, provider_started_at = %s, next_look_at = %s, looks = "
    "looks + 1, tries = 0 "
    "WHERE id = %s AND attempt = %s AND state = 'running'"
)
_LANE = (
    "UPDATE jobs_lane SET next_visit_at = CASE WHEN rings = %s THEN %s ELSE %s END, last_visit_at "
    "= %s, lease_until = NULL, lease_token = '' "
    "WHERE id = %s AND lease_token = %s"
)


def _write(jobs: list[Row], lanes: list[Row]) -> None:
    """Plain statements for many rows: the ORM's way would build one statement of a thousand
    CASEs."""
    if not lanes:
        return
    adapt = connection.ops.adapt_datetimefield_value

    def ready(row: Row) -> Row:
        return tuple(adapt(value) if isinstance(value, datetime) else value for value in row)

    # By id, as everybody who locks several lanes does.
    with transaction.atomic(), connection.cursor() as cursor:
        if jobs:
            cursor.executemany(_JOB, [ready(row) for row in sorted(jobs, key=lambda row: row[3])])
        cursor.executemany(_LANE, [ready(row) for row in sorted(lanes, key=lambda row: row[4])])
