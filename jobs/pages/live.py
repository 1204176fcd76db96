"""Follow a team's events as they happen: Server-Sent Events as plain ASGI, outside Django's
handlers.

The person is looked up once, the database connection is closed, then the stream only listens: one
Redis subscription per process feeds bounded queues. The id of an event is JobEvent.id; what a
browser missed is read from the table, a little further back than it asked, and the browser drops
what it knows.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, connection
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from jobs.common.wakeup import EVENTS

log = logging.getLogger("footlight.live")
BEAT = 15.0  # seconds between comments that keep proxies from closing
OVERLAP = 50  # events read again before the last one known: ids are taken before they are committed
CATCH_UP = 200
PATIENCE = 2.0  # seconds that Redis may take to connect, and to say that it is still there
QUIET = 5.0  # seconds without a word after which it is asked
AGAIN = 1.0
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Silent(Exception):
    """Redis does not say that it is still there."""


class Hub:
    """One pattern subscription for the whole process, handed to every follower's queue.

    `connected` is None until it is known. Followers are told when it is lost and when it is back,
    and who comes while it is lost is told at once: then pages say that live updates are paused, and
    look for themselves.
    """

    def __init__(self) -> None:
        self.followers: dict[str, set[asyncio.Queue[str]]] = {}
        self.task: asyncio.Task[None] | None = None
        self.connected: bool | None = None

    def join(self, team: str) -> asyncio.Queue[str]:
        queue: asyncio.Queue[str] = asyncio.Queue(100)
        self.followers.setdefault(team, set()).add(queue)
        if self.task is None or self.task.done():
            self.connected = None
            self.task = asyncio.create_task(self._listen())
        elif self.connected is False:
            queue.put_nowait(json.dumps({"paused": True}))
        return queue

    def leave(self, team: str, queue: asyncio.Queue[str]) -> None:
        queues = self.followers.get(team, set())
        queues.discard(queue)
        if not queues:
            self.followers.pop(team, None)

    async def _listen(self) -> None:
        while self.followers:
            redis = Redis.from_url(
                settings.REDIS_URL,
                socket_connect_timeout=PATIENCE,
                socket_timeout=PATIENCE,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
            )
            try:
                async with redis.pubsub() as subscription:
                    async with asyncio.timeout(2 * PATIENCE):
                        await subscription.psubscribe(EVENTS + "*")
                    await self._hear(subscription)
            except (RedisError, OSError, Silent) as error:  # a TimeoutError is an OSError
                log.debug("live updates pause: %s", error)
                self._publish_state(False)
                await asyncio.sleep(AGAIN)
            finally:
                await redis.aclose()

    async def _hear(self, subscription: PubSub) -> None:
        """Hand out what comes while anybody follows. A connection that is only half there, as after
        a cable was pulled, says nothing for ever; so a quiet one is asked. Silent when it does not
        answer."""
        asked = time.monotonic()  # the subscription itself is answered
        heard = asked - 1
        while self.followers:
            message = await subscription.get_message(timeout=1.0)
            now = time.monotonic()
            if message is not None:
                heard = now
                if message["type"] == "psubscribe":
                    self._publish_state(True)
                elif message["type"] == "pmessage":
                    self._broadcast(
                        message["channel"].decode()[len(EVENTS) :], message["data"].decode()
                    )
            elif asked > heard:
                if now - asked > PATIENCE:
                    raise Silent("Redis does not answer")
            elif now - heard > QUIET:
                await subscription.ping()
                asked = now

    def _publish_state(self, connected: bool) -> None:
        """Tell everybody of a change. Also of the first connection: what happened while it was made
        came to nobody, so the pages look once."""
        before, self.connected = self.connected, connected
        if before is not connected:
            for team in self.followers:
                self._broadcast(team, json.dumps({"paused": not connected}))

    def _broadcast(self, team: str, data: str) -> None:
        for queue in list(self.followers.get(team, ())):
            if queue.full():
                # a follower that does not read loses its oldest; it catches up from the table
                queue.get_nowait()
            queue.put_nowait(data)


hub = Hub()


def _admit(scope: dict[str, Any], slug: str, after: int | None) -> tuple[int, list[dict[str, Any]]]:
    """(HTTP status, events missed since id `after`): 401 for nobody, 404 for a stranger. Runs in a
    thread."""
    from jobs.common.states import group_of
    from jobs.models import JobEvent
    from studio.models import Membership

    close_old_connections()
    try:
        request = ASGIRequest({**scope, "type": "http"}, None)  # type: ignore[arg-type]
        request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        user = get_user(request)
        if not user.is_authenticated:
            return 401, []
        membership = (
            Membership.objects.select_related("team")
            .filter(user_id=user.pk, team__slug=slug.replace("\x00", ""))
            .first()
        )
        if membership is None:
            return 404, []
        missed: list[dict[str, Any]] = []
        if after is not None:
            events = (
                JobEvent.objects.filter(team=membership.team, id__gt=max(0, after - OVERLAP))
                .order_by("id")
                .select_related("job")
            )
            missed = [
                {
                    "id": e.pk,
                    "job": e.job.public_id,
                    "state": e.new,
                    "group": int(group_of(e.new, e.code)),
                }
                for e in events[:CATCH_UP]
            ]
        return 200, missed
    finally:
        connection.close()


def _frame(data: str) -> bytes:
    event = json.loads(data)
    if "paused" in event:
        return f"event: {'paused' if event['paused'] else 'resumed'}\ndata: {{}}\n\n".encode()
    return f"id: {event['id']}\nevent: job\ndata: {data}\n\n".encode()


async def stream(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """GET /live/<team>/ : text/event-stream until the browser leaves."""
    slug = scope["path"].removeprefix("/live/").strip("/")
    headers = {
        name.decode().lower(): value.decode("latin-1") for name, value in scope.get("headers", [])
    }
    last = headers.get("last-event-id", "")
    status, missed = await sync_to_async(_admit, thread_sensitive=False)(
        scope, slug, int(last) if last.isdecimal() and len(last) < 19 else None
    )
    if scope.get("method") != "GET" or status != 200:
        await _refuse(send, status if status != 200 else 405)
        return
    queue = hub.join(slug)
    gone = asyncio.create_task(_until_gone(receive))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
        await _send_part(send, b"retry: 2000\n\n")
        for event in missed:
            await _send_part(send, _frame(json.dumps(event)))
        await _follow(queue, gone, send)
    finally:
        gone.cancel()
        hub.leave(slug, queue)


async def _refuse(send: Any, code: int) -> None:
    """Answer with the HTTP status `code` and a sentence."""
    text = {
        401: b"Sign in to follow this team.",
        404: b"No team of yours is at this address.",
    }.get(code, b"Only GET is answered here.")
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def _send_part(send: Any, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _follow(queue: asyncio.Queue[str], gone: asyncio.Task[None], send: Any) -> None:
    """Send what comes into `queue`, and a comment every BEAT seconds without any, until `gone`."""
    while not gone.done():
        waiting = asyncio.create_task(queue.get())
        done, _ = await asyncio.wait(
            {waiting, gone}, timeout=BEAT, return_when=asyncio.FIRST_COMPLETED
        )
        body = _frame(waiting.result()) if waiting in done else b": still here\n\n"
        if waiting not in done:
            waiting.cancel()
        if gone in done:
            return
        await _send_part(send, body)


async def _until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
