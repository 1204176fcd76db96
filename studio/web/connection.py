"""One connection of a visitor: how long it may take and how many there may be, which only the
server itself can say; an application sees a request when its headers are complete.

uvicorn has a time for the pause between two requests and none for a request that comes a byte at a
time, nor for an answer that nobody reads. This class adds them. It uses inner steps of uvicorn's
class, so the version is exact and tests/studio/web/test_connection.py names what must stay.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import Counter
from contextlib import suppress

from django.conf import settings
from django.utils.translation import gettext as _
from uvicorn.protocols.http.h11_impl import H11Protocol

from studio.web import limits
from studio.web.addresses import is_proxy, network_of

UNSENT = 128 * 1024
TCP_NOTSENT_LOWAT = 0x201 if sys.platform == "darwin" else 25  # a name in Python from 3.12
LOOKED_AT = 64  # connections that are tried when room must be made


class Table:
    """The open connections of this process, by address, and those of them that wait for a request,
    the one that waits longest first."""

    def __init__(self) -> None:
        self.open: set[Connection] = set()
        self.by_address: Counter[str] = Counter()
        self.idle: dict[Connection, None] = {}
        self.most: int | None = None  # as the open files of the process allow; None for any

    def enter(self, connection: Connection) -> str:
        """Count it in: "" when it may stay, else "address" or "all", and it is not counted.

        When there are as many as may be, those that wait for a request make room, the longest
        waiting first, so that holding connections open keeps nobody out.
        """
        if self.by_address[connection.counted_as] >= settings.CONNECTIONS_PER_ADDRESS:
            return "address"
        most = settings.CONNECTIONS if self.most is None else min(self.most, settings.CONNECTIONS)
        if len(self.open) >= most and not self._make_room():
            return "all"
        self.open.add(connection)
        if connection.counted_as:
            self.by_address[connection.counted_as] += 1
        return ""

    def _make_room(self) -> bool:
        for connection in list(self.idle)[:LOOKED_AT]:
            if not connection.transport.get_write_buffer_size():
                limits.refusals["made-room"] += 1
                self.leave(connection)
                connection.transport.abort()
                return True
        return False

    def leave(self, connection: Connection) -> None:
        self.idle.pop(connection, None)
        if connection in self.open:
            self.open.remove(connection)
            self.by_address[connection.counted_as] -= 1
            if self.by_address[connection.counted_as] <= 0:
                del self.by_address[connection.counted_as]


table = Table()


def _hold_little_back(transport: asyncio.Transport) -> None:
    """Have the kernel take UNSENT bytes of an answer beyond what is under way. It would take
    megabytes, so a thousand readers that take nothing would be sent gigabytes."""
    line: socket.socket | None = transport.get_extra_info("socket")
    if line is not None and line.family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            line.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT)


class Connection(H11Protocol):
    """uvicorn's connection with a time for headers, one for a reader, and a place in `table`."""

    counted_as = ""  # the address that its place counts for; "" for a proxy, which is everybody
    admitted = False
    _header_timer: asyncio.TimerHandle | None = None
    _send_timer: asyncio.TimerHandle | None = None
    _close_timer: asyncio.TimerHandle | None = None

    # ── it comes and goes ─────────────────────────────────────────────────────────────────────────
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _hold_little_back(transport)
        peer = self.client[0] if self.client else ""
        proxy = is_proxy(peer)
        self.timeout_keep_alive = limits.PROXY_KEEP_ALIVE if proxy else limits.KEEP_ALIVE
        self.counted_as = "" if proxy or not peer else network_of(peer)
        full = table.enter(self)
        if full:
            self._turn_away(full)
            return
        self.admitted = True
        table.idle[self] = None
        self._begin_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._header_timer, self._send_timer, self._close_timer):
            if timer is not None:
                timer.cancel()
        table.leave(self)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def _turn_away(self, full: str) -> None:
        limits.refusals[f"connections-{full}"] += 1
        status, sentence = (
            ("429 Too Many Requests", _("Too many connections from your address are open."))
            if full == "address"
            else ("503 Service Unavailable", _("Too many connections to this site are open."))
        )
        self._last_words(status, sentence)

    def _last_words(self, status: str, sentence: str) -> None:
        """A whole answer without the machine of h11, and the end."""
        body = f"{sentence}\n".encode()
        self.transport.write(
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nRetry-After: 10\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        self.transport.close()
        self._end_soon()

    # ── headers ───────────────────────────────────────────────────────────────────────────────────
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _begin_headers(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(limits.HEADER_SECONDS, self._late)

    def _end_headers(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _late(self) -> None:
        self._header_timer = None
        if self._answering() or self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:
            limits.refusals["slow-headers"] += 1
            self._last_words("408 Request Timeout", _("The request came too slowly."))
        else:  # it sent nothing, or the rest of a body that was refused
            self.transport.close()
            self._end_soon()

    def data_received(self, data: bytes) -> None:
        if not self.admitted or self.transport.is_closing():
            return
        if not self._answering():
            self._begin_headers()
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if self._answering():
            self._end_headers()
            table.idle.pop(self, None)

    def on_response_complete(self) -> None:
        if self in table.open:
            table.idle.pop(self, None)
            table.idle[self] = None
        super().on_response_complete()
        if self.transport.is_closing():
            self._end_soon()

    # ── an answer that nobody reads ───────────────────────────────────────────────────────────────
    def pause_writing(self) -> None:
        super().pause_writing()
        if self._send_timer is None:
            self._send_timer = self.loop.call_later(limits.SEND_SECONDS, self._unread)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def _unread(self) -> None:
        limits.refusals["slow-reader"] += 1
        self.transport.abort()

    def _end_soon(self) -> None:
        """A transport that is closed first sends what it holds, to a reader that may never take
        it."""
        if self._close_timer is None:
            self._close_timer = self.loop.call_later(limits.SEND_SECONDS, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._end_soon()

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(msg)
        self._end_soon()
