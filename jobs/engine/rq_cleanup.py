"""What RQ leaves behind in Redis, cleaned up: its own upkeep comes every ten minutes at best, keeps
failures for a year, and forgets what a killed worker had just taken. Everything here is only a
wake-up: the heartbeat enqueues again from the database, so what looks lost is deleted and never run
late. Other sites and other programs may use the same Redis: nothing but jobs of our own queues is
read as a job, let alone touched."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from redis.exceptions import ResponseError
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job
from rq.registry import BaseRegistry, clean_registries
from rq.worker_registration import clean_worker_registry

from jobs.common import wakeup
from jobs.common.queue_entries import StepEntry

log = logging.getLogger("footlight.rq_cleanup")
FAILURES_STAY = timedelta(days=1)  # failures, for whoever looks at them in the admin
LOST = timedelta(
    hours=1
)  # nothing of ours waits this long: its queue has no worker, or it was lost on the way
STARTED_WITHIN = timedelta(minutes=1)  # between leaving the queue and being started
MOST = 5000  # jobs looked at in one sweep
UPDATED_AT = f"{wakeup.SITE}prefixed-at"  # when this site first had queues with its prefix
SCANNED = 500  # keys that Redis looks at in one go
_STEP = re.compile(r"jobs\.tasks\.([a-z_]+)\(((?:\d+(?:, )?)*)\)")  # how RQ describes a step
_cursor = 0  # where the next look at all keys of Redis goes on


def sweep() -> int:
    """Delete from RQ's registries of our queues what has expired, failed more than a day ago, or
    belongs to nobody; how many jobs that were. 0 when Redis is away. Quick, and safe beside running
    workers."""
    return int(wakeup.unless_away(_sweep, otherwise=0))


def _sweep() -> int:
    gone = 0
    known: set[str] = set()
    gone += _of_before()
    for name in settings.QUEUES:
        queue = wakeup.queue_of(name)
        clean_registries(queue)
        clean_worker_registry(queue)
        gone += _old_entries(queue)
        gone += _grabbed(queue)
        known |= _known(queue)
    gone += _orphans(known)
    if gone:
        log.info("%d leftovers of the queue were deleted", gone)
    return gone


def _old_entries(queue: Queue) -> int:
    """Entries that nobody needs: failures of more than a day ago, whatever their own time to live
    says; deferred, scheduled and canceled jobs, of which we make none; and what waits in the queue
    itself although nobody answers it."""
    gone = 0
    registries: tuple[BaseRegistry, ...] = (
        queue.failed_job_registry,
        queue.finished_job_registry,
        queue.deferred_job_registry,
        queue.scheduled_job_registry,
        queue.canceled_job_registry,
    )
    for registry in registries:
        for pk in registry.get_job_ids(0, MOST - 1, cleanup=False):
            job = _job(queue, pk)
            if job is None:
                queue.connection.zrem(registry.key, pk)
                gone += 1
            elif _age(job.ended_at or job.enqueued_at or job.created_at) > FAILURES_STAY:
                queue.connection.zrem(
                    registry.key, pk
                )  # delete() goes by the job's status, which may say another registry
                job.delete(remove_from_queue=False)
                gone += 1
    for pk in queue.get_job_ids(0, MOST):
        job = _job(queue, pk)
        if job is None or _age(job.enqueued_at or job.created_at) > LOST:
            queue.remove(pk)
            if job is not None:
                job.delete(remove_from_queue=False)
            gone += 1
    return gone


def _grabbed(queue: Queue) -> int:
    """Jobs that a worker took and did not live to start. RQ would fail them after two rounds of its
    own upkeep."""
    gone = 0
    between = IntermediateQueue(queue.key, connection=queue.connection)
    for pk in between.get_job_ids()[:MOST]:
        if pk in queue.started_job_registry:
            continue
        job = _job(queue, pk)
        if job is None or (
            _age(job.enqueued_at or job.created_at) > STARTED_WITHIN
            and not between.set_first_seen(pk)
            and between.should_be_cleaned_up(pk)
        ):
            between.remove(pk)
            if job is not None:
                job.delete(remove_from_queue=False)
            gone += 1
    return gone


def _known(queue: Queue) -> set[str]:
    """Every job that stands in some list of `queue`."""
    between = IntermediateQueue(queue.key, connection=queue.connection)
    found = {
        *queue.get_job_ids(),
        *between.get_job_ids(),
        *queue.started_job_registry.get_job_ids(cleanup=False),
    }
    for registry in (
        queue.failed_job_registry,
        queue.finished_job_registry,
        queue.deferred_job_registry,
        queue.scheduled_job_registry,
    ):
        found.update(registry.get_job_ids(cleanup=False))
    return found


def _orphans(known: set[str]) -> int:
    """Jobs of our queues that stand in no list and have no time to live: their worker was killed
    between two writes."""
    gone = 0
    redis = wakeup.redis()
    prefix = Job.redis_job_namespace_prefix
    ours = {wakeup.queue_name(name) for name in settings.QUEUES}
    for key in (one.decode(errors="replace") for one in _next_keys(f"{prefix}*")):
        pk = key.removeprefix(prefix)
        if ":" in pk or pk in known or _field(key, "origin") not in ours or redis.ttl(key) != -1:
            continue
        try:
            job = StepEntry.fetch(pk, connection=redis)
        except (NoSuchJobError, ValueError, TypeError, KeyError):
            continue  # it ended meanwhile
        if _age(job.started_at or job.enqueued_at or job.created_at) > LOST:
            job.delete(remove_from_queue=False)
            gone += 1
    return gone


def _next_keys(pattern: str) -> Iterator[bytes]:
    """The keys that match among the next MOST or so of Redis: what others keep there must not hide
    ours for ever."""
    global _cursor
    for _ in range(MOST // SCANNED):
        found: tuple[int, list[bytes]] = _said(wakeup.redis().scan(_cursor, pattern, SCANNED))
        _cursor, keys = found
        yield from keys
        if not _cursor:
            return


def _field(key: str, name: str) -> str:
    """The field `name` of the job at `key`; "" when there is no such job."""
    try:
        found: bytes | None = _said(wakeup.redis().hget(key, name))
    except ResponseError:
        return ""  # not a hash, so not RQ's
    return (found or b"").decode(errors="replace")


def _said(answer: object) -> Any:
    """What the server answered: redis-py also types clients that are awaited."""
    return answer


def _of_before() -> int:
    """Entries that a version before prefixes left in queues without one go on in ours. Those of
    other programs with queues of the same names stay where they are; nothing of them is loaded.
    Only for an hour after the update, since another site may still have such a version."""
    taken = 0
    redis = wakeup.redis()
    redis.set(UPDATED_AT, time.time(), nx=True)
    if time.time() - float(_said(redis.get(UPDATED_AT)) or 0) > LOST.total_seconds():
        return 0
    for name in settings.QUEUES:
        key = f"{Queue.redis_queue_namespace_prefix}{name}"
        waiting: list[bytes] = _said(redis.lrange(key, 0, MOST - 1))
        for pk in (one.decode(errors="replace") for one in waiting):
            job_key = f"{Job.redis_job_namespace_prefix}{pk}"
            step = _STEP.fullmatch(_field(job_key, "description"))
            if step is None or not redis.lrem(key, 1, pk):
                continue
            redis.delete(job_key)
            # A run of the dispatcher is started by every heartbeat.
            if step[1] != "shift":
                wakeup.enqueue(name, step[1], *map(int, re.findall(r"\d+", step[2])))
            taken += 1
    return taken


def _job(queue: Queue, pk: str) -> Job | None:
    try:
        return StepEntry.fetch(pk, connection=queue.connection)
    except NoSuchJobError:
        return None


def _age(moment: datetime | None) -> timedelta:
    if moment is None:
        return timedelta.max
    return datetime.now(UTC) - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
