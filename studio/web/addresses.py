"""Addresses of visitors: which are our own proxies, and which count as one visitor."""

from __future__ import annotations

import ipaddress

from django.conf import settings

from studio.common.client_address import client_address


def is_proxy(peer: str) -> bool:
    """Whether the address at the other end of a connection is one of TRUSTED_PROXIES."""
    try:
        address = ipaddress.ip_address(client_address(peer, "", ()))
    except ValueError:
        return False
    return any(address in network for network in settings.TRUSTED_PROXIES)


def network_of(address: str) -> str:
    """What counts as one visitor: an IPv4 address, or the /64 network of an IPv6 one, of which a
    single customer has at least 2 to the 64 addresses. `address` as it is when it is neither."""
    try:
        found = ipaddress.ip_address(client_address(address, "", ()))
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
