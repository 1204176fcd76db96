"""What RQ leaves behind: every kind of leftover is made by hand in a real Redis, swept, and what is
alive stays."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from rq import Queue
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job, JobStatus

from jobs.common import wakeup
from jobs.engine import rq_cleanup

pytestmark = pytest.mark.usefixtures("redis")


def nothing() -> None:
    """What the queued jobs of these tests would do."""


@pytest.fixture
def steps() -> Queue:
    return wakeup.queue_of("steps")


def _aged(job: Job, hours: float) -> Job:
    moment = datetime.now(UTC) - timedelta(hours=hours)
    job.created_at = job.enqueued_at = moment
    if job.ended_at is not None:
        job.ended_at = moment
    job.save()
    return job


def _failed(queue: Queue, hours: float, ttl: int = 365 * 86400) -> Job:
    job = queue.enqueue(nothing)
    queue.remove(job.id)
    job.ended_at = datetime.now(UTC)
    job.set_status(JobStatus.FAILED)
    _aged(job, hours)
    queue.failed_job_registry.add(job, ttl=ttl)
    return job


def _there(job: Job) -> bool:
    return bool(wakeup.redis().exists(job.key))


def _keys() -> set[str]:
    found: list[bytes] = cast(Any, wakeup.redis().keys("rq:*"))
    return {key.decode() for key in found if key != b"rq:queues"}


def test_failures_are_kept_a_day_whatever_their_time_to_live(steps: Queue) -> None:
    old, young = _failed(steps, 25), _failed(steps, 23)
    assert rq_cleanup.sweep() == 1
    assert not _there(old)
    assert _there(young)
    assert steps.failed_job_registry.get_job_ids() == [young.id]


def test_an_entry_whose_job_is_gone(steps: Queue) -> None:
    wakeup.redis().zadd(steps.failed_job_registry.key, {"gone": time.time() + 1e6})
    wakeup.redis().zadd(steps.canceled_job_registry.key, {"gone2": time.time() + 1e6})
    assert rq_cleanup.sweep() == 2
    assert _keys() == set()


def test_kinds_that_we_never_make_do_not_pile_up(steps: Queue) -> None:
    far = steps.enqueue_at(datetime.now(UTC) + timedelta(days=400), nothing)
    assert rq_cleanup.sweep() == 0
    _aged(far, 30)
    assert rq_cleanup.sweep() == 1
    assert steps.scheduled_job_registry.get_job_ids() == []
    assert not _there(far)


def test_what_a_killed_worker_had_taken(steps: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = steps.enqueue(nothing)
    between = IntermediateQueue(steps.key, connection=steps.connection)
    steps.remove(taken.id)
    wakeup.redis().lpush(between.key, taken.id)
    assert rq_cleanup.sweep() == 0
    _aged(taken, 0.5)
    assert rq_cleanup.sweep() == 0  # seen for the first time
    wakeup.redis().set(between.get_first_seen_key(taken.id), time.time() - 61)
    assert rq_cleanup.sweep() == 1
    assert between.get_job_ids() == []
    assert not _there(taken)


def test_a_job_in_no_list(steps: Queue) -> None:
    lost = steps.enqueue(nothing)
    steps.remove(lost.id)
    assert rq_cleanup.sweep() == 0
    _aged(lost, 2)
    assert rq_cleanup.sweep() == 1
    assert not _there(lost)


def test_a_queue_that_nobody_answers_does_not_grow_for_ever(steps: Queue) -> None:
    old, new = steps.enqueue(nothing), steps.enqueue(nothing)
    _aged(old, 2)
    assert rq_cleanup.sweep() == 1
    assert steps.get_job_ids() == [new.id]


def test_started_jobs_of_dead_workers_become_failures_that_end_in_a_day(steps: Queue) -> None:
    job = steps.enqueue(nothing, failure_ttl=86400)
    steps.remove(job.id)
    job.set_status(JobStatus.STARTED)
    wakeup.redis().zadd(steps.started_job_registry.key, {f"{job.id}:x": time.time() - 100})
    rq_cleanup.sweep()
    assert steps.started_job_registry.get_job_ids(cleanup=False) == []
    assert steps.failed_job_registry.get_job_ids() == [job.id]
    assert 0 < wakeup.redis().ttl(job.key) <= 86400


def test_running_and_waiting_jobs_stay(steps: Queue) -> None:
    waiting = steps.enqueue(nothing)
    running = _aged(steps.enqueue(nothing), 5)
    steps.remove(running.id)
    running.set_status(JobStatus.STARTED)
    wakeup.redis().zadd(steps.started_job_registry.key, {f"{running.id}:x": time.time() + 60})
    assert rq_cleanup.sweep() == 0
    assert _there(waiting)
    assert _there(running)
    assert steps.get_job_ids() == [waiting.id]


def test_other_keys_and_other_queues_are_not_touched(steps: Queue) -> None:
    other = _aged(Queue("other", connection=wakeup.redis()).enqueue(nothing), 100)
    wakeup.redis().set("rq:job:no-hash", "x")
    wakeup.redis().set("footlight:bell:x", "1")
    rq_cleanup.sweep()
    assert _there(other)
    assert wakeup.redis().get("rq:job:no-hash") == b"x"
    assert wakeup.redis().get("footlight:bell:x") == b"1"


@pytest.mark.parametrize("name", ["steps", "footlight-other-steps"])
def test_a_long_job_of_another_site_stays(name: str) -> None:
    """It runs for two hours, in no list that we know, and has no time to live."""
    theirs = Queue(name, connection=wakeup.redis())
    job = _aged(theirs.enqueue(nothing), 2)
    theirs.remove(job.id)
    before = _keys()
    assert rq_cleanup.sweep() == 0
    assert _keys() == before


def test_what_others_keep_does_not_hide_ours(steps: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rq_cleanup, "MOST", 20)
    monkeypatch.setattr(rq_cleanup, "SCANNED", 10)
    monkeypatch.setattr(rq_cleanup, "_cursor", 0)
    other = Queue("other", connection=wakeup.redis())
    for _ in range(100):
        other.enqueue(nothing)
    lost = _aged(steps.enqueue(nothing), 2)
    steps.remove(lost.id)
    assert sum(rq_cleanup.sweep() for _ in range(12)) == 1
    assert not _there(lost)


def test_queues_of_before_are_worked_off(steps: Queue) -> None:
    """Filled by a version without prefixes. Another program has a queue of that name too."""
    old = Queue("steps", connection=wakeup.redis())
    old.enqueue("jobs.tasks.check_step", 7, result_ttl=0)
    theirs = old.enqueue("billing.tasks.check_step", 7)
    strange = old.enqueue("jobs.tasks.check_step", "x")
    Queue("shifts", connection=wakeup.redis()).enqueue("jobs.tasks.shift")
    Queue("films", connection=wakeup.redis()).enqueue("jobs.tasks.archive_shift")
    assert rq_cleanup.sweep() == 3
    assert [(job.func_name, job.args) for job in steps.jobs] == [("jobs.tasks.check_step", [7])]
    assert [job.func_name for job in wakeup.queue_of("films").jobs] == ["jobs.tasks.archive_shift"]
    assert wakeup.queue_of("shifts").jobs == [], "the heartbeat starts it"
    assert old.get_job_ids() == [theirs.id, strange.id]
    assert rq_cleanup.sweep() == 0
    # Later it can only be another site's, of an older version.
    wakeup.redis().set(rq_cleanup.UPDATED_AT, time.time() - 3700)
    later = old.enqueue("jobs.tasks.check_step", 8)
    assert rq_cleanup.sweep() == 0
    assert old.get_job_ids() == [theirs.id, strange.id, later.id]


def test_workers_that_are_gone_are_forgotten(steps: Queue) -> None:
    wakeup.redis().sadd(f"rq:workers:{wakeup.queue_name('steps')}", "rq:worker:dead")
    wakeup.redis().sadd("rq:workers", "rq:worker:dead")
    rq_cleanup.sweep()
    assert wakeup.redis().smembers("rq:workers") == set()


def test_without_redis_nothing_happens(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert rq_cleanup.sweep() == 0


def test_nothing_of_ours_is_kept_for_a_year(
    steps: Queue, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.RQ_QUEUES[wakeup.queue_name("steps")], "URL", settings.REDIS_URL)
    wakeup.enqueue("steps", "check_step", 1)
    job = steps.jobs[0]
    assert job.result_ttl == 0
    assert job.failure_ttl is not None
    assert job.failure_ttl <= 86400
