"""Invariants of jobs: one per task, none stands still, and their events tell every move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from jobs.common.states import MOVES, TERMINAL, Code, State
from jobs.engine.invariant_tally import CHUNK, Tally
from jobs.models import Attempt, Job, JobEvent, Lane, PauseState
from studio.common import clock

SENDING_FOR = timedelta(minutes=10)
UNSEEN_FOR = timedelta(hours=1)
PAST_EXPIRY = timedelta(minutes=10)  # a last try may be under way
FORGOTTEN_FOR = timedelta(minutes=2)


def one_job_per_task(tally: Tally) -> Iterator[str]:
    """No task belongs to two jobs, neither as the present one nor in an attempt of long ago."""
    jobs, attempts = Job._meta.db_table, Attempt._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            # A union of sets: a job and its own attempt name the same pair.
            f"SELECT task_id, COUNT(*) FROM (SELECT task_id, id AS job_id FROM {jobs} WHERE "  # noqa: S608
            "task_id <> '' "
            f"UNION SELECT task_id, job_id FROM {attempts} WHERE task_id <> '') pairs GROUP BY "
            "task_id HAVING COUNT(*) > 1"
        )
        twice = [task_id for task_id, _number in cursor.fetchall()]
    tally.seen = Job.objects.exclude(task_id="").count()
    for task_id in twice:
        names = (
            Job.objects.filter(Q(task_id=task_id) | Q(attempts__task_id=task_id))
            .distinct()
            .order_by("pk")
            .values_list("public_id", flat=True)
        )
        yield f"Task {task_id} belongs to {len(names)} jobs: {', '.join(names)}."


def nothing_is_stuck(tally: Tally) -> Iterator[str]:
    """Every job that has not ended is on somebody's list for the next minutes, or waits for a
    person or a time."""
    now = clock.now()
    open_jobs = Job.objects.exclude(state__in=TERMINAL).order_by("pk")
    tally.seen = open_jobs.count()
    nobody = Q(lane__lease_until=None) | Q(lane__lease_until__lt=now)
    sending = open_jobs.filter(nobody, state=State.SUBMITTING, submitting_at__lt=now - SENDING_FOR)
    for name, at in sending.values_list("public_id", "submitting_at").iterator(CHUNK):
        yield (
            f"Job {name} has been sending since {at:%Y-%m-%d %H:%M:%S} and nobody visits its queue."
        )
    running = _awake(open_jobs.filter(state=State.RUNNING), now).annotate(
        _due=Coalesce("next_look_at", "looked_at", "submitted_at", "created_at")
    )
    for name, task_id, due in (
        running.filter(_due__lt=now - UNSEEN_FOR)
        .values_list("public_id", "task_id", "_due")
        .iterator(CHUNK)
    ):
        yield f"Job {name} (task {task_id}) should have been looked at on {due:%Y-%m-%d %H:%M:%S}."
    late = open_jobs.filter(state=State.ARCHIVING, result_expires_at__lt=now - PAST_EXPIRY)
    for name, at in late.values_list("public_id", "result_expires_at").iterator(CHUNK):
        yield f"Job {name} is still being saved, and its video expired on {at:%Y-%m-%d %H:%M:%S}."
    forgotten = Lane.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=now), next_visit_at=None
    )
    forgotten = forgotten.filter(Q(last_visit_at=None) | Q(last_visit_at__lt=now - FORGOTTEN_FOR))
    unsettled = Q(state__in=(State.SUBMITTING, State.RUNNING)) | Q(
        state=State.UNCERTAIN, code=Code.NO_ANSWER
    )
    work = _awake(
        open_jobs.filter(
            unsettled
            | Q(state=State.QUEUED, code__in=(Code.NONE, Code.WAITING_TURN, Code.BACKING_OFF))
        ),
        now,
    )
    for name in (
        work.filter(lane__in=forgotten.order_by().values("pk"))
        .values_list("public_id", flat=True)
        .iterator(CHUNK)
    ):
        yield f"Job {name} has work to do, and its queue is not to be visited again."


def _awake(jobs: QuerySet[Job], now: datetime) -> QuerySet[Job]:
    """Of `jobs` those whose lane neither a person nor trouble keeps from working."""
    return jobs.exclude(
        Q(lane__pause_state=PauseState.PAUSED)
        | Q(lane__account__pause_state=PauseState.PAUSED)
        | Q(account__pause_state=PauseState.PAUSED)
        | Q(account__reconcile_from__isnull=False)
        | Q(lane__paused_until__gt=now)
        | Q(lane__account__paused_until__gt=now)
        | Q(account__paused_until__gt=now)
    )


def events_record_every_move(tally: Tally) -> Iterator[str]:
    """The events of a job tell every move from its creation to its present state, and only moves
    that are allowed."""
    rows = JobEvent.objects.order_by("job_id", "pk").values_list(
        "job_id", "pk", "old", "new", "job__public_id", "job__state", "job__adopted"
    )
    for _job, events in groupby(rows.iterator(CHUNK), key=itemgetter(0)):
        at = name = now = ""
        for _pk, event, old, new, name, state, adopted in events:
            tally.seen += 1
            wrong = _wrong_step(at, old, new, adopted)
            if wrong:
                yield f"Event {event} of job {name} {wrong}."
            at, now = new, state
        if at != now:
            yield f"Job {name} is {now}, and its last event says {at}."
    silent = Job.objects.filter(~Exists(JobEvent.objects.filter(job=OuterRef("pk")))).order_by("pk")
    for name in silent.values_list("public_id", flat=True).iterator(CHUNK):
        yield f"Job {name} has no events."


def _wrong_step(at: str, old: str, new: str, adopted: bool) -> str:
    if not at:
        first = State.RUNNING if adopted else State.QUEUED
        return (
            "" if not old and new == first else f"is its first and says {old or 'nothing'} → {new}"
        )
    if not old:
        return "" if new == at else f"notes {new} although the job was {at}"
    if old != at:
        return f"leaves {old} although the job was {at}"
    if old not in MOVES or new not in MOVES[State(old)]:
        return f"says {old} → {new}, which no job may do"
    return ""
