"""One process and port: streams and raw uploads as plain ASGI, every page through Django's WSGI
handler on page threads that never wait for the network.

Django's own ASGI handler costs 2 to 2.5 ms a request in thread hops, and a stream held inside
Django keeps a thread and a database connection for as long as it lasts.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress

from studio.config import private_files, sqlite_wal
from studio.media import decoders
from studio.web import temporary
from studio.web.asgi_types import App, Receive, Scope, Send
from studio.web.pages import Pages
from studio.web.visitors import answered_in_turn
from studio.wsgi import application as pages

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
log = logging.getLogger("footlight.web")


def _routes() -> list[tuple[str, App]]:
    from django.conf import settings
    from django.utils.module_loading import import_string

    return [(path, import_string(name)) for path, name in settings.ASGI_ROUTES.items()]


_pages = Pages(pages)
_side = _routes()


async def _routed(scope: Scope, receive: Receive, send: Send) -> None:
    for path, app in _side:
        if scope["path"].startswith(path):
            await app(scope, receive, send)
            return
    await _pages(scope, receive, send)


_http = answered_in_turn(_routed)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http":
        await _http(scope, receive, send)


def _at_start() -> None:
    from django.conf import settings

    private_files.mend(settings.DATA_DIR)
    sqlite_wal.set_at_start()
    decoders.serve_pages()


async def _lifespan(receive: Receive, send: Send) -> None:
    sweeping: asyncio.Task[None] | None = None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _at_start()
            sweeping = asyncio.create_task(temporary.sweep_for_ever())
        elif sweeping is not None:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
