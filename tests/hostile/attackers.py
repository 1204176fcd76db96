"""Clients that take their time, by the thousand, each from a loopback address of its own: `python
-m tests.hostile.attackers PORT KIND COUNT`, with {"cookies": […], "paths": …} as JSON on stdin.

Says “ready” when all are there, and those who want an answer have its beginning; goes on until
stdin ends, and then says what became of them. Who is cut off comes back, so there are always as
many.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

PAUSE = 1.0  # seconds between two bytes of a client
PER_ADDRESS = 100


@dataclass
class Attack:
    port: int
    kind: str
    cookies: list[str]
    paths: dict[str, str]
    at_once: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def first(self, number: int) -> bytes:
        """What the client sends at once."""
        cookie = self.cookies[number % len(self.cookies)] if self.cookies else ""
        common = f"Host: localhost\r\nCookie: {cookie}\r\n"
        large = f"{common}Content-Length: 100000000\r\n\r\nx"
        return {
            "idle": "",
            "headers": f"GET / HTTP/1.1\r\n{common}X: ",
            "bodies": f"POST /accounts/login/ HTTP/1.1\r\n{common}Content-Length: 50000\r\n\r\nx",
            "readers": f"GET {self.paths.get('file', '/')} HTTP/1.1\r\n{common}\r\n",
            "uploads": f"PUT {self.paths.get('upload', '/')}?name=a.mp4 HTTP/1.1\r\n{common}"
            f"X-CSRFToken: {cookie.rpartition('csrftoken=')[2]}\r\n"
            f"Content-Length: 100000000\r\n\r\nx",
            "forms": f"POST {self.paths.get('form', '/')} HTTP/1.1\r\n{large}",
            "streams": f"GET {self.paths.get('live', '/')} HTTP/1.1\r\n{common}\r\n",
        }[self.kind].encode()

    async def client(self, number: int, ready: asyncio.Semaphore) -> None:
        """One client that comes back for ever."""
        source = f"127.0.{1 + number // PER_ADDRESS % 250}.{1 + number % PER_ADDRESS}"
        fresh = True
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self.port, local_addr=(source, 0), limit=4096
                )
                self.at_once += 1
                self.seen["opened"] += 1
                try:
                    writer.write(self.first(number))
                    if self.kind in ("readers", "streams"):
                        said = await reader.readline()
                        self.seen[said[:12].decode("latin-1")] += 1
                    if fresh:
                        ready.release()
                        fresh = False
                    await self._linger(reader, writer)
                finally:
                    self.at_once -= 1
                    writer.close()
            self.seen["cut off"] += 1
            await asyncio.sleep(PAUSE)

    async def _linger(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.kind == "streams":
            while await reader.read(4096):
                pass
            return
        while not reader.at_eof():
            await asyncio.sleep(PAUSE)
            if self.kind == "readers":
                if not await reader.read(1):
                    return
            elif self.kind != "idle":
                writer.write(b"x")
                await writer.drain()
            if self.kind != "readers" and (said := bytes(reader._buffer)):  # type: ignore[attr-defined]
                self.seen[said[:12].decode("latin-1")] += 1
                return


async def attack(port: int, kind: str, count: int, given: dict[str, object]) -> None:
    one = Attack(port, kind, given.get("cookies", []), given.get("paths", {}))  # type: ignore[arg-type]
    ready = asyncio.Semaphore(0)
    tasks = []
    for number in range(count):
        tasks.append(asyncio.create_task(one.client(number, ready)))
        if number % 50 == 49:
            await asyncio.sleep(0.05)
    for _ in range(count):
        await ready.acquire()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({"at_once": one.at_once, **one.seen}), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(
        attack(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), json.loads(sys.stdin.readline()))
    )
