"""A connection to an address that was checked, and the watchdog that ends it."""

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

from jobs.download.errors import FetchError, Interrupted, Stopped, Unreachable
from jobs.download.result_url import allowed_addresses, split_url
from studio.common.translatable import phrase

CONNECT_SECONDS = (
    5.0  # seconds for one address to take the connection; twice that for the handshake of TLS
)
STALL_SECONDS = 30.0  # seconds within which SLOWEST bytes must come
MIN_BYTES = 16 * 1024
TICK = 0.25


@contextmanager
def open_url(
    url: str, ask: dict[str, str], private_ok: bool, end: float, stop: Callable[[], bool]
) -> Iterator[tuple[http.client.HTTPResponse, Watchdog]]:
    """The answer of `url`, not read yet, and the watchdog that ends it. Raises ForbiddenAddress,
    Unreachable, Stopped."""
    scheme, host, port, target = split_url(url)
    addresses = allowed_addresses(host, port, private_ok)
    connection = http.client.HTTPConnection(host, port)
    connection.auto_open = 0
    connection.sock = sock = _connected(addresses, port, host if scheme == "https" else "", end)
    with Watchdog(sock, end, stop) as watchdog:
        try:
            try:
                shown = f"[{host}]" if ":" in host else host
                usual = port == (443 if scheme == "https" else 80)
                connection.request(
                    "GET", target, headers={"Host": shown if usual else f"{shown}:{port}", **ask}
                )
                answer = connection.getresponse()
            except (OSError, ValueError, http.client.HTTPException) as error:
                watchdog.raise_reason()
                raise Unreachable(
                    phrase(
                        "The video’s host gave no answer that can be read (%(name)s).",
                        name=type(error).__name__,
                    )
                ) from None
            with answer:
                yield answer, watchdog
        finally:
            connection.close()


def _connected(addresses: list[str], port: int, name: str, end: float) -> socket.socket:
    """A socket to the first of `addresses` that takes it; with TLS, and a certificate for `name`,
    when there is a name."""
    why = phrase("The video’s host takes no connection.")
    for address in addresses:
        left = end - time.monotonic()
        if left <= 0:
            break
        sock = None
        try:
            sock = socket.create_connection((address, port), timeout=min(CONNECT_SECONDS, left))
            if name:
                sock.settimeout(min(2 * CONNECT_SECONDS, max(0.01, end - time.monotonic())))
                sock = _tls().wrap_socket(sock, server_hostname=name)
        except OSError as error:
            if sock is not None:
                sock.close()
            if isinstance(error, ssl.SSLError):
                why = phrase(
                    "The video’s host shows no certificate that can be trusted, or speaks no TLS."
                )
            continue
        sock.settimeout(STALL_SECONDS)
        return sock
    raise Unreachable(why)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)


class Watchdog:
    """Ends a connection that drips, takes too long or is no longer wanted, whatever it is waiting
    for; `raise_reason` says so."""

    def __init__(self, sock: socket.socket, end: float, stop: Callable[[], bool]) -> None:
        self.count = 0
        self._sock, self._end, self._stop = sock, end, stop
        self._done = threading.Event()
        self._why: FetchError | None = None
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._done.set()
        self._thread.join()

    def raise_reason(self) -> None:
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
                self._why = Interrupted(phrase("The download took longer than it may."))
            elif now - since < STALL_SECONDS:
                continue
            elif self.count - seen >= MIN_BYTES:
                since, seen = now, self.count
                continue
            else:
                self._why = Interrupted(
                    phrase(
                        "The video’s host sends too slowly: %(n)s bytes in %(seconds)s seconds.",
                        n=self.count - seen,
                        seconds=f"{STALL_SECONDS:g}",
                    )
                )
            with suppress(OSError):
                socket.socket.shutdown(
                    self._sock, socket.SHUT_RDWR
                )  # not SSLSocket's, which takes the layer from under a reader
            return
