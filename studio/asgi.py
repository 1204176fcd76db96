"""One process and port: streams and raw uploads as plain ASGI, every page through Django's WSGI
handler.

Django's own ASGI handler costs 2 to 2.5 ms a request in thread hops, and a stream held inside
Django keeps a thread and a database connection for as long as it lasts.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from a2wsgi import WSGIMiddleware

from studio.config import sqlite_wal
from studio.wsgi import application as pages

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def _routes() -> list[tuple[str, App]]:
    from django.conf import settings
    from django.utils.module_loading import import_string

    return [(path, import_string(name)) for path, name in settings.ASGI_ROUTES.items()]


_bridge = WSGIMiddleware(cast(Any, pages), workers=4)
_side = _routes()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["type"] == "http":
        for path, app in _side:
            if scope["path"].startswith(path):
                await app(scope, receive, send)
                return
        await _bridge(scope, receive, send)  # type: ignore[arg-type]


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            sqlite_wal.set_at_start()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
