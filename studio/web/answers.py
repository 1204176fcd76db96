"""Short answers of plain ASGI applications, and refusals as exceptions."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from studio.config import security_headers
from studio.web.asgi_types import Receive, Send
from studio.web.limits import refusals

# bytes read after a refusal, so that it arrives before the connection ends
DRAINED = 4 * 1024 * 1024
DRAIN_SECONDS = 3.0
DRAIN_PAUSE = 1.0  # when nothing comes for so long, nothing is on its way


class Refused(Exception):
    """The request is refused with the HTTP `status`; `str()` is the sentence, `reason` the word
    that it is counted under ("" for what is no limit)."""

    def __init__(self, status: int, sentence: str, reason: str = "") -> None:
        super().__init__(sentence)
        self.status, self.reason = status, reason
        if reason:
            refusals[reason] += 1


class Gone(Exception):
    """The client left before its request was complete."""


async def answer(
    send: Send,
    status: int,
    body: bytes,
    mime: bytes = b"text/plain; charset=utf-8",
    *more: tuple[bytes, bytes],
) -> None:
    """Send the whole of a short answer."""
    headers = [
        (b"content-type", mime),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *security_headers.raw(security_headers.DATA),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def refuse(refusal: Refused, receive: Receive, send: Send) -> None:
    """Answer with the sentence of `refusal` and end the connection. What is on its way already is
    read for a moment: a connection that is closed on bytes nobody read throws the answer away."""
    await drain(receive)
    more = [(b"connection", b"close")]
    if refusal.status in (429, 503):
        more.append((b"retry-after", b"10"))
    await answer(send, refusal.status, f"{refusal}\n".encode(), b"text/plain; charset=utf-8", *more)


async def drain(receive: Receive) -> None:
    """Read what is left of a body: at most DRAINED bytes, for at most DRAIN_SECONDS, and none after
    a pause."""
    left = DRAINED
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                async with asyncio.timeout(DRAIN_PAUSE):
                    message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return


async def until_gone(receive: Receive) -> None:
    """Come back when the client has left, or its answer is complete."""
    while (await receive())["type"] != "http.disconnect":
        pass
