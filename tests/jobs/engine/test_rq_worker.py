"""A worker that is asked to stop: its running step hears of it, ends well, and nothing is left
behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from redis import Redis
from rq import Queue

from jobs.common import call_metrics, wakeup
from jobs.common.queue_entries import StepEntry

ROOT = Path(__file__).resolve().parents[3]


def _until(what: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.fixture
def process(redis: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    env = {
        **os.environ,
        "REDIS_URL": redis,
        "REDIS_PREFIX": settings.REDIS_PREFIX,
        "DATA_DIR": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "studio.settings",
    }
    made = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.engine.rq_steps", str(tmp_path / "note")],
        cwd=ROOT,
        env=env,
    )
    yield made
    made.kill()
    made.wait()


def test_sigterm_lets_the_running_step_end_well(
    process: subprocess.Popen[bytes], redis: str, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    client = Redis.from_url(redis)
    queue = Queue(
        wakeup.queue_name("steps"), connection=client, job_class=StepEntry, serializer="json"
    )
    job = queue.enqueue("jobs.tasks.archive_run", result_ttl=0, failure_ttl=60)
    later = queue.enqueue("jobs.tasks.archive_run", result_ttl=0, failure_ttl=60)
    _until(note.exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert note.read_text() == "ended well"
    assert queue.failed_job_registry.get_job_count(cleanup=False) == 0
    assert queue.started_job_registry.get_job_count(cleanup=False) == 0
    assert not client.exists(job.key)
    assert queue.get_job_ids() == [later.id]  # nothing new is begun
    assert client.scard("rq:workers") == 0
    assert (
        client.hget(call_metrics.KEY, "n|query|ok") == b"1"
    )  # its counts are not lost with the process


@pytest.mark.parametrize("whose", ["parent", "child"])
def test_a_sigterm_around_the_fork_is_not_lost(whose: str, tmp_path: Path) -> None:
    env = {**os.environ, "DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "tests.jobs.engine.sigterm_at_fork", whose]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
