"""What people wait for less never holds up what is paid: a video that is to be fetched does not
wait for a mail, a sweep of files or a crop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs import tasks
from jobs.common import wakeup
from jobs.engine import archive, expiry
from jobs.orders import late_videos
from studio.files import edit_queue
from studio.mail import queue as mail_queue
from studio.web import temporary

pytestmark = pytest.mark.django_db


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a heartbeat did of what is paid: a video is due, and the minute is over."""
    done: list[str] = []
    monkeypatch.setattr(archive, "due", lambda: True)
    monkeypatch.setattr(wakeup, "once", lambda name, seconds: True)
    monkeypatch.setattr(wakeup, "enqueue", lambda queue, step, *ids: done.append(step))
    monkeypatch.setattr(wakeup, "enqueue_archive", lambda: done.append("archive"))
    monkeypatch.setattr(expiry, "alarm", lambda: done.append("alarm"))
    monkeypatch.setattr(late_videos, "settle", lambda: done.append("settle"))
    return done


def fails(*_args: object) -> None:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("module", "name"),
    [(mail_queue, "due"), (edit_queue, "due"), (mail_queue, "sweep"), (temporary, "sweep")],
)
def test_a_bug_beside_holds_up_no_video(
    enqueued: list[str], monkeypatch: pytest.MonkeyPatch, module: object, name: str
) -> None:
    monkeypatch.setattr(module, name, fails)
    with pytest.raises(RuntimeError):
        tasks.heartbeat()
    assert {"archive", "alarm", "settle"} <= set(enqueued)


def test_a_folder_that_is_gone_is_no_trouble_of_the_heartbeat(
    enqueued: list[str], settings: Any, tmp_path: Path
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "gone")
    tasks.heartbeat()
    assert "archive" in enqueued
