"""What kind of address one is: in one place, since whoever asks something else decides something
else."""

from __future__ import annotations

import ipaddress

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


def carried(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Where a packet to `address` ends: what carries an IPv4 address goes to that address. None for
    what is no address."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        return inner or ip
    return ip


def address_kind(address: str) -> str:
    """ "public", "private" (this machine, a private network) or "never" (metadata, link-local,
    multicast, reserved, unspecified)."""
    ip = carried(address)
    if ip is None or ip in _LOCAL_NAT64:
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
