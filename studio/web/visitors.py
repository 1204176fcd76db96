"""Who asks, and how much of that at once: around every request, whatever answers it."""

from __future__ import annotations

import ipaddress
import logging
from functools import lru_cache

from django.conf import settings
from django.utils.translation import gettext as _

from studio.common.client_address import client_address
from studio.web import limits
from studio.web.addresses import network_of
from studio.web.answers import Refused, refuse
from studio.web.asgi_types import App, Receive, Scope, Send, header

log = logging.getLogger("footlight.visitors")


@lru_cache(maxsize=16)
def _warn_once(peer: str) -> None:
    """Say that what looks like a proxy is none of TRUSTED_PROXIES: then all of its visitors share
    the limits of one. Anybody may write the header, so nothing is said of other networks."""
    try:
        near = not ipaddress.ip_address(peer).is_global
    except ValueError:
        near = True  # a unix socket
    if near:
        log.warning(
            "%s names visitors (X-Forwarded-For) and is not believed, so all of them count as one. "
            "If it is your proxy, set TRUSTED_PROXIES=%s",
            peer or "a unix socket",
            peer or "127.0.0.1",
        )


def answered_in_turn(app: App) -> App:
    """`app`, whose scope names the visitor's address as `client`, also behind a proxy, and which
    answers CONNECTIONS_PER_ADDRESS requests of one address at once; 429 for what is more."""

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        peer, port = scope.get("client") or ("", 0)
        forwarded = header(scope, b"x-forwarded-for")
        if forwarded and not settings.TRUSTED_PROXIES:
            _warn_once(peer)
        address = client_address(peer, forwarded, settings.TRUSTED_PROXIES)
        scope["client"] = (address, port)
        try:
            with limits.requests.one(network_of(address), settings.CONNECTIONS_PER_ADDRESS):
                await app(scope, receive, send)
        except limits.NoPlace:
            sentence = _("Too many requests from your address are being answered; wait a moment.")
            await refuse(Refused(429, sentence, "requests-address"), receive, send)

    return inside
