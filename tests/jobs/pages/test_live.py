"""The live stream as plain ASGI, against a real Redis."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.test import Client

from jobs.common import wakeup
from jobs.pages import live
from studio.models import Membership, Team, User
from studio.web import limits
from tests import makers

pytestmark = pytest.mark.django_db(transaction=True)


class Follower:
    """A browser's end of one stream."""

    def __init__(self, client: Client | None, slug: str, last: str = "") -> None:
        cookie = (
            f"{django_settings.SESSION_COOKIE_NAME}={client.cookies[django_settings.SESSION_COOKIE_NAME].value}"
            if client
            else ""
        )
        headers = [(b"cookie", cookie.encode()), (b"host", b"localhost")]
        if last:
            headers.append((b"last-event-id", last.encode()))
        self.scope = {
            "type": "http",
            "method": "GET",
            "path": f"/live/{slug}/",
            "query_string": b"",
            "headers": headers,
        }
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

    async def word(self, *words: str) -> str:
        """The next event of one of these kinds."""
        while True:
            body = (await self.next()).get("body", b"").decode()
            for word in words:
                if body.startswith(f"event: {word}\n"):
                    return word

    async def event(self) -> str:
        while True:
            body: str = (await self.next()).get("body", b"").decode()
            if body.startswith("id:"):
                return body


def test_doors(
    team: Team, creator: User, stranger: User, client_of: Callable[[User], Client]
) -> None:
    async def status(client: Client | None) -> int:
        async with Follower(client, team.slug) as follower:
            return int((await follower.next())["status"])

    assert asyncio.run(status(None)) == 401
    assert asyncio.run(status(client_of(stranger))) == 404


def test_events_arrive_and_missed_ones_are_caught_up(
    team: Team, creator: User, client_of: Callable[[User], Client], redis: str
) -> None:
    client = client_of(creator)
    job = makers.job(team, creator)
    from jobs.common.states import State
    from jobs.engine import transitions
    from jobs.models import JobEvent

    transitions.move(job, State.SUBMITTING, "Sending", attempt=1)
    first = JobEvent.objects.latest("id")

    async def follow() -> tuple[str, str]:
        async with Follower(client, team.slug, last=str(first.pk - 1)) as follower:
            missed = await follower.event()
            for _ in range(100):
                if live.hub.connected:
                    break
                await asyncio.sleep(0.02)
            await sync_to_async(wakeup.publish, thread_sensitive=False)(
                team.slug, {"id": 99, "job": job.public_id, "state": "running", "group": 1}
            )
            return missed, await follower.event()

    missed, fresh = asyncio.run(follow())
    assert f"id: {first.pk}\nevent: job\n" in missed
    assert json.loads(fresh.split("data: ")[1])["state"] == "running"
    assert live.hub.followers == {}


# ── who may follow ────────────────────────────────────────────────────────────────────────────────
def _sign_out(client: Client, user: User) -> None:
    client.post("/accounts/logout/")


def _remove(client: Client, user: User) -> None:
    Membership.objects.filter(user=user).delete()


def _change_password(client: Client, user: User) -> None:
    user.set_password("another horse entirely")
    user.save(update_fields=["password"])


def _deactivate(client: Client, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("end", [_sign_out, _remove, _change_password, _deactivate])
def test_a_stream_ends_when_its_person_may_no_longer_follow(
    team: Team,
    creator: User,
    owner: User,
    client_of: Callable[[User], Client],
    end: Callable[[Client, User], None],
) -> None:
    """Within five seconds, and nobody else's."""
    client, other = client_of(creator), client_of(owner)

    async def follow() -> float:
        async with Follower(client, team.slug) as follower, Follower(other, team.slug) as stays:
            assert (await follower.next())["status"] == 200
            assert (await stays.next())["status"] == 200
            await sync_to_async(end, thread_sensitive=False)(client, creator)
            began = time.monotonic()
            said = b""
            while (message := await follower.next())["type"] == "http.response.start" or (
                message.get("more_body")
            ):
                said += message.get("body", b"")
            assert said.endswith(b"event: ended\ndata: {}\n\n"), "its page says so"
            took = time.monotonic() - began
            await asyncio.wait_for(follower.task, 1)
            assert not stays.task.done()
        async with Follower(client, team.slug) as again:
            assert (await again.next())["status"] in (401, 404)
        return took

    assert asyncio.run(follow()) < 5
    assert limits.streams.total == 0


def test_one_person_has_so_many_streams(
    team: Team, creator: User, owner: User, client_of: Callable[[User], Client], settings: Any
) -> None:
    settings.STREAMS_PER_PERSON = 2
    client, other = client_of(creator), client_of(owner)

    async def follow() -> None:
        async with Follower(client, team.slug) as first:
            assert (await first.next())["status"] == 200
            async with Follower(client, team.slug) as second:
                assert (await second.next())["status"] == 200
                async with Follower(client, team.slug) as third:
                    assert (await third.next())["status"] == 429
                    assert b"close some of them" in (await third.next())["body"]
                async with Follower(other, team.slug) as of_another:
                    assert (await of_another.next())["status"] == 200
            async with Follower(client, team.slug) as again:
                assert (await again.next())["status"] == 200

    asyncio.run(follow())
    assert limits.streams.total == 0


# ── Redis comes and goes ──────────────────────────────────────────────────────────────────────────
@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("PATIENCE", 0.3), ("QUIET", 0.3), ("AGAIN", 0.05)):
        monkeypatch.setattr(live, name, seconds)


class Between:
    """A port in front of Redis that can be cut, closed, or made to swallow everything, as a pulled
    cable does."""

    def __init__(self, url: str) -> None:
        self.there = urlsplit(url).path
        self.swallow = False
        self.lines: list[asyncio.StreamWriter] = []

    async def open(self, port: int = 0) -> int:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self.server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, to = await asyncio.open_unix_connection(self.there)
        self.lines += [writer, to]
        await asyncio.gather(
            self._pass(reader, to), self._pass(back, writer), return_exceptions=True
        )

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            if not self.swallow:
                writer.write(data)
                await writer.drain()

    async def close(self) -> None:
        self.server.close()
        for line in self.lines:
            line.close()
        self.lines.clear()
        await asyncio.sleep(0)


@pytest.mark.usefixtures("quick")
def test_who_comes_while_redis_is_away_is_told_at_once(
    team: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(creator)

    async def follow() -> None:
        async with Follower(client, team.slug) as first:
            assert await first.word("paused", "resumed") == "paused"
            async with Follower(client, team.slug) as second:
                assert await second.word("paused", "resumed") == "paused"

    asyncio.run(follow())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["closed", "swallowed"])
def test_a_loss_is_told_and_so_is_the_return(
    team: Team,
    creator: User,
    client_of: Callable[[User], Client],
    redis: str,
    settings: Any,
    how: str,
) -> None:
    client = client_of(creator)

    async def follow() -> str:
        between = Between(redis)
        port = await between.open()
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        async with Follower(client, team.slug) as follower:
            assert await follower.word("paused", "resumed") == "resumed"
            if how == "closed":
                await between.close()
            else:
                between.swallow = True
            assert await follower.word("paused", "resumed") == "paused"
            assert live.hub.connected is False
            between.swallow = False
            if how == "closed":
                await between.open(port)
            assert await follower.word("paused", "resumed") == "resumed"
            await sync_to_async(wakeup.publish, thread_sensitive=False)(
                team.slug, {"id": 7, "job": "j", "state": "running", "group": 1}
            )
            told = await follower.event()
        await between.close()
        return told

    assert "id: 7\n" in asyncio.run(follow())


@pytest.mark.usefixtures("quick")
def test_a_quiet_redis_is_not_taken_for_a_dead_one(
    team: Team, creator: User, client_of: Callable[[User], Client], redis: str
) -> None:
    client = client_of(creator)

    async def follow() -> list[str]:
        async with Follower(client, team.slug) as follower:
            assert await follower.word("paused", "resumed") == "resumed"
            await asyncio.sleep(3)
            return [
                follower.sent.get_nowait().get("body", b"").decode()
                for _ in range(follower.sent.qsize())
            ]

    assert [body for body in asyncio.run(follow()) if body.startswith("event: paused")] == []


def test_pages_have_the_line_that_says_so(
    team: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    job = makers.job(team, creator)
    for address in (f"/t/{team.slug}/", f"/t/{team.slug}/jobs/{job.public_id}/"):
        page = client_of(creator).get(address).content.decode()
        assert '<div role="status"><p class="notice" data-paused hidden>' in page
        assert "Live updates are paused" in page
