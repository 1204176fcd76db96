"""Who asks, and how much of that at once: around every request, whatever answers it."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _

from studio.common.client_address import client_address
from studio.web import limits
from studio.web.addresses import network_of
from studio.web.answers import Refused, refuse
from studio.web.asgi_types import App, Receive, Scope, Send, header


def answered_in_turn(app: App) -> App:
    """`app`, whose scope names the visitor's address as `client`, also behind a proxy, and which
    answers CONNECTIONS_PER_ADDRESS requests of one address at once; 429 for what is more."""

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        peer, port = scope.get("client") or ("", 0)
        address = client_address(peer, header(scope, b"x-forwarded-for"), settings.TRUSTED_PROXIES)
        scope["client"] = (address, port)
        try:
            with limits.requests.one(network_of(address), settings.CONNECTIONS_PER_ADDRESS):
                await app(scope, receive, send)
        except limits.NoPlace:
            sentence = _("Too many requests from your address are being answered; wait a moment.")
            await refuse(Refused(429, sentence, "requests-address"), receive, send)

    return inside
