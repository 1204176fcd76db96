"""What a load balancer asks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from studio.site_pages import health


@pytest.fixture
def pong(settings: Any) -> Iterator[None]:
    """A Redis that can answer, and nothing else: every command gets an OK, a ping its pong."""
    server = socket.create_server(("127.0.0.1", 0))

    def talk(visitor: socket.socket) -> None:
        with visitor, suppress(OSError):
            while data := visitor.recv(4096):
                commands = data.upper().count(b"*")
                word = (
                    b"+PONG\r\n"
                    if b"PING" in data.upper()
                    else b":0\r\n"
                    if b"EXISTS" in data.upper()
                    else b"$-1\r\n"
                    if b"\r\nGET\r\n" in data.upper()
                    else b"+OK\r\n" * commands
                )
                visitor.sendall(word)

    def answer() -> None:
        with suppress(OSError):
            while True:
                visitor, _address = server.accept()
                threading.Thread(target=talk, args=(visitor,), daemon=True).start()

    threading.Thread(target=answer, daemon=True).start()
    settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0?protocol=2"
    yield
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def test_alive_needs_nothing() -> None:
    response = Client().get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"alive": True}
    assert "no-store" in response["Cache-Control"]


@pytest.mark.usefixtures("pong", "db")
def test_ready_when_both_answer(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    response = Client().get("/readyz")
    # nobody works here, which is told and is no failure
    well = {
        "ready": True,
        "database": "ok",
        "redis": "ok",
        "tables": "ok",
        "storage": "ok",
        "worker": "silent",
        "clock": "ok",
        "data": "private",
    }
    assert (response.status_code, response.json()) == (200, well)
    tmp_path.chmod(0o755)
    told = Client().get("/readyz")
    assert (told.status_code, told.json()) == (200, well | {"data": "open"})


@pytest.mark.django_db
def test_not_ready_without_redis() -> None:
    response = Client().get("/readyz")
    found = response.json()
    assert response.status_code == 503
    assert (found["ready"], found["database"], found["redis"], found["worker"]) == (
        False,
        "ok",
        "unreachable",
        "unknown",
    )


@pytest.mark.django_db
def test_a_redis_that_hangs_is_not_waited_for(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        assert Client().get("/readyz").status_code == 503
        assert time.monotonic() - began < 2


@pytest.mark.usefixtures("pong", "db")
def test_not_ready_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def cursor(self) -> None:
            raise OperationalError("could not connect to db.internal as footlight")

    monkeypatch.setattr(health, "connection", Broken())
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert (response.json()["database"], response.json()["tables"]) == ("unreachable", "unknown")
    assert b"internal" not in response.content


@pytest.mark.django_db
def test_a_worker_is_told(redis: str) -> None:
    from jobs.common import wakeup

    wakeup.redis().set(wakeup.WORKER_ALIVE, 1, ex=15)
    assert Client().get("/readyz").json()["worker"] == "alive"


@pytest.mark.usefixtures("pong", "db")
def test_not_ready_with_old_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", set())
    monkeypatch.setattr(
        health.MigrationExecutor, "migration_plan", lambda self, targets: [("0003_engine", False)]
    )
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["tables"]) == (503, "old")
    monkeypatch.undo()
    assert health._tables() == "ok"


@pytest.mark.usefixtures("pong", "db")
def test_tables_are_asked_once(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(health, "_migrated", set())
    assert Client().get("/readyz").status_code == 200
    with django_assert_num_queries(1):
        assert Client().get("/readyz").status_code == 200


@pytest.mark.usefixtures("pong", "db")
@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_not_ready_when_nothing_can_be_stored(
    monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    if trouble == "full":
        monkeypatch.setattr(health, "ROOM", 2**80)
    else:
        monkeypatch.setattr("os.access", lambda *args: False)
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["storage"]) == (503, trouble)
    assert "/" not in response.json()["storage"]


@pytest.mark.usefixtures("pong", "db")
def test_a_bucket_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "is_local", lambda: False)
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["storage"]) == (200, "remote")
