"""Which address a request of Django's came from."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

from studio.common.client_address import client_address


def address_of(request: HttpRequest) -> str:
    """The visitor's address (studio/common/client_address.py). A connection without one, as through
    a unix socket, comes from this machine."""
    found = client_address(
        request.META.get("REMOTE_ADDR") or "",
        request.META.get("HTTP_X_FORWARDED_FOR") or "",
        settings.TRUSTED_PROXIES,
    )
    try:
        return str(ip_address(found))
    except ValueError:
        return "127.0.0.1"
