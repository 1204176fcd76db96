"""One server with all keys, or a sentence that says what to write."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from redis import Redis
from redis.exceptions import RedisError

from studio.config import redis_address
from studio.local import redis_server
from tests.redis_on_port import on_port

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://localhost:6379/0",
        "redis://localhost",
        "redis://:p%2Fw@localhost:6379/3",
        "redis://me:a,b@localhost:6379/3?protocol=2",
        "rediss://host.example:6380/0?ssl_cert_reqs=required",
        "redis://[::1]:6379/0",
        "unix:///run/redis.sock?db=2",
        "unix://me:word@/run/redis.sock",
    ],
)
def test_one_server_is_taken(url: str) -> None:
    assert redis_address.checked(url) == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis+sentinel://me:hush@a:26379,b:26379/main/0", "begins with redis\\+sentinel://, and"),
        ("sentinel://me:hush@a:26379/main", "begins with sentinel://, and neither Sentinel"),
        ("redis-sentinel://me:hush@a:26379/main", "Give the address of the primary"),
        ("redis+cluster://me:hush@a:7000", "begins with redis\\+cluster://, and neither"),
        ("rediss+cluster://me:hush@a:7000", "Give the address of the primary"),
        ("localhost:6379", "does not say how to connect. Write redis:// before"),
        ("localhost", "as in redis://localhost:6379/0"),
        ("me:hush@localhost:6379/0", "does not say how to connect"),
        ("//me:hush@localhost:6379", "does not say how to connect"),
        ("valkey://me:hush@localhost:6379", "begins with valkey://. Write redis://"),
        ("REDIS://me:hush@localhost:6379", "Write redis://"),
        ("http://me:hush@localhost:6379", "begins with http://"),
        ("redis://me:hush@a:6379,b:6379/0", "names several hosts"),
        ("redis://me:hush@a:port/0", "cannot be read"),
        ("redis://me:hush@a:99999/0", "cannot be read"),
        ("redis://me:hush@a:6379/main", "with the number of a database at its end"),
        ("redis://me:hush@a:6379/0?socket_timeout=soon", "cannot be read"),
        ("redis:///0", "cannot be read"),
        ("redis://[::1/0", "cannot be read"),
        ("unix://", "cannot be read"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(url: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words) as refused:
        redis_address.checked(url)
    assert "REDIS_URL" in str(refused.value)
    assert "hush" not in str(refused.value)


def test_the_site_does_not_start_with_such_an_address(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import studio.settings"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "REDIS_URL": "redis+sentinel://a:26379/main",
            "DATA_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
    )
    assert told.returncode == 1
    assert "REDIS_URL begins with redis+sentinel://" in told.stderr


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """A server that is one node of a cluster."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = redis_server.find().command(on_port(port), tmp_path)
    bus = ["--cluster-enabled", "yes", "--cluster-port", str(port - 10_000 if port > 30_000 else 0)]
    process = subprocess.Popen([*command, *bus])
    client = Redis(port=port)
    for _ in range(200):
        try:
            client.ping()
            break
        except RedisError:
            time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(5)


def test_a_worker_does_not_start_at_a_cluster(
    cluster: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.management.commands.worker.WorkerProcesses.add", pytest.fail)
    settings.REDIS_URL = cluster
    with pytest.raises(CommandError, match="leads to a server in cluster mode"):
        call_command("worker")


def test_what_is_away_or_alone_is_not_refused(redis_url: str) -> None:
    assert redis_address.refusal(Redis.from_url(redis_url)) == ""
    assert redis_address.refusal(Redis(port=1)) == ""
