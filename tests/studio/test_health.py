"""What a load balancer asks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from studio.views import health


@pytest.fixture
def pong(settings: Any) -> Iterator[None]:
    """A Redis that can answer, and nothing else: every command gets an OK, a ping its pong."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        try:
            while True:
                visitor, _address = server.accept()
                with visitor:
                    while data := visitor.recv(4096):
                        commands = data.upper().count(b"*")
                        visitor.sendall(b"+PONG\r\n" if b"PING" in data.upper() else b"+OK\r\n" * commands)
        except OSError:
            return

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0?protocol=2"
    yield
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(2)


def test_alive_needs_nothing() -> None:
    response = Client().get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"alive": True}
    assert "no-store" in response["Cache-Control"]


@pytest.mark.usefixtures("pong", "db")
def test_ready_when_both_answer() -> None:
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": True, "database": "ok", "redis": "ok"})


@pytest.mark.django_db
def test_not_ready_without_redis() -> None:
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (503, {"ready": False, "database": "ok", "redis": "unreachable"})


@pytest.mark.django_db
def test_a_redis_that_hangs_is_not_waited_for(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        assert Client().get("/readyz").status_code == 503
        assert time.monotonic() - began < 5


@pytest.mark.usefixtures("pong", "db")
def test_not_ready_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def cursor(self) -> None:
            raise OperationalError("could not connect to db.internal as footlight")

    monkeypatch.setattr(health, "connection", Broken())
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "unreachable"
    assert b"internal" not in response.content
