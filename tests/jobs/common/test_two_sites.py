"""Two sites on one Redis never meet: whatever one writes there begins with its own prefix."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis import Redis

from jobs import tasks
from jobs.accounts import rate_limit
from jobs.common import call_metrics, wakeup
from jobs.engine import restored
from studio.config import env

ROOT = Path(__file__).resolve().parents[3]
SITE_B = """
import django; django.setup()
from jobs.common import wakeup
print(wakeup.SITE, wakeup.once("minute", 60), wakeup.worker_alive(), len(wakeup.queue_of("steps")))
wakeup.enqueue("steps", "check_step", 1)
"""


@pytest.mark.django_db(transaction=True)
def test_all_names_in_redis_are_the_site_s_own(redis: str) -> None:
    tasks.heartbeat()
    wakeup.wake_dispatcher()
    wakeup.enqueue_check(1)
    wakeup.enqueue_edit(1)
    wakeup.enqueue_archive()
    rate_limit.take(1, "cancel")
    call_metrics.record("submit", 0.3, "ok")
    call_metrics.flush()
    keys = {key.decode() for key in cast(list[bytes], wakeup.redis().keys("*"))}
    # Jobs of RQ have random ids and say whose they are.
    others = {key for key in keys if settings.REDIS_PREFIX not in key and key != "rq:queues"}
    assert {key.rpartition(":")[0] for key in others} == {"rq:job"}
    for name in (wakeup.EVENTS, wakeup.CLOCK_PROBLEM, restored.LATEST_ATTEMPT):
        assert name.startswith(settings.REDIS_PREFIX)


def test_another_site_hears_nothing_of_ours(redis: str, tmp_path: Path) -> None:
    wakeup.once("minute", 60)
    wakeup.redis().set(wakeup.WORKER_ALIVE, 1, ex=15)
    wakeup.enqueue("steps", "check_step", 1)
    environ = {
        **os.environ,
        "REDIS_URL": redis,
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "another site",
        "DJANGO_SETTINGS_MODULE": "studio.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", SITE_B],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    site, first, alive, waiting = done.stdout.split()
    assert site != wakeup.SITE, done.stderr
    assert (first, alive, waiting) == ("True", "False", "0")
    assert len(wakeup.queue_of("steps")) == 1
    assert len(cast(set[bytes], Redis.from_url(redis).smembers("rq:queues"))) == 2


def test_the_prefix_is_made_of_the_key_and_says_nothing_of_it(monkeypatch: Any) -> None:
    monkeypatch.delenv("REDIS_PREFIX", raising=False)
    one, two = env.redis_prefix("key one"), env.redis_prefix("key two")
    assert one == env.redis_prefix("key one") != two
    monkeypatch.setenv("REDIS_PREFIX", "north_2")
    assert env.redis_prefix("key one") == "north_2"
    for bad in ("a b", "a*", "a:b", "x" * 41):
        monkeypatch.setenv("REDIS_PREFIX", bad)
        with pytest.raises(ImproperlyConfigured, match="REDIS_PREFIX is"):
            env.redis_prefix("key one")
