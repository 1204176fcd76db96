"""A connection to an address that was judged, and the watch that ends it."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from jobs.download.errors import Cut, FetchError, Stopped, Unreached
from jobs.download.hosts import judged, taken_apart
from studio.common.translatable import phrase

CONNECT = 5.0  # seconds for one address to take the connection; twice that for the handshake of TLS
SILENCE = 30.0  # seconds within which SLOWEST bytes must come
SLOWEST = 16 * 1024
TICK = 0.25


@contextmanager
def opened(
    url: str, ask: dict[str, str], private_ok: bool, end: float, stop: Callable[[], bool]
) -> Iterator[tuple[http.client.HTTPResponse, Watch]]:
    """The answer of `url`, not read yet, and the watch that ends it. Raises Forbidden, Unreached,
    Stopped."""
    scheme, host, port, target = taken_apart(url)
    addresses = judged(host, port, private_ok)
    connection = http.client.HTTPConnection(host, port)
    connection.auto_open = 0
    connection.sock = sock = _connected(addresses, port, host if scheme == "https" else "", end)
    with Watch(sock, end, stop) as watch:
        try:
            try:
                shown = f"[{host}]" if ":" in host else host
                usual = port == (443 if scheme == "https" else 80)
                connection.request(
                    "GET", target, headers={"Host": shown if usual else f"{shown}:{port}", **ask}
                )
                answer = connection.getresponse()
            except (OSError, ValueError, http.client.HTTPException) as error:
                watch.explain()
                raise Unreached(
                    phrase(
                        "The film’s host gave no answer that can be read (%(name)s).",
                        name=type(error).__name__,
                    )
                ) from None
            with answer:
                yield answer, watch
        finally:
            connection.close()


def _connected(addresses: list[str], port: int, name: str, end: float) -> socket.socket:
    """A socket to the first of `addresses` that takes it; with TLS, and a certificate for `name`,
    when there is a name."""
    why = phrase("The film’s host takes no connection.")
    for address in addresses:
        left = end - time.monotonic()
        if left <= 0:
            break
        sock = None
        try:
            sock = socket.create_connection((address, port), timeout=min(CONNECT, left))
            if name:
                sock.settimeout(2 * CONNECT)
                sock = _tls().wrap_socket(sock, server_hostname=name)
        except OSError as error:
            if sock is not None:
                sock.close()
            if isinstance(error, ssl.SSLError):
                why = phrase(
                    "The film’s host shows no certificate that can be trusted, or speaks no TLS."
                )
            continue
        sock.settimeout(SILENCE)
        return sock
    raise Unreached(why)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)


class Watch:
    """Ends a connection that drips, takes too long or is no longer wanted, whatever it is waiting
    for; `explain` says so."""

    def __init__(self, sock: socket.socket, end: float, stop: Callable[[], bool]) -> None:
        self.count = 0
        self._sock, self._end, self._stop = sock, end, stop
        self._done = threading.Event()
        self._why: FetchError | None = None
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._done.set()
        self._thread.join()

    def explain(self) -> None:
        """Raise why the connection was ended, if it was ended by us."""
        if self._why is not None:
            raise self._why

    def _run(self) -> None:
        since, seen = time.monotonic(), self.count
        while not self._done.wait(TICK):
            now = time.monotonic()
            if self._stop():
                self._why = Stopped(phrase("The download was put off."))
            elif now >= self._end:
                self._why = Cut(phrase("The download took longer than it may."))
            elif now - since < SILENCE:
                continue
            elif self.count - seen >= SLOWEST:
                since, seen = now, self.count
                continue
            else:
                self._why = Cut(
                    phrase(
                        "The film’s host sends too slowly: %(n)s bytes in %(seconds)s seconds.",
                        n=self.count - seen,
                        seconds=f"{SILENCE:g}",
                    )
                )
            with suppress(OSError):
                socket.socket.shutdown(
                    self._sock, socket.SHUT_RDWR
                )  # not SSLSocket's, which takes the layer from under a reader
            return
