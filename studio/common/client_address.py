"""Which address a request came from: the connection's own, unless it comes from a proxy that the
operator named (`TRUSTED_PROXIES`).

`X-Forwarded-For` is a list to which each proxy adds, at the end, the address that it was connected
from; everything before what a trusted proxy added was written by the client and may be invented. So
the list is read from its end, and the first address that is no trusted proxy is the client.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_HOPS = 32  # addresses of the header that are read; no chain of proxies is longer


def networks(words: Iterable[str]) -> tuple[Network, ...]:
    """The networks that `words` name: `10.0.0.0/8`, `::1`, `192.0.2.7`. ValueError with the word
    that is none, and for one with bits outside of its mask."""
    found = []
    for word in words:
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError:
            raise ValueError(word) from None
    return tuple(found)


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The address of whoever asks, in its shortest form.

    `peer` is the other end of the connection, `forwarded` the value of `X-Forwarded-For` (several
    headers joined with commas), `trusted` the networks of one's own proxies. A peer that is no
    address (a unix socket has none) is a proxy of this machine when any network is trusted, since
    only a program of this machine can be at the other end. Raises nothing: what cannot be read is
    not believed, and the last address that could be is the answer; `peer` as it is when there is
    none.
    """
    known = _address(peer)
    if not trusted or (known is not None and not _within(known, trusted)):
        return str(known) if known is not None else peer
    for word in reversed(forwarded.split(",")[-MOST_HOPS:]):
        hop = _address(word.strip())
        if hop is None:
            break
        known = hop
        if not _within(hop, trusted):
            break
    return str(known) if known is not None else peer


def _address(text: str) -> Address | None:
    """`text` as an address, with a port or brackets as some proxies write it. An IPv4 address that
    is written as an IPv6 one (`::ffff:…`) is an IPv4 address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return found if mapped is None else mapped


def _within(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def network_of(address: str) -> str:
    """What limits of one visitor are counted by: an IPv4 address itself, of an IPv6 address its
    first 64 bits, since a visitor has all of those behind them. What is no address stays."""
    known = _address(address)
    if isinstance(known, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known) if known is not None else address
