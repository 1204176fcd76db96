"""Live followers by the thousand on one web process: how long an event takes from Redis to each of
them, idle and beside a visitor who asks for pages without a pause; memory each, and connections to
the database.

An event is written to everybody who follows its team: to all of them with one team. The readers
are a process of their own on the same machine, whose time is in the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from tests.bench import stage
from tests.hostile.site import Target, target, visit

PER_PERSON = 40
PER_ADDRESS = 100


class Stream(asyncio.Protocol):
    """One follower. It does as little as it can, since its time is in the figures."""

    def __init__(self, readers: Readers, request: bytes) -> None:
        self.readers, self.request = readers, request
        self.begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if not self.begun:
            assert b" 200 " in data[:20], data
            self.begun = True
            self.readers.ready.release()
        if b'"sent"' in data:
            self.readers.note(data)


class Readers:
    """In a process of its own: `count` streams; a line of JSON for each event, with how late it
    came to each, in milliseconds."""

    def __init__(self, port: int, paths: list[str], cookies: list[str], count: int) -> None:
        self.port, self.paths, self.cookies, self.count = port, paths, cookies, count
        self.ready = asyncio.Semaphore(0)
        self.came: dict[bytes, list[float]] = {}

    def note(self, data: bytes) -> None:
        now = time.time()
        at = data.index(b'"sent"')
        sent = data[at + 8 : data.index(b"}", at)]
        some = self.came.setdefault(sent, [])
        some.append(now)
        if len(some) == self.count // len(self.paths):
            late = [(one - float(sent)) * 1000 for one in self.came.pop(sent)]
            print(json.dumps({"late": late}), flush=True)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in range(self.count):
            source = f"127.0.{1 + number // PER_ADDRESS}.{1 + number % PER_ADDRESS}"
            path = self.paths[number % len(self.paths)]
            cookie = self.cookies[number % len(self.cookies)]
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n"
            await loop.create_connection(
                partial(Stream, self, head.encode()), "127.0.0.1", self.port, local_addr=(source, 0)
            )
            if number % 50 == 49:
                await asyncio.sleep(0.1)
        for _ in range(self.count):
            await self.ready.acquire()
        print(json.dumps({"ready": True}), flush=True)
        await asyncio.Event().wait()


@contextmanager
def followers(site: Target, slugs: list[str], count: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.bench.followers", "--read"]
    with stage.running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        given = {
            "port": site.port,
            "paths": [f"/live/{slug}/" for slug in slugs],
            "cookies": site.cookies,
            "count": count,
        }
        process.stdin.write(json.dumps(given) + "\n")
        process.stdin.flush()
        assert json.loads(stage.line(process))["ready"]
        yield process


def events(
    process: subprocess.Popen[str], slugs: list[str], number: int, pause: float
) -> list[float]:
    """How late each of `number` events came to each follower of its team, in milliseconds."""
    from jobs.common import wakeup

    late: list[float] = []
    for n in range(number):
        event = {"id": n + 1, "job": "b" * 12, "state": "running", "group": 1, "sent": time.time()}
        wakeup.publish(slugs[n % len(slugs)], event)
        late += json.loads(stage.line(process))["late"]
        time.sleep(pause)
    return late


def more_teams(slug: str, number: int) -> list[str]:
    """The addresses of the team and of `number` - 1 others with the same people."""
    from studio.models import Membership, Team

    first = Team.objects.get(slug=slug)
    people = list(first.memberships.select_related("user"))
    slugs = [slug]
    for n in range(number - 1):
        team = Team.start(f"Team {n}", people[0].user)
        Membership.objects.bulk_create(
            Membership(team=team, user=one.user, role=one.role) for one in people[1:]
        )
        slugs.append(team.slug)
    return slugs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--teams", type=int, default=1, help="that they follow, in equal parts")
    parser.add_argument("--events", type=int, default=40)
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between two events")
    parser.add_argument("--read", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        asyncio.run(Readers(**json.loads(sys.stdin.readline())).run())
        return
    people = -(-options.count // PER_PERSON)
    with target(people=people) as site:
        slugs = more_teams(site.paths["live"].split("/")[2], options.teams)
        visit(site, 3)
        before = site.memory
        with followers(site, slugs, options.count) as process:
            time.sleep(3)
            each = (site.memory - before) / options.count * 1000
            idle = events(process, slugs, options.events, options.pause)
            seen: dict[str, Any] = {}
            seconds = options.events * (options.pause + 0.3)
            busy = threading.Thread(target=lambda: seen.update(visit(site, seconds)))
            busy.start()
            beside = events(process, slugs, options.events, options.pause)
            busy.join()
            stage.say(
                bench="followers",
                followers=options.count,
                teams=options.teams,
                idle_p50_ms=stage.percentile(idle, 50),
                idle_p95_ms=stage.percentile(idle, 95),
                busy_p50_ms=stage.percentile(beside, 50),
                busy_p95_ms=stage.percentile(beside, 95),
                kb_each=each,
                pages=seen["pages"],
                page_p95_ms=seen["p95"],
                wrong=seen["wrong"],
                machine_ms=stage.machine(),
            )


if __name__ == "__main__":
    main()
