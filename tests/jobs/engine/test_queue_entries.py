"""What stands in Redis is data: nothing of it is unpickled, and nothing but our own steps is run,
whoever wrote it there."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from rq import Queue
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import PickleSerializer
from rq.worker import SimpleWorker

from jobs import tasks
from jobs.common import queue_entries, wakeup
from jobs.common.queue_entries import STEPS, RefusedEntry, StepEntry
from jobs.engine import rq_cleanup
from tests import makers

ROOT = Path(__file__).resolve().parents[3]


class Trap:
    """Unpickled, it makes the file `path`."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def _write(queue: Queue, data: bytes, **fields: bytes) -> str:
    """An entry of `queue` as somebody with the address of Redis writes it."""
    pk = f"made-{os.urandom(4).hex()}"
    redis = wakeup.redis()
    redis.hset(
        f"rq:job:{pk}",
        mapping={
            "data": zlib.compress(data),
            "origin": queue.name,
            "status": "queued",
            "created_at": "2026-01-01T00:00:00.000000Z",
            "description": "x",
            **fields,
        },
    )
    redis.rpush(queue.key, pk)
    return pk


def _work_off(queue: str) -> str:
    """What a real worker says that runs until the queue is empty."""
    program = (
        "import django; django.setup()\n"
        "from jobs.engine import rq_worker\n"
        f"rq_worker.work({wakeup.queue_name(queue)!r}, preload='jobs.tasks', burst=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "studio.settings",
            "REDIS_URL": settings.REDIS_URL,
            "REDIS_PREFIX": settings.REDIS_PREFIX,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_worker_unpickles_nothing(redis: str, tmp_path: Path) -> None:
    queue = wakeup.queue_of("steps")
    traps = [tmp_path / name for name in ("data", "meta", "result")]
    pickled = [pickle.dumps(Trap(path)) for path in traps]
    good = b'["jobs.tasks.check_step", null, [0], {}]'
    _write(queue, pickled[0])
    _write(queue, good, meta=pickled[1])
    _write(queue, good, result=zlib.compress(pickled[2]))
    _write(queue, pickle.dumps(("os.mkdir", None, (str(tmp_path / "old"),), {})))
    _work_off("steps")
    assert [path.name for path in tmp_path.iterdir()] == []
    assert len(queue) == 0
    failed = queue.failed_job_registry
    assert failed.get_job_count(cleanup=False) >= 2


@pytest.mark.parametrize(
    "entry",
    [
        '["os.mkdir", null, ["{path}"], {}]',
        '["jobs.tasks.os.mkdir", null, ["{path}"], {}]',
        '["jobs.tasks.heartbeat", null, [1], {}]',
        '["mkdir", "os", ["{path}"], {}]',
        '["jobs.tasks.check_step", null, ["{path}"], {}]',
        '["jobs.tasks.check_step", null, [true], {}]',
        '["jobs.tasks.check_step", null, [], {"pk": 1}]',
        '["jobs.tasks.check_step", null, 7, {}]',
        "[]",
        "{}",
        "7",
        "nonsense",
    ],
)
def test_a_worker_runs_nothing_but_our_steps(redis: str, tmp_path: Path, entry: str) -> None:
    queue = wakeup.queue_of("steps")
    pk = _write(queue, entry.replace("{path}", str(tmp_path / "made")).encode())
    job = StepEntry.fetch(pk, connection=wakeup.redis())
    with pytest.raises((RefusedEntry, DeserializationError)):
        job.perform()
    assert list(tmp_path.iterdir()) == []


def test_callbacks_and_webhooks_of_an_entry_are_not_called(redis: str) -> None:
    queue = wakeup.queue_of("steps")
    hooks = b'[{"url": "http://127.0.0.1:1/", "status": "failed"}]'
    pk = _write(
        queue,
        b"nonsense",
        success_callback_name=b"os.getcwd",
        failure_callback_name=b"os.getcwd",
        stopped_callback_name=b"os.getcwd",
        webhooks=hooks,
    )
    job = StepEntry.fetch(pk, connection=wakeup.redis())
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)
    assert job.webhooks == []


def test_our_steps_are_there_and_are_run(redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, tuple[int, ...]]] = []
    for name in STEPS:
        assert callable(getattr(tasks, name))
        monkeypatch.setattr(tasks, name, lambda *ids, name=name: seen.append((name, ids)))
        wakeup.enqueue("steps", name, 7)
    queue = wakeup.queue_of("steps")
    worker = SimpleWorker([queue], connection=wakeup.redis(), job_class=StepEntry)
    worker.work(burst=True, logging_level="ERROR")
    assert sorted(seen) == sorted((name, (7,)) for name in STEPS)


def test_everything_that_is_enqueued_is_a_step(redis: str) -> None:
    with pytest.raises(RefusedEntry):
        wakeup.enqueue("steps", "heartbeat")


def test_whatever_names_no_serializer_has_none_that_unpickles(redis: str, tmp_path: Path) -> None:
    """RQ's registries, its commands and the pages of django-rq fetch entries on their own."""
    queue = wakeup.queue_of("steps")
    pk = _write(queue, pickle.dumps(Trap(tmp_path / "a")), meta=pickle.dumps(Trap(tmp_path / "b")))
    wakeup.redis().zadd(queue.started_job_registry.key, {f"{pk}:1": 1})
    Job.fetch(pk, connection=wakeup.redis())
    StartedJobRegistry(queue.name, connection=wakeup.redis()).cleanup()
    with pytest.raises(ValueError):
        PickleSerializer.loads(pickle.dumps(Trap(tmp_path / "c")))
    rq_cleanup.sweep()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", settings.QUEUES)
def test_every_queue_has_entries_of_ours_for_web_and_worker(name: str) -> None:
    queue = wakeup.queue_of(name)
    assert queue.job_class is StepEntry
    assert queue.serializer is queue_entries.JSONSerializer
    config = settings.RQ_QUEUES[wakeup.queue_name(name)]
    assert config["SERIALIZER"] == "json"


def test_what_an_older_version_left_is_made_again_from_the_rows(
    redis: str,
    team: Any,
    account: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    """A pickled entry of before the update fails, and the heartbeat enqueues its row anew."""
    check = makers.check(makers.asset(team), account, state="waiting")
    queue = wakeup.queue_of("steps")
    _write(queue, pickle.dumps(("jobs.tasks.check_step", None, (check.pk,), {})))
    done: list[int] = []
    monkeypatch.setattr(tasks, "check_step", done.append)

    def work() -> None:
        SimpleWorker([queue], connection=wakeup.redis(), job_class=StepEntry).work(
            burst=True, logging_level="CRITICAL"
        )

    work()
    assert done == []
    with django_capture_on_commit_callbacks(execute=True):
        tasks.heartbeat()
    work()
    assert done == [check.pk]
