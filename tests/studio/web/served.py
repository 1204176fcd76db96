"""A real server on loopback for tests of what only a connection shows, and sockets to it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn

from studio.web.asgi_types import App
from studio.web.connection import Connection, table


@contextmanager
def served(app: App) -> Iterator[int]:
    """The port of a server of `app` with our connections, in a thread."""
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        proxy_headers=False,
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    for left in (table.open, table.idle, table.by_address):  # by a test that failed
        left.clear()
    with socket.create_server(("127.0.0.1", 0), backlog=500) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        until(lambda: server.started)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()


def until(what: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def dial(port: int, sent: bytes = b"", source: str = "127.0.0.1") -> socket.socket:
    """A connection from the loopback address `source`, with `sent` written to it."""
    line = socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))
    if sent:
        line.sendall(sent)
    return line


def rest(line: socket.socket) -> bytes:
    """Everything until the other end closes."""
    got = bytearray()
    with suppress(ConnectionError):
        while data := line.recv(65536):
            got += data
    return bytes(got)


def until_word(line: socket.socket, word: bytes) -> bytes:
    """What comes until it ends in `word`; fails when the other end closes before."""
    got = b""
    while not got.endswith(word):
        data = line.recv(65536)
        assert data, got
        got += data
    return got


def get(port: int, path: str = "/", *headers: str, source: str = "127.0.0.1") -> bytes:
    """The whole answer to a GET on a connection of its own."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    with dial(port, "\r\n".join([*lines, "", ""]).encode(), source) as line:
        return rest(line)
