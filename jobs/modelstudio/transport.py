"""Connections that know whether a byte of a request has left this machine, and answers that cannot
grow or drag on.

requests and urllib3 tell a failed TLS handshake and a TLS connection cut after the order by the
same exception; money needs the difference. So the connection itself marks the moment it has a peer
and begins to send.
"""

from __future__ import annotations

import json
import math
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.poolmanager import PoolManager
from urllib3.response import BaseHTTPResponse
from urllib3.util import Timeout

LARGEST_ANSWER = 2 * 1024 * 1024
CERTIFICATES = (
    certifi.where()
)  # whom we trust: what requests ships, never what the environment says
# connections to one host that a process keeps for the next GET; more are made when needed, and
# closed
POOL_SIZE = 64
# What was written and not received within this time, by any layer below us, is thrown away instead
# of being delivered minutes later, when the network is back and nobody waits for it any more.
UNDELIVERED = 20.0
_GIVE_UP = (
    [(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNDELIVERED * 1000))]
    if hasattr(socket, "TCP_USER_TIMEOUT")
    else []
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_mark = threading.local()


def forget_sent(still_timely: Callable[[], None] | None = None) -> None:
    """Begin a request on this thread: nothing has been sent yet. `still_timely` is called right
    before each part of it leaves, and raises when it may not leave any more."""
    _mark.sent, _mark.still_timely = False, still_timely


def was_sent() -> bool:
    """Whether the request of this thread has begun to leave the machine."""
    return bool(getattr(_mark, "sent", False))


def _leaving() -> None:
    """A part of this thread's request leaves now. The last moment to hold it back: connecting takes
    its time, and a process may have been stopped or a machine have slept since the request was
    begun. Without its body, which comes last, a request is none."""
    still_timely = getattr(_mark, "still_timely", None)
    if still_timely is not None:
        still_timely()
    _mark.sent = True


class _Plain(HTTPConnection):
    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        _leaving()
        super().send(data)


class _Secure(HTTPSConnection):
    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        _leaving()
        super().send(data)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class Adapter(HTTPAdapter):
    """Sends once (`max_retries=0`) on connections that mark what was sent."""

    def __init__(self, pool: int = 20) -> None:
        super().__init__(pool_connections=pool, pool_maxsize=pool, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        pool_kwargs["socket_options"] = [*HTTPConnection.default_socket_options, *_GIVE_UP]
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        _mark_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        _mark_pools(manager)
        return manager


def _mark_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


class Answer(Protocol):
    """A response whose body was not read yet: one of requests, or one of `get`."""

    raw: Any


class _Got:
    __slots__ = ("headers", "raw", "status_code")

    def __init__(self, raw: BaseHTTPResponse) -> None:
        self.raw, self.status_code = raw, raw.status
        self.headers = {name.lower(): value for name, value in raw.headers.items()}


_pools: dict[tuple[str, str, int | None, str], HTTPConnectionPool] = {}
_pools_lock = threading.Lock()
# A child that went on with its parent's connections would read the parent's answers.
os.register_at_fork(after_in_child=_pools.clear)


def _pool(parts: SplitResult) -> HTTPConnectionPool:
    name = (parts.scheme, parts.hostname or "", parts.port, CERTIFICATES)
    with _pools_lock:
        if name not in _pools:
            if parts.scheme == "https":
                _pools[name] = _SecurePool(
                    name[1],
                    name[2],
                    maxsize=POOL_SIZE,
                    cert_reqs="CERT_REQUIRED",
                    ca_certs=CERTIFICATES,
                )
            else:
                _pools[name] = _PlainPool(name[1], name[2], maxsize=POOL_SIZE)
        return _pools[name]


def get(url: str, headers: Mapping[str, str], timeout: tuple[float, float]) -> _Got:
    """One GET on a connection that this process keeps to the host of `url`, neither repeated nor
    redirected; raises FAILURES.

    Clients of thousands of accounts share these connections, since a key travels in the headers of
    each request. Straight on urllib3, because building a request of requests takes longer than all
    else that a look does.
    """
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    limits = Timeout(connect=timeout[0], read=timeout[1])
    return _Got(
        _pool(parts).urlopen(
            "GET",
            path,
            headers=headers,
            retries=False,
            redirect=False,
            preload_content=False,
            timeout=limits,
        )
    )


class TooLong(Exception):
    """An answer of more than LARGEST_ANSWER bytes, or one that took longer than it was given."""


def read_whole(response: Answer, seconds: float) -> bytes:
    """The decoded body; gives the connection back when it came whole, closes it otherwise.

    Raises TooLong, or the error of requests or urllib3 that cut it.
    """
    end = time.monotonic() + seconds
    parts: list[bytes] = []
    size = 0
    try:
        while part := response.raw.read1(65536, decode_content=True):
            size += len(part)
            if size > LARGEST_ANSWER:
                raise TooLong(f"the answer has more than {LARGEST_ANSWER} bytes")
            if time.monotonic() > end:
                raise TooLong(f"the answer was not complete after {seconds:g} seconds")
            parts.append(part)
        if response.raw.length_remaining:
            raise ProtocolError("the answer is shorter than announced")
    except BaseException:
        response.raw.close()
        raise
    response.raw.release_conn()
    return b"".join(parts)


def read_json(body: bytes) -> dict[str, Any] | None:
    """`body` as a JSON object that can be stored; None when it is anything else. NaN and the
    infinities, which JSON does not have, read as null; NUL and halves of surrogate pairs, which no
    PostgreSQL text can hold, as U+FFFD."""
    try:
        found = json.loads(body, parse_constant=lambda word: None, parse_float=_finite)
        return _storable(found) if isinstance(found, dict) else None
    except (ValueError, RecursionError):
        return None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value


def why_not_sent(error: Exception) -> str:
    """Why a connection was not made, in a few words without addresses."""
    seen: list[str] = []
    cause: Any = error
    while cause is not None and len(seen) < 8:
        seen.append(f"{type(cause).__name__} {type(getattr(cause, 'reason', None)).__name__}")
        cause = (
            getattr(cause, "reason", None)
            if isinstance(getattr(cause, "reason", None), Exception)
            else cause.__cause__ or cause.__context__
        )
    names = " ".join(seen)
    if "NameResolution" in names or "gaierror" in names:
        return "the name of the service could not be resolved"
    if "SSL" in names or "Certificate" in names:
        return "the secure connection to the service could not be set up"
    if "Timeout" in names:
        return "no connection to the service in time"
    if "ConnectionRefused" in names:
        return "the service refused the connection"
    return "no connection to the service"


#: What requests and urllib3 raise while a request is sent or its answer is read.
FAILURES = (requests.RequestException, HTTPError, OSError)
