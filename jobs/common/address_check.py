"""Which addresses may be connected to: a name that somebody else chose is resolved once, every
address it has is judged, and the socket goes to what was judged. Names answer differently from one
question to the next, so a judgement of a name alone is worth nothing."""

from __future__ import annotations

import socket
import time

from studio.common.address_kind import address_kind

MAX_ADDRESSES = 4  # of one host that are tried


class AddressRefused(OSError):
    """The name stands for an address that may not be asked. Nothing was connected to."""


def resolve(host: str, port: int | None = None) -> list[str]:
    """Every address of `host`, each once. OSError when it has none, UnicodeError when it is no
    name."""
    return list(
        dict.fromkeys(
            str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
    )


def allowed_addresses(host: str, port: int, private_ok: bool) -> list[str]:
    """The addresses of `host` that may be tried, MAX_ADDRESSES at most. AddressRefused when one of
    its addresses may not be asked: honest names do not mix. socket.gaierror when it has none."""
    try:
        addresses = resolve(host, port)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no host name") from None
    kinds = allowed_kinds(private_ok)
    if any(address_kind(address) not in kinds for address in addresses):
        raise AddressRefused("the host leads where this connection may not go")
    return addresses[:MAX_ADDRESSES]


def allowed_kinds(private_ok: bool) -> tuple[str, ...]:
    """The kinds of addresses (`address_kind`) that may be connected to."""
    return ("public", "private") if private_ok else ("public",)


def connect(host: str, port: int, seconds: float | None, private_ok: bool) -> socket.socket:
    """A socket to the first address of `host` that takes it within `seconds` for all of them.

    AddressRefused and socket.gaierror as `allowed_addresses`, before anything is connected to;
    OSError (TimeoutError) otherwise.
    """
    addresses = allowed_addresses(host, port, private_ok)
    end = None if seconds is None else time.monotonic() + seconds
    why: OSError = TimeoutError("no address took the connection in time")
    for address in addresses:
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            break
        try:
            return socket.create_connection((address, port), timeout=left)
        except OSError as error:
            why = error
    raise why
