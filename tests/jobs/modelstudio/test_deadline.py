"""An answer has one deadline, from its status line to its last byte, and a connection one for all
addresses of a host."""

from __future__ import annotations

import socket
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from jobs.catalogue import entries
from jobs.modelstudio import Client, NoAnswer, NotSent, http_get, transport, upload
from tests.dripping import HEADS, dripping
from tests.jobs.modelstudio.server import BODY, CREATED, KEY, Server, at


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_get, "PATIENCE", 0.0)  # a GET is not tried again


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("where", HEADS)
@pytest.mark.parametrize("call", ["get", "submit"])
def test_a_drip_is_left(
    scheme: str, where: str, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dripping(tmp_path, scheme, where) as (address, pem):
        monkeypatch.setattr(transport, "CERTIFICATES", str(pem))
        client = Client(address, KEY, private_ok=True, read=0.3)
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            client.get("t-1") if call == "get" else client.submit(entries.EMO, BODY)
        assert time.monotonic() - began < 1.5


def test_a_kept_connection_has_its_whole_time_again(server: Server) -> None:
    client = at(server, read=0.6)
    server.answer = lambda handler: (time.sleep(0.35), handler.reply(CREATED))
    for _ in range(3):
        client.get("t-1")
    assert server.connections == 1


def test_many_addresses_have_one_time_together(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []

    def lookup(name: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"8.8.8.{n}", port)) for n in range(9)]

    def connect(address: Any, timeout: float) -> socket.socket:
        tried.append(timeout)
        time.sleep(timeout / 2)
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(NotSent, match="in time"):
        Client("https://service.example", KEY, connect=0.4).get("t-1")
    assert sum(tried) < 0.9


def test_a_storage_that_takes_a_file_too_slowly_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 100))
    form = upload.Form({}, BytesIO(b"x" * 1_000_000), "a.png", "image/png")
    monkeypatch.setattr(upload.time, "monotonic", lambda: next(clock))
    with pytest.raises(TimeoutError):
        list(form)
