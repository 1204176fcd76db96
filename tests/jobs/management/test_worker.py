"""The worker command: a heartbeat that survives anything, workers that are told to leave, and the
demo's proof of its videos."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisGone

from jobs import tasks
from jobs.engine import rq_worker, stopping
from jobs.management.commands import demo
from jobs.management.commands.worker import Heartbeat, WorkerProcesses
from studio.local.child import Child
from studio.models import Team, User
from tests import files, makers


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each heartbeat does: an exception to raise, or None."""
    plan: list[Any] = []

    def heartbeat(shifts: int) -> None:
        what = plan.pop(0)
        if what is not None:
            raise what

    monkeypatch.setattr(tasks, "heartbeat", heartbeat)
    # The real one would close the connection that the test's transaction lives in.
    monkeypatch.setattr("jobs.management.commands.worker.close_old_connections", lambda: None)
    return plan


def test_trouble_is_one_line_and_its_end_another(
    beats: list[Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("footlight.worker"), "propagate", True)
    beats += [
        None,
        RedisGone("Connection refused.\nmore"),
        RedisGone("Connection refused."),
        OperationalError("database is locked"),
        None,
        None,
    ]
    heartbeat = Heartbeat(1)
    while beats:
        heartbeat.due = 0
        heartbeat.beat()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3
    assert "Connection refused." in said[0]
    assert "more" not in said[0]
    assert "database is locked" in said[1]
    assert said[2] == "The heartbeat is back."


def test_a_bug_in_the_heartbeat_is_told_and_ends_no_worker(
    beats: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    beats += [KeyError("bug"), None]
    heartbeat = Heartbeat(1)
    while beats:
        heartbeat.due = 0
        heartbeat.beat()
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], KeyError)


def test_the_heart_does_not_race(beats: list[Any]) -> None:
    beats += [None, None]
    heartbeat = Heartbeat(1)
    heartbeat.beat()
    heartbeat.beat()
    assert len(beats) == 1


@pytest.fixture
def signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)
    stopping.requested.clear()


@pytest.mark.usefixtures("signals")
def test_a_running_step_is_told_and_not_torn() -> None:
    rq_worker.StoppableWorker.setup_work_horse_signals(object.__new__(rq_worker.StoppableWorker))
    os.kill(os.getpid(), signal.SIGINT)
    assert not stopping.requested.is_set()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stopping.requested.is_set()


def test_a_hand_that_does_not_leave_is_told_twice_and_then_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.management.commands.worker.FIRST_GRACE", 0.2)
    monkeypatch.setattr("jobs.management.commands.worker.SECOND_GRACE", 0.2)
    note = tmp_path / "note"
    script = (
        "import pathlib, signal, sys, time\n"
        f"note = pathlib.Path({str(note)!r})\n"
        "signal.signal(signal.SIGTERM, lambda *_: note.write_text(note.read_text() + 'told '))\n"
        "note.write_text('up ')\n"
        "[time.sleep(0.01) for _ in range(6000)]\n"
    )
    workers = WorkerProcesses(lambda name, line: None)
    child = Child(
        "steps-1",
        [sys.executable, "-c", script],
        ready=lambda: note.exists() and note.read_text() == "up ",
    )
    workers.add(child)
    process = child.process
    assert process is not None
    began = time.monotonic()
    workers.stop()
    assert process.returncode == -signal.SIGKILL
    assert note.read_text() == "up told told "
    assert time.monotonic() - began < 5


def test_no_workers_at_all_is_a_mistake() -> None:
    with pytest.raises(CommandError, match="1 or more"):
        call_command("worker", shifts=0, steps=0, films=0, edits=0)


def test_a_hand_without_redis_says_what_to_do(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*queues: str, preload: str) -> None:
        raise RedisGone("Connection refused.")

    monkeypatch.setattr(rq_worker, "work", gone)
    with pytest.raises(CommandError, match="Redis does not answer"):
        call_command("worker", queue="steps")


# ── the demo's videos ─────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def filmed(team: Team, creator: User) -> Callable[..., Any]:
    def make(billed: str, content: bytes | None = None, **columns: Any) -> Any:
        video = makers.asset(team, "video", content=content or files.mp4(2.0, fps=25))
        return makers.job(
            team,
            creator,
            state="succeeded",
            result=video,
            billed_units=billed,
            settled_micros=1,
            **columns,
        )

    return make


def test_a_video_as_long_as_billed_is_proven(filmed: Callable[..., Any]) -> None:
    seconds, place = demo.verified_video(filmed("2.030"))
    assert seconds == pytest.approx(2.0, abs=0.05)
    assert Path(place).exists()


def test_a_video_of_another_length_is_not(filmed: Callable[..., Any]) -> None:
    with pytest.raises(demo.NotMade, match=r"3.000 s were billed"):
        demo.verified_video(filmed("3.000"))


def test_a_broken_video_is_not(filmed: Callable[..., Any]) -> None:
    with pytest.raises(ValueError):
        demo.verified_video(filmed("2.000", content=files.truncated(files.mp4(2.0, fps=25))))


def test_a_failed_video_gives_its_reason(team: Team, creator: User) -> None:
    job = makers.job(
        team,
        creator,
        state="failed",
        title="Talking portrait",
        sentence="The service failed.",
        advice="Try again.",
    )
    with pytest.raises(demo.NotMade, match=r"Talking portrait: The service failed\. Try again\."):
        demo.verified_video(job)
