"""A service that costs next to nothing, for benchmarks of those who call it: every task it is asked
about is running, and every submit makes one. It notes when calls came.

`python -m tests.bench.stub --delay 3` prints its base address and serves until SIGTERM. `GET
/stub/report` has the seconds between two looks at the same task, how many looks came and when
submits came (epoch seconds); `POST /stub/reset` forgets all of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from functools import partial

MOMENT = time.strftime(
    "%Y-%m-%d %H:%M:%S.000", time.gmtime(time.time() + 8 * 3600)
)  # the service tells the time of China


class Notes:
    def __init__(self) -> None:
        self.last: dict[str, float] = {}
        self.gaps: list[float] = []
        self.submits: list[float] = []
        self.gets = self.made = 0

    def reset(self) -> None:
        self.gaps, self.submits, self.gets = [], [], 0  # the last look at each task stays known


class Caller(asyncio.Protocol):
    """One connection, kept alive as long as the other side likes."""

    def __init__(self, notes: Notes, delay: float) -> None:
        self.notes, self.delay = notes, delay
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self.data += data
        while True:
            head, found, rest = self.data.partition(b"\r\n\r\n")
            if not found:
                return
            length = _length(head)
            if len(rest) < length:
                return
            self.data = rest[length:]
            method, path = head.split(b" ", 2)[:2]
            answer = self._answer(method.decode(), path.decode(), now)
            asyncio.get_running_loop().call_later(
                self.delay, self._send, answer, b"connection: close" in head.lower()
            )

    def _send(self, answer: object, last: bool) -> None:
        body = json.dumps(answer).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        if last:
            self.transport.close()

    def _answer(self, method: str, path: str, now: float) -> dict[str, object]:
        notes = self.notes
        if path.startswith("/stub/"):
            if path == "/stub/reset":
                notes.reset()
            return {
                "gaps": notes.gaps,
                "gets": notes.gets,
                "submits": notes.submits,
                "tasks": len(notes.last),
            }
        if method == "POST":
            notes.submits.append(now)
            notes.made += 1
            return {
                "request_id": f"request-{notes.made}",
                "output": {"task_id": f"made-{notes.made}", "task_status": "PENDING"},
            }
        if path.startswith("/api/v1/tasks/") and path[14:15] not in ("", "?"):
            task = path[14:]
            notes.gets += 1
            if task in notes.last:
                notes.gaps.append(round(now - notes.last[task], 4))
            notes.last[task] = now
            told = {
                "task_id": task,
                "task_status": "RUNNING",
                "submit_time": MOMENT,
                "scheduled_time": MOMENT,
            }
            return {"request_id": "request", "output": told}
        return {
            "request_id": "request",
            "total": 0,
            "data": [],
            "total_page": 1,
            "page_no": 1,
            "page_size": 50,
        }


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(delay: float) -> None:
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, done.set)
    server = await loop.create_server(partial(Caller, Notes(), delay), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v1", flush=True)
    await done.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=3.0, help="milliseconds until an answer")
    asyncio.run(_serve(parser.parse_args().delay / 1000))


if __name__ == "__main__":
    main()
