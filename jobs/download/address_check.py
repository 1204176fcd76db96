"""Which addresses of strangers may be connected to: none inside our network, no cloud metadata."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import quote, urlsplit

from jobs.download.errors import FetchError, ForbiddenAddress, Unreachable
from studio.common.translatable import phrase

MAX_ADDRESSES = 4  # of one host that are tried
_KEPT = "%!#$&'()*+,/:;=?@[]~"  # characters of an address that stay as they are
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


def split_url(url: str) -> tuple[str, str, int, str]:
    """(scheme, host, port, path with query) of `url`, ready to be sent. ForbiddenAddress when it is
    none that may be asked."""
    if any(char.isspace() or not char.isprintable() or char == "\\" for char in url):
        raise ForbiddenAddress(phrase("The film’s address holds characters that no address has."))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:  # UnicodeError is one
        raise ForbiddenAddress(phrase("The film’s address cannot be read.")) from None
    if parts.scheme not in ("http", "https"):
        raise ForbiddenAddress(phrase("The film’s address is neither http nor https."))
    if "@" in parts.netloc:
        raise ForbiddenAddress(phrase("The film’s address holds a name or a password."))
    if not host or port == 0:
        raise ForbiddenAddress(phrase("The film’s address names no host."))
    target = quote(parts.path or "/", safe=_KEPT) + (
        f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    )
    return parts.scheme, host.rstrip("."), port or (443 if parts.scheme == "https" else 80), target


def resolve(host: str, port: int) -> list[str]:
    """Every address of `host`, each once. OSError when it has none."""
    return list(
        dict.fromkeys(
            str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
    )


def allowed_addresses(host: str, port: int, private_ok: bool) -> list[str]:
    """The addresses of `host`, all of which may be asked. ForbiddenAddress when one may not: honest
    names do not mix. Unreachable."""
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        raise Unreachable(
            phrase("The name of the film’s host, %(host)s, is not known.", host=host[:100])
        ) from None
    allowed = ("public", "private") if private_ok else ("public",)
    if any(address_kind(address) not in allowed for address in addresses):
        raise ForbiddenAddress(
            phrase(
                "The film’s address leads to %(host)s, which is inside a private network; nothing "
                "is fetched from there.",
                host=host[:100],
            )
        )
    return addresses[:MAX_ADDRESSES]


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


def is_private_host(url: str) -> bool:
    """Whether the host of `url` is this machine or in a private network; False when nobody knows
    it."""
    try:
        _, host, port, _ = split_url(url)
        return {address_kind(address) for address in resolve(host, port)} == {"private"}
    except (FetchError, OSError, UnicodeError):
        return False
