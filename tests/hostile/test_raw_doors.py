"""The doors that are no pages (settings.ASGI_ROUTES), with nonsense: each answers, none fails."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client
from django.utils.module_loading import import_string

from tests.hostile import nonsense

# The doors work in threads, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)
INPUTS = 150
METHODS = ("GET", "PUT", "PUT", "POST", "HEAD", "DELETE", "OPTIONS")


def _scope(dice: random.Random, door: str, team: str, cookie: str) -> dict[str, Any]:
    word = dice.choice([team, team, quote(nonsense.text(dice)), nonsense.text(dice)])
    names = dice.sample(nonsense.HEADERS, 2)
    headers = {name.lower(): dice.choice(nonsense.HEADER_VALUES) for name in names}
    # What a server has tested before an application sees it.
    headers.pop("content-length", None)
    headers = {"host": "localhost", "cookie": cookie} | headers
    query = "&".join(f"{name}={quote(nonsense.text(dice))}" for name in ("name", "x"))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": dice.choice(METHODS),
        "path": f"{door}{word}{dice.choice(['/', '', '/x', '//'])}",
        "raw_path": b"/",
        "root_path": "",
        "query_string": query.encode() + dice.choice([b"", b"&\xff=%ff", b"&;"]),
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }


async def _status(app: Any, scope: dict[str, Any], body: list[bytes]) -> int:
    """What `app` answers to somebody who sends `body` and leaves; 0 for nothing at all."""
    sent: list[dict[str, Any]] = []
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    asked = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(asked, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await asyncio.wait_for(app(scope, receive, send), 20)
    return int(sent[0]["status"]) if sent else 0


@pytest.mark.parametrize("door", sorted(settings.ASGI_ROUTES))
def test_a_raw_door_answers_nonsense(
    door: str, everybody: dict[str, Client], values: dict[str, Any]
) -> None:
    app = import_string(settings.ASGI_ROUTES[door])
    dice = random.Random(1)
    seen: set[int] = set()
    for _ in range(INPUTS):
        client = everybody[dice.choice(["owner", "owner", "creator", "stranger", "nobody"])]
        cookie = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
        scope = _scope(dice, door, values["team"], cookie)
        body = [dice.choice(nonsense.BYTES) for _ in range(dice.randrange(3))]
        status = asyncio.run(_status(app, scope, body))
        assert status < 500, scope
        seen.add(status)
    assert len(seen) > 1
