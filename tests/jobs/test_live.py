"""The live stream as plain ASGI, against a real Redis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.test import Client

from jobs import bell, live
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db(transaction=True)


class Follower:
    """A browser's end of one stream."""

    def __init__(self, client: Client | None, slug: str, last: str = "") -> None:
        cookie = f"{django_settings.SESSION_COOKIE_NAME}={client.cookies[django_settings.SESSION_COOKIE_NAME].value}" if client else ""
        headers = [(b"cookie", cookie.encode()), (b"host", b"localhost")]
        if last:
            headers.append((b"last-event-id", last.encode()))
        self.scope = {"type": "http", "method": "GET", "path": f"/live/{slug}/", "query_string": b"", "headers": headers}
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.leave = asyncio.Event()

    async def __aenter__(self) -> Follower:
        async def receive() -> dict[str, Any]:
            await self.leave.wait()
            return {"type": "http.disconnect"}

        self.task = asyncio.create_task(live.stream(self.scope, receive, self.sent.put))
        return self

    async def __aexit__(self, *args: object) -> None:
        self.leave.set()
        await asyncio.wait_for(self.task, 5)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.sent.get(), 5)

    async def event(self) -> str:
        while True:
            body = (await self.next()).get("body", b"").decode()
            if body.startswith("id:"):
                return body


def test_doors(team: Team, creator: User, stranger: User, client_of: Callable[[User], Client]) -> None:
    async def status(client: Client | None) -> int:
        async with Follower(client, team.slug) as follower:
            return int((await follower.next())["status"])

    assert asyncio.run(status(None)) == 401
    assert asyncio.run(status(client_of(stranger))) == 404


def test_events_arrive_and_missed_ones_are_caught_up(team: Team, creator: User, client_of: Callable[[User], Client], redis: str) -> None:
    client = client_of(creator)
    job = makers.job(team, creator)
    from jobs import runner
    from jobs.models import JobEvent
    from jobs.states import State

    runner.move(job, State.SUBMITTING, "Sending", attempt=1)
    first = JobEvent.objects.latest("id")

    async def follow() -> tuple[str, str]:
        async with Follower(client, team.slug, last=str(first.pk - 1)) as follower:
            missed = await follower.event()
            for _ in range(100):
                if live.hub.connected:
                    break
                await asyncio.sleep(0.02)
            await sync_to_async(bell.publish, thread_sensitive=False)(team.slug, {"id": 99, "job": job.public_id, "state": "running", "group": 1})
            return missed, await follower.event()

    missed, fresh = asyncio.run(follow())
    assert f"id: {first.pk}\nevent: job\n" in missed
    assert json.loads(fresh.split("data: ")[1])["state"] == "running"
    assert live.hub.followers == {}
