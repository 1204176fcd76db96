"""Tasks: what the heartbeat enqueues, and that losing Redis only makes things late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from rq import Queue

from jobs import tasks
from jobs.common import wakeup
from jobs.models import Account, Check
from studio.models import Mail, Team, User
from tests import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    calls: list[tuple[Any, ...]] = []

    class FakeQueue:
        def __init__(self, name: str, **options: Any) -> None:
            self.name = name.removeprefix(f"{settings.REDIS_PREFIX}-")

        def __len__(self) -> int:
            return 0

        def enqueue(self, function: str, *args: int, **options: Any) -> None:
            assert callable(import_string(function)), "who is called by name is there"
            calls.append((self.name, function.removeprefix("jobs.tasks."), *args))
            assert options["result_ttl"] == 0
            assert options["failure_ttl"] < 7 * 86400

    monkeypatch.setattr("django_rq.get_queue", FakeQueue)
    monkeypatch.setattr("jobs.engine.rq_cleanup.sweep", lambda: 0)
    return calls


def test_the_heartbeat_takes_up_mail_that_waits(
    db: object, enqueued: list[tuple[Any, ...]]
) -> None:
    waiting = Mail.objects.create(to="x@example.com", subject="Hello")
    Mail.objects.create(to="x@example.com", next_at=timezone.now() + timedelta(seconds=30))
    Mail.objects.create(to="x@example.com", state=Mail.State.SENT)
    tasks.heartbeat()
    assert [call for call in enqueued if call[1] == "mail_step"] == [
        ("steps", "mail_step", waiting.pk)
    ]


def test_the_heartbeat_takes_up_what_lost_its_wakeup(
    team: Team, creator: User, account: Account, enqueued: list[tuple[Any, ...]]
) -> None:
    waiting = makers.check(makers.asset(team), account, state="waiting")
    died = makers.check(
        makers.asset(team),
        account,
        state="asking",
        lease_until=timezone.now() - timedelta(seconds=1),
    )
    makers.check(
        makers.asset(team),
        account,
        state="asking",
        lease_until=timezone.now() + timedelta(seconds=30),
    )
    makers.check(makers.asset(team), account, state="passed")
    video = makers.job(team, creator, account=account, state="archiving", task_id="t1")
    makers.job(
        team,
        creator,
        account=account,
        state="archiving",
        task_id="t2",
        lease_until=timezone.now() + timedelta(seconds=30),
    )
    makers.job(
        team,
        creator,
        account=account,
        state="archiving",
        task_id="t3",
        not_before=timezone.now() + timedelta(seconds=30),
    )
    tasks.heartbeat()
    assert sorted(call for call in enqueued if call[0] == "steps") == [
        ("steps", "check_step", waiting.pk),
        ("steps", "check_step", died.pk),
    ]
    assert [call for call in enqueued if call[0] == "films"] == [("films", "archive_run")]
    assert video.state == "archiving"


def test_a_video_that_is_made_over_keeps_no_video_and_no_check_waiting(
    team: Team, creator: User, enqueued: list[tuple[Any, ...]]
) -> None:
    edit = team.edits.create(
        asset=makers.asset(team, kind="video"), recipe={"do": "film"}, word="w", owner=creator
    )
    tasks.heartbeat()
    assert [call for call in enqueued if call[0] != "shifts"] == [("edits", "edit_step", edit.pk)]


def test_without_videos_nobody_is_called(enqueued: list[tuple[Any, ...]]) -> None:
    tasks.heartbeat()
    assert [call for call in enqueued if call[0] != "shifts"] == []


def test_once_a_minute_alarms_leftovers_and_shared_accounts(
    monkeypatch: pytest.MonkeyPatch, enqueued: list[tuple[Any, ...]]
) -> None:
    done: list[str] = []
    monkeypatch.setattr("jobs.engine.expiry.alarm", lambda: done.append("alarm"))
    monkeypatch.setattr("jobs.engine.rq_cleanup.sweep", lambda: done.append("sweep"))
    monkeypatch.setattr(
        "jobs.accounts.shared_accounts.recognise_new", lambda: done.append("recognise")
    )
    tasks.heartbeat()
    assert done == ["alarm", "sweep", "recognise"]


def test_every_supervisor_has_its_dispatcher_runs(
    redis: str, enqueued: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines that want one dispatcher run each are not content with one between them."""
    tasks.heartbeat(1)
    assert len([call for call in enqueued if call[0] == "shifts"]) == 1
    wakeup.redis().set(f"{tasks.RUNNING_KEYS}{tasks.lane_lease.place_name()}|1", 1, ex=8)
    enqueued.clear()
    tasks.heartbeat(1)
    assert enqueued == []
    monkeypatch.setattr("jobs.engine.lane_lease.place_name", lambda: "elsewhere")
    tasks.heartbeat(1)
    assert [call for call in enqueued if call[0] == "shifts"] == [("shifts", "dispatcher_run")]


@pytest.mark.parametrize(
    ("older", "function"),
    [("shift", tasks.dispatcher_run), ("archive_shift", tasks.archive_run)],
)
def test_a_queue_that_an_older_version_filled_is_worked_off(
    redis: str, older: str, function: Callable[[], None]
) -> None:
    queue = Queue("shifts", connection=wakeup.redis())
    queue.enqueue(f"jobs.tasks.{older}")
    assert [job.func for job in queue.jobs] == [function]


def test_without_redis_nothing_raises() -> None:
    wakeup.wake_dispatcher()
    wakeup.publish("north", {"id": 1})
    assert wakeup.wait(0.01) is False
    assert wakeup.once("x", 5) is True
    assert wakeup.worker_alive() is False


def test_a_step_for_a_finished_check_does_nothing(team: Team, account: Account) -> None:
    check = makers.check(makers.asset(team), account, state="passed")
    tasks.check_step(check.pk)
    assert Check.objects.get(pk=check.pk).attempt == 1
