"""Which addresses may be connected to: a name that somebody else chose is resolved once, every
address it has is judged, and the socket goes to what was judged. Names answer differently from one
question to the next, so a judgement of a name alone is worth nothing."""

from __future__ import annotations

import ipaddress
import socket
import time

MAX_ADDRESSES = 4  # of one host that are tried
# Besides what the standard library knows. The first are never asked: they answer with the secrets
# of the machine.
_NEVER = [
    ipaddress.ip_network(net)
    for net in (
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
    )
]
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
_RELAYS = ipaddress.ip_network("192.88.99.0/24")


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
        raise AddressRefused("the host leads where this account may not go")
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


def address_kind(address: str) -> str:
    """ "public", "private" (this machine, a private network) or "never" (metadata, link-local,
    multicast, reserved, unspecified)."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return "never"
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            # What carries an IPv4 address goes to that address.
            return address_kind(str(inner))
        if ip in _LOCAL_NAT64:
            return "never"
    if any(ip.version == net.version and ip in net for net in _NEVER):
        return "never"
    if ip.is_loopback:
        return "private"
    if ip.is_multicast or ip.is_unspecified or ip.is_link_local or ip.is_reserved:
        return "never"
    if ip.version == 4 and (ip in _RELAYS or ip in ipaddress.ip_network("0.0.0.0/8")):
        return "never"
    if (
        ip.is_private
        or (ip.version == 4 and ip in _SHARED)
        or (ip.version == 6 and ip in _SITE_LOCAL)
    ):
        return "private"
    return "public" if ip.is_global else "never"
