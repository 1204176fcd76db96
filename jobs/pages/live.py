"""Follow a team's events as they happen: Server-Sent Events as plain ASGI, outside Django's
handlers.

The person is looked up once, the database connection is closed, then the stream only listens: one
Redis subscription per process feeds bounded queues. Whoever may no longer see the team (signed out,
removed, deactivated, another password) is found by one look at the database for all followers, and
their streams end. The id of an event is JobEvent.id; what a browser missed is read from the table,
a little further back than it asked, and the browser drops what it knows.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, close_old_connections, connection
from django.http import Http404
from django.http.cookie import parse_cookie
from django.utils.translation import gettext as _
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from jobs.common import presence
from jobs.common.states import group_of
from jobs.common.wakeup import EVENTS
from studio.config import security_headers
from studio.teams.session_check import SignedOut, TeamSession, admit, still_admitted
from studio.web import limits
from studio.web.answers import Refused, refuse, until_gone
from studio.web.asgi_types import Receive, Scope, Send, header

log = logging.getLogger("footlight.live")
BEAT = 15.0  # seconds between words that keep proxies from closing and pages from worrying
OVERLAP = 50  # events read again before the last one known: ids are taken before they are committed
CATCH_UP = 200
PATIENCE = 2.0  # seconds that Redis may take to connect, and to say that it is still there
QUIET = 5.0  # seconds without a word after which it is asked
AGAIN = 1.0
CHECK = 3.0  # seconds between two looks at who may still follow
HERE = b"event: here\ndata: {}\n\n"
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    *security_headers.raw(security_headers.DATA),
]


class Silent(Exception):
    """Redis does not say that it is still there."""


@dataclass(eq=False, slots=True)
class Follower:
    """One open stream, and what is to be written to it; None ends it.

    An event wakes thousands of them at once, so each has one future and no task for it.
    """

    team: str
    session: TeamSession
    # who does not read loses the oldest, and catches up from the table
    frames: deque[bytes | None] = field(default_factory=lambda: deque(maxlen=100))
    wake: asyncio.Future[None] | None = None

    def put(self, frame: bytes | None) -> None:
        self.frames.append(frame)
        if self.wake is not None and not self.wake.done():
            self.wake.set_result(None)

    async def take(self, beat: float) -> tuple[bytes, bool]:
        """All that is there, and whether the stream ends behind it; after `beat` seconds without
        anything the word that it is there still."""
        if not self.frames:
            loop = asyncio.get_running_loop()
            self.wake = loop.create_future()
            timer = loop.call_later(beat, self.put, HERE)
            try:
                await self.wake
            finally:
                timer.cancel()
        frames = [*self.frames]
        self.frames.clear()
        return b"".join(filter(None, frames)), None in frames


class Hub:
    """One pattern subscription for the whole process, handed to every follower's queue.

    `connected` is None until it is known. Followers are told when it is lost and when it is back,
    and who comes while it is lost is told at once: then pages say that live updates are paused, and
    look for themselves.
    """

    def __init__(self) -> None:
        self.followers: dict[str, set[Follower]] = {}
        self.task: asyncio.Task[None] | None = None
        self.check: asyncio.Task[None] | None = None
        self.connected: bool | None = None

    def join(self, team: str, session: TeamSession) -> Follower:
        follower = Follower(team, session)
        self.followers.setdefault(team, set()).add(follower)
        if self.task is None or self.task.done():
            self.connected = None
            self.task = asyncio.create_task(self._listen())
        elif self.connected is False:
            follower.put(_frame({"paused": True}))
        if self.check is None or self.check.done():
            self.check = asyncio.create_task(self._check())
        return follower

    def leave(self, follower: Follower) -> None:
        followers = self.followers.get(follower.team, set())
        followers.discard(follower)
        if not followers:
            self.followers.pop(follower.team, None)

    async def _check(self) -> None:
        """End the streams of who may no longer follow, while anybody follows. As long as the
        database is away nobody is ended: nothing can be asked, and nothing happens either."""
        while self.followers:
            await asyncio.sleep(CHECK)
            sessions = {one.session for some in self.followers.values() for one in some}
            try:
                left = await sync_to_async(_still_admitted, thread_sensitive=False)(sessions)
            except DatabaseError as error:
                log.debug("who may follow cannot be asked: %s", error)
                continue
            for follower in [one for some in self.followers.values() for one in some]:
                if follower.session in sessions - left:
                    follower.put(None)
            here = {session.user_id for session in left}
            await sync_to_async(presence.note, thread_sensitive=False)(here)

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
                    event = json.loads(message["data"])
                    self._broadcast(message["channel"].decode()[len(EVENTS) :], _frame(event))
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
                self._broadcast(team, _frame({"paused": not connected}))

    def _broadcast(self, team: str, frame: bytes) -> None:
        for follower in list(self.followers.get(team, ())):
            follower.put(frame)


hub = Hub()


def _admit(
    scope: Scope, slug: str, after: int | None
) -> tuple[TeamSession, list[dict[str, str | int]]]:
    """The sign-in that follows, and the events missed since id `after`. Refused: 401 for nobody,
    404 for a stranger. Runs in a thread."""
    from jobs.models import JobEvent

    close_old_connections()
    try:
        cookies = parse_cookie(header(scope, b"cookie"))
        try:
            session = admit(cookies.get(settings.SESSION_COOKIE_NAME), slug)
        except SignedOut:
            raise Refused(401, _("Sign in to follow this team.")) from None
        except Http404:
            raise Refused(404, _("No team of yours is at this address.")) from None
        except PermissionDenied as error:  # a second factor is required here
            raise Refused(403, str(error)) from None
        if after is None:
            return session, []
        events = (
            JobEvent.objects.filter(team_id=session.team_id, id__gt=max(0, after - OVERLAP))
            .order_by("id")
            .select_related("job")
        )
        return session, [
            {
                "id": e.pk,
                "job": e.job.public_id,
                "state": e.new,
                "group": int(group_of(e.new, e.code)),
            }
            for e in events[:CATCH_UP]
        ]
    finally:
        connection.close()


def _still_admitted(sessions: set[TeamSession]) -> set[TeamSession]:
    close_old_connections()
    try:
        return still_admitted(sessions)
    finally:
        connection.close()


def _frame(event: Mapping[str, object]) -> bytes:
    if "paused" in event:
        return f"event: {'paused' if event['paused'] else 'resumed'}\ndata: {{}}\n\n".encode()
    return f"id: {event['id']}\nevent: job\ndata: {json.dumps(event)}\n\n".encode()


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    """GET /live/<team>/ : text/event-stream until the browser leaves, or may no longer follow."""
    slug = scope["path"].removeprefix("/live/").strip("/")
    last = header(scope, b"last-event-id")
    try:
        if scope.get("method") != "GET":
            raise Refused(405, _("Only GET is answered here."))
        session, missed = await sync_to_async(_admit, thread_sensitive=False)(
            scope, slug, int(last) if last.isdecimal() and len(last) < 19 else None
        )
        with limits.streams.one(session.user_id, settings.STREAMS_PER_PERSON):
            await _stream(hub.join(slug, session), missed, receive, send)
    except limits.NoPlace:
        sentence = _(
            "You have %(n)s pages with live updates open, the most at once; close some of them."
        ) % {"n": settings.STREAMS_PER_PERSON}
        await refuse(Refused(429, sentence, "streams-of-a-person"), receive, send)
    except Refused as refusal:
        await refuse(refusal, receive, send)


async def _stream(
    follower: Follower, missed: list[dict[str, str | int]], receive: Receive, send: Send
) -> None:
    gone = asyncio.create_task(until_gone(receive))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
        await _send_part(send, b"retry: 2000\n\n")
        for event in missed:
            await _send_part(send, _frame(event))
        gone.add_done_callback(lambda _gone: follower.put(None))
        await _follow(follower, send)
        if not gone.done():
            # Whoever may no longer follow is told, or the browser would come back for ever.
            await _send_part(send, b"event: ended\ndata: {}\n\n")
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        hub.leave(follower)


async def _send_part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _follow(follower: Follower, send: Send) -> None:
    """Send what comes, until it ends."""
    ended = False
    while not ended:
        body, ended = await follower.take(BEAT)
        if body:
            await _send_part(send, body)
