"""Many lanes at once: two statements read them, the looks go out side by side without touching the
database, one statement each writes jobs and lanes.

Most visits only find that the task at the head is still running; `survey`, `ask` and `take_in` make
those. A lane that needs more than that gets a whole `lane_visit.visit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Min, Q

from jobs.accounts.clients import NoKey
from jobs.common.states import OUT, Code, State
from jobs.engine import poll, task_list
from jobs.engine.lane_lease import ClaimedLane, window
from jobs.engine.lane_schedule import due_again, look_times
from jobs.engine.waiting_reasons import may_send
from jobs.models import Job, Lane
from jobs.modelstudio import Task, WireError
from studio.common import clock

Row = tuple[Any, ...]


@dataclass(slots=True)
class LaneSurvey:
    """What is to be done at a claimed lane: its open jobs and the looks that are due, or that it
    needs a whole visit."""

    claimed: ClaimedLane
    out: list[Job] = field(default_factory=list)  # with a task, or one that may exist; oldest first
    waiting: int = 0
    first_due: datetime | None = None  # when the next waiting job may be sent; None: now
    looks: list[Job] = field(default_factory=list)
    needs_visit: bool = False
    answers: dict[int, Task | WireError] = field(default_factory=dict)  # by job id

    @property
    def lane(self) -> Lane:
        return self.claimed.lane


def survey(lanes: list[ClaimedLane]) -> list[LaneSurvey]:
    """What is to be done at claimed lanes, read with two statements for all of them."""
    now = clock.now()
    seen = {claimed.lane.pk: LaneSurvey(claimed) for claimed in lanes}
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
        one.waiting, one.first_due = row["n"], None if row["ready"] else row["first"]
    for one in seen.values():
        _judge(one, now)
    return list(seen.values())


def _judge(one: LaneSurvey, now: datetime) -> None:
    lane = one.lane
    if any(
        State(job.state) is not State.RUNNING and job.code != Code.SEVERAL_TASKS for job in one.out
    ):
        one.needs_visit = True
    room = len([job for job in one.out if job.code != Code.SEVERAL_TASKS]) < window(lane)
    if (
        one.waiting
        and room
        and (one.first_due is None or one.first_due <= now or not may_send(lane, now))
    ):
        one.needs_visit = True
    running = [job for job in one.out if State(job.state) is State.RUNNING]
    one.looks = [job for job, at in look_times(lane, running, now) if at <= now]
    # A job that uses another account's key is rare, and its account was not read with the lane.
    one.needs_visit = one.needs_visit or any(job.account_id != lane.account_id for job in one.looks)


def ask(one: LaneSurvey, listed: bool) -> LaneSurvey:
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
            one.needs_visit = True
    return one


def take_in(done: Iterable[LaneSurvey]) -> list[LaneSurvey]:
    """Write what changed nothing, for all lanes at once, and give those lanes back; returns the
    lanes that need a whole visit."""
    now = clock.now()
    rest: list[LaneSurvey] = []
    jobs: list[Row] = []
    lanes: list[Row] = []
    for one in done:
        changes = {
            job.pk: poll.nothing_new(job, one.answers[job.pk], now)
            for job in one.looks
            if job.pk in one.answers
        }
        if one.needs_visit or any(columns is None for columns in changes.values()):
            rest.append(one)
            continue
        for job in one.looks:
            columns = changes.get(job.pk)
            if columns is not None:
                job.next_look_at = columns["next_look_at"]
                jobs.append(row_of(job, columns))
        later = due_again(one.claimed, one.out, one.waiting, one.first_due, now)
        lanes.append((one.lane.wakeups, later, now, now, one.lane.pk, one.lane.lease_token))
    _write(jobs, lanes)
    return rest


def row_of(job: Job, columns: Mapping[str, object]) -> Row:
    """What `_JOB` writes of a look that changed nothing, and of which task it was."""
    seen = (columns[name] for name in ("looked_at", "provider_started_at", "next_look_at"))
    return (*seen, job.pk, job.attempt, job.task_id)


_JOB = (
    "UPDATE jobs_job SET looked_at = %s, provider_started_at = %s, next_look_at = %s, looks = "
    "looks + 1, tries = 0 "
    "WHERE id = %s AND attempt = %s AND task_id = %s AND state = 'running'"
)
# The column of Lane.wakeups is "rings".
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
