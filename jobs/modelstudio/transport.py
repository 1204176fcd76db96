"""Connections that know whether a byte of a request has left this machine and where they go, and
answers that cannot grow or drag on.

requests and urllib3 tell a failed TLS handshake and a TLS connection cut after the order by the
same exception; money needs the difference. So the connection itself marks the moment it has a peer
and begins to send.
"""

from __future__ import annotations

import http.client
import io
import json
import math
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import SplitResult, urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
)
from urllib3.poolmanager import PoolManager
from urllib3.response import BaseHTTPResponse
from urllib3.util import Timeout

from jobs.common import address_check

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

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


class _DeadlineReader(io.RawIOBase):
    """What comes on `sock`, until `end` (monotonic), however it comes: the time-out of a socket
    begins anew with every byte."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self._raw = sock.makefile("rb", buffering=0)
        self._sock, self._end = sock, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer was not complete in time")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    """An answer whose status line, headers and body together have the time that the socket was
    given for one read."""

    def __init__(
        self,
        sock: socket.socket,
        debuglevel: int = 0,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        seconds = sock.gettimeout()
        if seconds is not None:
            self.fp.close()
            self.fp = io.BufferedReader(_DeadlineReader(sock, time.monotonic() + seconds))


class _Marked(HTTPConnection):
    """Marks the moment in which it has a peer and begins to send, goes to an address that was
    judged, and bounds a whole answer."""

    private_ok = False
    response_class = _DeadlineResponse

    def _new_conn(self) -> socket.socket:
        try:
            sock = address_check.connect(self._dns_host, self.port, self.timeout, self.private_ok)
        except (address_check.AddressRefused, socket.gaierror) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no connection in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection: {error}") from error
        for level, name, value in self.socket_options or ():
            sock.setsockopt(level, name, value)
        return sock

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        _leaving()
        super().send(data)


class _Plain(_Marked):
    pass


class _Secure(_Marked, HTTPSConnection):
    pass


class _PlainInside(_Plain):
    private_ok = True


class _SecureInside(_Secure):
    private_ok = True


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _PlainPoolInside(HTTPConnectionPool):
    ConnectionCls = _PlainInside


class _SecurePoolInside(HTTPSConnectionPool):
    ConnectionCls = _SecureInside


# By whether connections may go to this machine and private networks.
_PLAIN: dict[bool, type[HTTPConnectionPool]] = {False: _PlainPool, True: _PlainPoolInside}
_SECURE: dict[bool, type[HTTPSConnectionPool]] = {False: _SecurePool, True: _SecurePoolInside}


class Adapter(HTTPAdapter):
    """Sends once (`max_retries=0`) on connections that mark what was sent; into private networks
    only with `private_ok`."""

    def __init__(self, pool: int = 20, private_ok: bool = False) -> None:
        self._private_ok = private_ok
        super().__init__(pool_connections=pool, pool_maxsize=pool, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        pool_kwargs["socket_options"] = [*HTTPConnection.default_socket_options, *_GIVE_UP]
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self._mark_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        self._mark_pools(manager)
        return manager

    def _mark_pools(self, manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = {
            "http": _PLAIN[self._private_ok],
            "https": _SECURE[self._private_ok],
        }


class Answer(Protocol):
    """A response whose body was not read yet: one of requests, or one of `get`."""

    raw: Any


class _Got:
    __slots__ = ("headers", "raw", "status_code")

    def __init__(self, raw: BaseHTTPResponse) -> None:
        self.raw, self.status_code = raw, raw.status
        self.headers = {name.lower(): value for name, value in raw.headers.items()}


_pools: dict[tuple[str, str, int | None, str, bool], HTTPConnectionPool] = {}
_pools_lock = threading.Lock()
# A child that went on with its parent's connections would read the parent's answers.
os.register_at_fork(after_in_child=_pools.clear)


def _pool(parts: SplitResult, private_ok: bool) -> HTTPConnectionPool:
    name = (parts.scheme, parts.hostname or "", parts.port, CERTIFICATES, private_ok)
    with _pools_lock:
        if name not in _pools:
            if parts.scheme == "https":
                _pools[name] = _SECURE[private_ok](
                    name[1],
                    name[2],
                    maxsize=POOL_SIZE,
                    cert_reqs="CERT_REQUIRED",
                    ca_certs=CERTIFICATES,
                )
            else:
                _pools[name] = _PLAIN[private_ok](name[1], name[2], maxsize=POOL_SIZE)
        return _pools[name]


def get(
    url: str, headers: Mapping[str, str], timeout: tuple[float, float], private_ok: bool = False
) -> _Got:
    """One GET on a connection that this process keeps to the host of `url`, neither repeated nor
    redirected; raises FAILURES. The second of `timeout` is for the whole answer, `read_whole`
    included.

    Clients of thousands of accounts share these connections, since a key travels in the headers of
    each request. Straight on urllib3, because building a request of requests takes longer than all
    else that a look does.
    """
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    limits = Timeout(connect=timeout[0], read=timeout[1])
    return _Got(
        _pool(parts, private_ok).urlopen(
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
    """An answer of more than LARGEST_ANSWER bytes."""


def read_whole(response: Answer) -> bytes:
    """The decoded body; gives the connection back when it came whole, closes it otherwise.

    Raises TooLong, or the error of requests or urllib3 that cut it.
    """
    parts: list[bytes] = []
    size = 0
    try:
        while part := response.raw.read1(65536, decode_content=True):
            size += len(part)
            if size > LARGEST_ANSWER:
                raise TooLong(f"the answer has more than {LARGEST_ANSWER} bytes")
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
    cause: BaseException | None = error
    while cause is not None and len(seen) < 8:
        seen.append(f"{type(cause).__name__} {type(getattr(cause, 'reason', None)).__name__}")
        cause = (
            getattr(cause, "reason", None)
            if isinstance(getattr(cause, "reason", None), Exception)
            else cause.__cause__ or cause.__context__
        )
    names = " ".join(seen)
    if "NameResolution" in names or "gaierror" in names:
        # One sentence for a name that nobody knows and one that leads where it may not.
        return (
            "the name of the service could not be resolved, or leads into a network that is not "
            "open to this connection"
        )
    if "SSL" in names or "Certificate" in names:
        return "the secure connection to the service could not be set up"
    if "Timeout" in names:
        return "no connection to the service in time"
    if "ConnectionRefused" in names:
        return "the service refused the connection"
    return "no connection to the service"


#: What requests and urllib3 raise while a request is sent or its answer is read.
FAILURES = (requests.RequestException, HTTPError, OSError)
