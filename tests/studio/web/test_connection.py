"""Connections that take their time, or are too many: against a real server."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from studio.web import limits
from studio.web.answers import answer, until_gone
from studio.web.asgi_types import Receive, Scope, Send
from studio.web.connection import Connection, table
from tests.studio.web.served import dial, get, rest, served, until, until_word

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
left: list[str] = []  # by requests for /endless, when they are over


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] != "/endless":
        await answer(send, 200, b"fine")
        return
    gone = asyncio.create_task(until_gone(receive))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while not gone.done():
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    left.append("endless")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("HEADER_SECONDS", 0.4), ("SEND_SECONDS", 0.4), ("KEEP_ALIVE", 3)):
        monkeypatch.setattr(limits, name, seconds)
    limits.refusals.clear()
    left.clear()


@pytest.fixture
def port() -> Iterator[int]:
    with served(app) as number:
        yield number
    assert not table.open
    assert not table.idle
    assert not table.by_address


def test_slow_headers_are_cut_off(port: int) -> None:
    began = time.monotonic()
    with dial(port, HEAD) as line:
        line.settimeout(0.05)
        said = b""
        for _ in range(60):
            try:
                line.sendall(b"X")
                got = line.recv(1000)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            if not got:
                break
            said += got
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"came too slowly" in said
    assert 0.3 < time.monotonic() - began < 2
    assert limits.refusals["slow-headers"] == 1


def test_a_connection_that_says_nothing_ends_without_a_word(port: int) -> None:
    with dial(port) as line:
        assert rest(line) == b""
    assert not limits.refusals


def test_headers_in_pieces_are_answered_and_the_connection_goes_on(port: int) -> None:
    with dial(port) as line:
        for _ in range(2):
            line.sendall(HEAD)
            time.sleep(0.2)
            line.sendall(b"\r\n")
            assert until_word(line, b"fine")
            time.sleep(0.5)  # longer than headers may take: a pause between requests is no request
    assert not limits.refusals


def test_the_rest_of_a_body_nobody_reads_cannot_hold_a_connection(port: int) -> None:
    with dial(port, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n") as line:
        began = time.monotonic()
        assert until_word(line, b"fine")
        line.settimeout(0.05)
        while time.monotonic() - began < 3:
            try:
                line.sendall(b"x")
                if not line.recv(100):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() - began < 2


def test_a_reader_that_takes_nothing_is_cut_off(port: int) -> None:
    with dial(port, b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n") as line:
        assert line.recv(10)
        until(lambda: left == ["endless"], 5)
    assert limits.refusals["slow-reader"] == 1


def test_one_address_holds_so_many_and_others_come_in(port: int, settings: Any) -> None:
    settings.CONNECTIONS_PER_ADDRESS = 2
    with dial(port), dial(port):
        until(lambda: len(table.open) == 2)
        assert get(port).startswith(b"HTTP/1.1 429 ")
        assert get(port, source="127.0.0.2").endswith(b"fine")
    until(lambda: not table.open)
    assert get(port).endswith(b"fine")
    assert limits.refusals["connections-address"] == 1


def test_a_proxy_is_not_one_visitor(port: int, settings: Any) -> None:
    from studio.common.client_address import networks

    settings.CONNECTIONS_PER_ADDRESS = 1
    settings.TRUSTED_PROXIES = networks(["127.0.0.1"])
    with dial(port), dial(port), dial(port):
        assert get(port).endswith(b"fine")


def test_connections_that_wait_make_room_the_longest_waiting_first(
    port: int, settings: Any
) -> None:
    settings.CONNECTIONS = 3
    with dial(port) as first, dial(port) as second:
        until(lambda: len(table.open) == 2)
        with dial(port, b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n") as busy:
            assert busy.recv(10)
            assert get(port).endswith(b"fine")
            assert rest(first) == b""
            second.sendall(HEAD + b"\r\n")
            assert until_word(second, b"fine")
    assert limits.refusals["made-room"] == 1


def test_when_all_are_busy_a_new_one_is_refused(port: int, settings: Any) -> None:
    settings.CONNECTIONS = 1
    with dial(port, b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n") as busy:
        assert busy.recv(10)
        assert get(port).startswith(b"HTTP/1.1 503 ")
    assert limits.refusals["connections-all"] == 1


def test_what_we_use_of_uvicorn_is_there() -> None:
    """Methods that uvicorn calls and ours go around, and what they read."""
    for name in (
        "connection_made",
        "connection_lost",
        "data_received",
        "handle_events",
        "on_response_complete",
        "pause_writing",
        "resume_writing",
        "timeout_keep_alive_handler",
        "send_400_response",
        "_unset_keepalive_if_required",
    ):
        assert inspect.isfunction(getattr(H11Protocol, name)), name
        assert getattr(Connection, name) is not None
    made = inspect.getsource(H11Protocol.__init__) + inspect.getsource(
        RequestResponseCycle.__init__
    )
    for name in ("self.timeout_keep_alive", "self.cycle", "self.client", "self.response_complete"):
        assert f"{name}:" in made or f"{name} =" in made, name
