"""One port: pages through the bridge, streams and raw uploads beside them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from studio import asgi
from tests.studio.web.served import get, served


def call(path: str, method: str = "GET", kind: str = "http") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    incoming = (
        [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        if kind == "lifespan"
        else [{"type": "http.request", "body": b""}]
    )

    async def receive() -> dict[str, Any]:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    scope |= {
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "asgi": {"version": "3.0"},
    }
    asyncio.run(asgi.application(scope, receive, send))
    return sent


def test_it_starts_and_stops() -> None:
    assert [message["type"] for message in call("", kind="lifespan")] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


def test_pages_come_through_the_bridge() -> None:
    sent = call("/healthz")
    assert sent[0]["status"] == 200
    headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]


@pytest.mark.django_db(transaction=True)
def test_a_server_can_send_what_django_makes() -> None:
    """Django begins the value of a cookie with a space, which h11 refuses."""
    with served(asgi.application) as port:
        said = get(port, "/accounts/login/")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nset-cookie: csrftoken=" in said


@pytest.mark.django_db(transaction=True)
def test_streams_and_uploads_have_doors_of_their_own() -> None:
    assert call("/live/north/")[0]["status"] == 401
    assert call("/upload/north/", method="PUT")[0]["status"] in (401, 403)
