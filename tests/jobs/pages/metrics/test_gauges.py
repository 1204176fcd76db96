"""/metrics: its door, and that its numbers are true and do not cost more with history."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from rq import Queue

from jobs import tasks
from jobs.billing import ledger
from jobs.common import call_metrics, wakeup
from jobs.engine import checks
from jobs.models import Account, Check, Lane, PauseState
from jobs.pages.metrics import gauges
from studio.models import Team, User
from studio.web import limits
from tests import makers

pytestmark = pytest.mark.django_db
TOKEN = "a-long-random-word-0123"


@pytest.fixture(autouse=True)
def counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_metrics, "_counts", call_metrics.Counts())


@pytest.fixture
def token(settings: Any) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def _get(given: str | None) -> Any:
    return Client().get("/metrics", headers={} if given is None else {"Authorization": given})


def numbers() -> dict[Any, float]:
    """{(name, label values…) or name: value} of what a scrape shows."""
    found: dict[Any, float] = {}
    for family in text_string_to_metric_families(gauges.text().decode()):
        for sample in family.samples:
            found[(sample.name, *sample.labels.values()) if sample.labels else sample.name] = (
                sample.value
            )
    return found


# ── the door ──────────────────────────────────────────────────────────────────────────────────────
def test_without_a_token_there_is_no_such_page(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert _get(None).status_code == 404
    assert _get("Bearer ").status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        "Bearer é",
    ],
)
def test_a_wrong_token_opens_nothing(token: str, given: str | None) -> None:
    answer = _get(given)
    assert answer.status_code == 403
    assert answer["Content-Type"].startswith("text/plain"), "a scraper's log, not a page"
    assert b"footlight_" not in answer.content


def test_the_right_token_opens(token: str) -> None:
    answer = _get(f"Bearer {token}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "no-store" in answer["Cache-Control"]
    assert b"footlight_lanes 0.0" in answer.content
    assert (
        Client().post("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 405
    )


def test_a_short_token_is_refused_at_the_start(tmp_path: Path) -> None:
    code = (
        "import os; os.environ['METRICS_TOKEN'] = 'short'; from django.conf import settings; "
        "settings.DEBUG"
    )
    env = {
        "DJANGO_SETTINGS_MODULE": "studio.settings",
        "PATH": "/usr/bin",
        "DATA_DIR": str(tmp_path),
    }
    told = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert told.returncode != 0
    assert "METRICS_TOKEN is shorter than 16 characters" in told.stderr


# ── the numbers ───────────────────────────────────────────────────────────────────────────────────
def test_jobs_and_lanes(team: Team, creator: User, account: Account) -> None:
    now = timezone.now()
    old = makers.job(team, creator, account=account)
    type(old).objects.filter(pk=old.pk).update(created_at=now - timedelta(seconds=100))
    makers.job(team, creator, account=account)
    makers.job(team, creator, account=account, state="running", task_id="t1")
    makers.job(team, creator, account=account, state="uncertain", code="no-answer")
    makers.job(team, creator, account=account, state="uncertain", code="several-tasks")
    makers.job(
        team,
        creator,
        account=account,
        state="archiving",
        task_id="t2",
        result_expires_at=now + timedelta(hours=3),
    )
    makers.job(
        team,
        creator,
        account=account,
        state="archiving",
        task_id="t3",
        result_expires_at=now + timedelta(hours=2),
    )
    makers.job(team, creator, account=account, state="succeeded", task_id="t4")
    makers.job(team, creator, account=account, state="failed")
    found = numbers()
    assert found["footlight_jobs", "emo-v1", "queued"] == 2
    assert found["footlight_jobs", "emo-v1", "running"] == 1
    assert found["footlight_jobs", "emo-v1", "archiving"] == 2
    assert not [
        key
        for key in found
        if key[0] == "footlight_jobs" and key[2] in ("succeeded", "failed", "canceled")
    ]
    assert found["footlight_oldest_wait_seconds", "emo-v1"] == pytest.approx(100, abs=10)
    assert found["footlight_tasks_in_flight", "emo-v1"] == 3
    assert found["footlight_uncertain", "list"] == 1
    assert found["footlight_uncertain", "person"] == 1
    assert found["footlight_archive_backlog"] == 2
    assert found["footlight_archive_nearest_expiry_seconds"] == pytest.approx(7200, abs=10)
    assert found["footlight_up", "database"] == 1
    assert found["footlight_accounts", "ok"] == 1


def test_an_empty_site_says_zero(team: Team) -> None:
    found = numbers()
    assert found["footlight_archive_backlog"] == 0
    assert found["footlight_lanes_late"] == 0
    assert found["footlight_uncertain", "person"] == 0
    assert "footlight_archive_nearest_expiry_seconds" not in found


def test_lanes(team: Team) -> None:
    now = timezone.now()

    def lane(**columns: Any) -> Lane:
        return Lane.objects.create(
            account=makers.account(team), model="emo-v1", **{"next_visit_at": None, **columns}
        )

    lane(next_visit_at=now - timedelta(seconds=60))
    lane(next_visit_at=now - timedelta(seconds=60), lease_until=now + timedelta(seconds=60))
    lane(next_visit_at=now - timedelta(seconds=30), lease_until=now - timedelta(seconds=5))
    lane(next_visit_at=now - timedelta(seconds=1))
    lane(pause_state=PauseState.PAUSED)
    lane(pause_state=PauseState.DRAINING)
    lane(paused_until=now + timedelta(hours=1))
    resting = lane()
    Account.objects.filter(pk=resting.account_id).update(paused_until=now + timedelta(hours=1))
    found = numbers()
    assert found["footlight_lanes"] == 8
    assert found["footlight_lanes_late"] == 2
    assert found["footlight_lanes_latest_seconds"] == pytest.approx(60, abs=5)
    assert found["footlight_lanes_leased"] == 1
    assert found["footlight_lanes_paused"] == 3


def test_the_ledger(team: Team, creator: User, account: Account, stranger: User) -> None:
    waiting = makers.job(team, creator, account=account)
    done = makers.job(team, creator, account=account, state="succeeded", task_id="t1")
    paid = ledger.settle(done, Decimal("3.930"), done.variant)
    failed = makers.job(team, creator, account=account, state="failed")
    ledger.release(failed)
    check = makers.check(makers.asset(team), account, state=Check.State.WAITING)
    quote = checks.price(check.model, account)
    with transaction.atomic():
        ledger.hold(check, quote, team, creator)
    found = numbers()
    assert found["footlight_ledger_held_micros", "USD"] == waiting.quote_micros + quote.micros
    assert found["footlight_ledger_settled_month_micros", "USD"] == paid


def test_the_cost_does_not_grow_with_history(team: Team, creator: User, account: Account) -> None:
    makers.job(team, creator, account=account)
    with CaptureQueriesContext(
        connection,
    ) as few:
        gauges.text()
    for _ in range(20):
        makers.job(team, creator, account=account, state="succeeded")
    with CaptureQueriesContext(connection) as many:
        gauges.text()
    assert len(many) == len(few) <= 8


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the plan is read in SQLite's words")
def test_open_jobs_are_found_by_their_index(team: Team, creator: User, account: Account) -> None:
    makers.job(team, creator, account=account)
    plan = gauges.open_jobs().values("state").explain()
    assert "job_lane_state" in plan
    assert "SCAN jobs_job" not in plan


def test_redis_numbers(redis: str) -> None:
    queue = Queue(wakeup.queue_name("steps"), connection=wakeup.redis())
    queue.enqueue(tasks.check_step, 1)
    queue.enqueue(tasks.check_step, 2)
    Queue("steps", connection=wakeup.redis()).enqueue(tasks.check_step, 3)  # another site's
    wakeup.redis().zadd(f"rq:failed:{wakeup.queue_name('shifts')}", {"x": 1e12})
    for name in ("steps", "films"):
        wakeup.redis().sadd(f"rq:workers:{wakeup.queue_name(name)}", f"rq:worker:of-{name}")
    wakeup.redis().sadd("rq:workers", "rq:worker:of-steps", "rq:worker:of-films", "rq:worker:x")
    wakeup.redis().set(wakeup.WORKER_ALIVE, 1, ex=15)
    call_metrics.record("submit", 0.3, "ok")
    call_metrics.record("submit", 0.02, "throttled")
    found = numbers()
    assert found["footlight_queue_waiting", "steps"] == 2
    assert found["footlight_queue_failed", "shifts"] == 1
    assert found["footlight_queue_failed", "steps"] == 0
    assert found["footlight_worker_alive"] == 1
    assert found["footlight_workers"] == 2
    assert found["footlight_provider_calls_total", "submit", "ok"] == 1
    assert found["footlight_provider_calls_total", "submit", "throttled"] == 1
    assert found["footlight_provider_seconds_bucket", "submit", "0.05"] == 1
    assert found["footlight_provider_seconds_bucket", "submit", "0.5"] == 2
    assert found["footlight_provider_seconds_bucket", "submit", "+Inf"] == 2
    assert found["footlight_provider_seconds_count", "submit"] == 2
    assert found["footlight_provider_seconds_sum", "submit"] == pytest.approx(0.32)


def test_without_redis_the_database_still_answers(token: str) -> None:
    found = numbers()
    assert found["footlight_up", "redis"] == 0
    assert found["footlight_up", "database"] == 1
    assert "footlight_lanes" in found
    assert "footlight_worker_alive" not in found
    assert _get(f"Bearer {token}").status_code == 200


def test_without_the_database_redis_still_answers(
    redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(gauges, "_jobs", broken)
    found = numbers()
    assert found["footlight_up", "database"] == 0
    assert found["footlight_worker_alive"] == 0


def test_the_web_process_tells_of_itself(settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    (tmp_path / "upload-x").write_bytes(b"12345")
    limits.refusals.clear()
    limits.refusals["slow-body"] += 2
    with limits.streams.one(7, 50):
        found = numbers()
    assert found["footlight_web_streams"] == 1
    assert found["footlight_web_connections"] == 0
    assert (found["footlight_web_temporary_files"], found["footlight_web_temporary_bytes"]) == (
        1,
        5,
    )
    assert found["footlight_web_spooled_bytes"] == 0
    assert found["footlight_web_refused_total", "slow-body"] == 2
