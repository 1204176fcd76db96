"""A host of videos on loopback that keeps the rules of HTTP, until a test tells it what to do
instead."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHANGED = "Fri, 20 Nov 2026 10:00:00 GMT"


class VideoHost(ThreadingHTTPServer):
    """`video` under every path. `answers` are used up first, one per request; `seen` are the
    headers that came, `sent` body bytes."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, video: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.video, self.tag = video, '"v1"'
        self.answers: list[Callable[[Handler], Any]] = []
        self.seen: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.sent = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/video.mp4?Expires=1&Signature=secret"

    @property
    def asked(self) -> list[str]:
        """The Range of each request, "" without one."""
        return [headers.get("range", "") for headers in self.seen]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection cut on purpose is no news."""


class Handler(BaseHTTPRequestHandler):
    server: VideoHost

    def do_GET(self) -> None:
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.server.paths.append(self.path)
        (self.server.answers.pop(0) if self.server.answers else Handler.whole)(self)

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """`headers` replace the usual ones; "" leaves one out."""
        self.send_response(status)
        usual = {
            "Content_Type": "video/mp4",
            "Content_Length": str(len(body)),
            "ETag": self.server.tag,
        }
        for name, value in (usual | headers).items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.server.sent += len(body)

    def whole(self, upto: int | None = None) -> None:
        """What an honest host answers; `upto` bytes of the body and then nothing more."""
        video = self.server.video
        first = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.headers.get("If-Range", self.server.tag) == self.server.tag:
            first = int(asked[1])
        body, length = video[first:][:upto], str(len(video) - first)
        if first:
            self.send(
                206,
                body,
                Content_Length=length,
                Content_Range=f"bytes {first}-{len(video) - 1}/{len(video)}",
            )
        else:
            self.send(200, body, Content_Length=length)

    def log_message(self, *args: object) -> None:
        pass


def cut_after(count: int) -> Callable[[Handler], None]:
    """The connection ends after `count` bytes of the body."""
    return lambda handler: handler.whole(count)


def answer_with(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.send(status, body, **headers)


@contextmanager
def running(video: bytes) -> Iterator[VideoHost]:
    host = VideoHost(video)
    threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield host
    finally:
        host.shutdown()
        host.server_close()
