"""Connections that know whether a byte of a request has left this machine, and answers that cannot grow or drag on.

requests and urllib3 tell a failed TLS handshake and a TLS connection cut after the order by the same exception; money
needs the difference. So the connection itself marks the moment it has a peer and begins to send.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.poolmanager import PoolManager

LARGEST_ANSWER = 2 * 1024 * 1024
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_mark = threading.local()


def forget_sent() -> None:
    """Begin a request on this thread: nothing has been sent yet."""
    _mark.sent = False


def was_sent() -> bool:
    """Whether the request of this thread has begun to leave the machine."""
    return bool(getattr(_mark, "sent", False))


class _Plain(HTTPConnection):
    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        _mark.sent = True
        super().send(data)


class _Secure(HTTPSConnection):
    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        _mark.sent = True
        super().send(data)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class Adapter(HTTPAdapter):
    """Sends once (`max_retries=0`) on connections that mark what was sent."""

    def __init__(self, pool: int = 20) -> None:
        super().__init__(pool_connections=pool, pool_maxsize=pool, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        _mark_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        _mark_pools(manager)
        return manager


def _mark_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


class TooLong(Exception):
    """An answer of more than LARGEST_ANSWER bytes, or one that took longer than it was given."""


def read_whole(response: requests.Response, seconds: float) -> bytes:
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
    """`body` as a JSON object that can be stored; None when it is anything else. NaN and the infinities, which JSON does not
    have, read as null; NUL and halves of surrogate pairs, which no PostgreSQL text can hold, as U+FFFD."""
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
        cause = getattr(cause, "reason", None) if isinstance(getattr(cause, "reason", None), Exception) else cause.__cause__ or cause.__context__
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
