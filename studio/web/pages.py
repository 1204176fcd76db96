"""Django's pages for the event loop: a page thread computes one answer at a time and never waits
for the network.

The whole body is here before a thread is taken; the thread comes back with the status, the headers
and either all of the answer or its first block. What follows of a streamed answer (a file, a zip, a
CSV file) is read by other threads, a block each time that the reader has taken the one before.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

from django.db import close_old_connections, connections
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from studio.media import decoders
from studio.web.addresses import network_of
from studio.web.allowances import allowance
from studio.web.answers import Gone, Refused, refuse, until_gone
from studio.web.asgi_types import Receive, Scope, Send
from studio.web.bodies import Allowance, Spool, read_into
from studio.web.turns import Turns

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

P = ParamSpec("P")
T = TypeVar("T")

BLOCK = 64 * 1024  # bytes of a streamed answer that are gathered before they are sent
Environ: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Environ, "StartResponse"], HttpResponseBase]


@dataclass(slots=True)
class _Answer:
    """What a page thread made. `rest` is None when `first` is all of it; `close` ends it either
    way."""

    status: int
    headers: list[tuple[bytes, bytes]]
    first: bytes
    rest: Iterator[bytes] | None
    close: Callable[[], None]


class Pages:
    """The ASGI application of the WSGI application `handler`, on `threads` page threads.

    One that waits for a decoder gives its place to another page, so there are some threads more.
    """

    def __init__(self, handler: Handler, threads: int = 4) -> None:
        self.handler = handler
        self.threads = ThreadPoolExecutor(threads + decoders.PAGE_TURNS, thread_name_prefix="page")
        self.reading = ThreadPoolExecutor(threads, thread_name_prefix="read")
        self.turns = Turns(threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        spool = Spool()
        try:
            await read_into(spool, scope, receive, lambda: self._allowance(scope))
            body = await spool.finish()
            made = await self._answer(scope, body, spool.size)
        except Refused as refusal:
            await refuse(refusal, receive, send)
            return
        except Gone:
            return
        finally:
            spool.close()
        await self._send(made, scope["method"] == "HEAD", receive, send)

    async def _allowance(self, scope: Scope) -> Allowance:
        async with self.turns.turn(network_of(scope["client"][0])):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.threads, _disconnected(allowance), scope)

    async def _answer(self, scope: Scope, body: IO[bytes], size: int) -> _Answer:
        """Nothing of it is left behind when whoever waits for it is cancelled: then the thread
        itself closes what it made."""
        environ = environ_of(scope, body, size)
        loop = asyncio.get_running_loop()
        async with self.turns.turn(network_of(scope["client"][0])) as place:
            context = copy_context()
            context.run(decoders.give_place.set, lambda: loop.call_soon_threadsafe(place.give))
            running = self.threads.submit(context.run, self._made, environ)
            try:
                return await asyncio.wrap_future(running)
            except asyncio.CancelledError:
                running.add_done_callback(_closed)
                raise

    def _made(self, environ: Environ) -> _Answer:
        """In a page thread."""
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: object = None, /
        ) -> Callable[[bytes], object]:
            begun[:] = [(status, headers)]
            return refused_write

        made = self.handler(environ, start)
        blocks: Iterator[bytes] = iter(made if isinstance(made, StreamingHttpResponse) else ())
        try:
            first = made.content if isinstance(made, HttpResponse) else _gathered(blocks)
        except BaseException:
            made.close()
            raise
        status, headers = begun[0]
        # Django begins the value of Set-Cookie with a space.
        encoded = [(n.lower().encode("latin-1"), v.strip().encode("latin-1")) for n, v in headers]
        number = int(status.split(" ", 1)[0])
        if made.streaming and len(first) >= BLOCK:
            close_old_connections()  # as closing it would, which another thread does
            return _Answer(number, encoded, first, blocks, made.close)
        made.close()
        return _Answer(number, encoded, first, None, lambda: None)

    async def _next(self, blocks: Iterator[bytes]) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.reading, _disconnected(_gathered), blocks)

    async def _send(self, made: _Answer, head: bool, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(until_gone(receive))
        try:
            await send(
                {"type": "http.response.start", "status": made.status, "headers": made.headers}
            )
            await _block(send, b"" if head else made.first, more=made.rest is not None)
            if made.rest is None:
                return
            while not head and not gone.done() and (block := await self._next(made.rest)):
                await _block(send, block, more=True)
            await _block(send, b"", more=False)
        finally:
            gone.cancel()
            if made.rest is not None:
                # not awaited: what was cut off must be closed too
                self.reading.submit(_disconnected(made.close))


def refused_write(data: bytes) -> None:
    """PEP 3333's imperative way, which Django does not go."""
    raise NotImplementedError


def _closed(done: Future[_Answer]) -> None:
    if not done.cancelled() and not done.exception():
        done.result().close()


async def _block(send: Send, body: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


def _gathered(blocks: Iterator[bytes]) -> bytes:
    """The next blocks together, BLOCK bytes or more; fewer at the end, b"" behind it."""
    gathered = bytearray()
    for block in blocks:
        gathered += block
        if len(gathered) >= BLOCK:
            break
    return bytes(gathered)


def _disconnected(work: Callable[P, T]) -> Callable[P, T]:
    """`work` for a thread that keeps no connection of the database."""

    def run(*args: P.args, **more: P.kwargs) -> T:
        try:
            return work(*args, **more)
        finally:
            connections.close_all()

    return run


def environ_of(scope: Scope, body: IO[bytes], size: int) -> Environ:
    """PEP 3333's environ of an ASGI scope, for a body of `size` bytes that is here.

    Headers with an underscore are left out: `X_Forwarded_For` would look like `X-Forwarded-For`.
    """
    server = scope.get("server") or ("localhost", 80)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", "").encode().decode("latin-1"),
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(size),
    }
    for key, value in scope["headers"]:
        name = key.decode("latin-1").lower()
        if "_" in name or name in ("content-length", "transfer-encoding"):
            continue
        name = name.upper().replace("-", "_")
        name = name if name == "CONTENT_TYPE" else f"HTTP_{name}"
        text = value.decode("latin-1")
        with suppress(KeyError):
            text = environ[name] + ("; " if name == "HTTP_COOKIE" else ",") + text
        environ[name] = text
    return environ
