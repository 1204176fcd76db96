"""A server on loopback that answers, cuts and lies as told, and counts what reached it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jobs.catalogue import entries
from jobs.modelstudio import (
    Client,
)

KEY = "sk-0123456789abcdef"
BOX = [302, 286, 610, 593]
BODY = entries.body(
    entries.EMO,
    "emo-v1",
    {
        "image_url": "https://a.example/p.png?Signature=secret",
        "audio_url": "https://a.example/a.mp3",
        "face_bbox": BOX,
        "ext_bbox": BOX,
    },
    {},
)
CHECK_BODY = entries.body(
    entries.EMO_DETECT, "emo-detect-v1", {"image_url": "https://a.example/p.png"}, {"ratio": "1:1"}
)
CREATED = {"output": {"task_id": "t-1", "task_status": "PENDING"}, "request_id": "r-1"}

Answer = Callable[["Handler"], object]


@dataclass
class Seen:
    """One request as it came."""

    verb: str
    sent_to: str
    told: dict[str, str]
    asked: dict[str, str]
    body: bytes


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    answer: Answer
    seen: list[Seen]
    connections: int

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection cut on purpose is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    asked: dict[str, str]

    def take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {name.lower(): value for name, value in self.headers.items()}
        self.asked = {
            name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()
        }
        self.server.seen.append(Seen(self.command, self.path, told, self.asked, body))
        self.server.answer(self)

    do_GET = do_POST = take

    def reply(self, payload: Any, status: int = 200, **headers: str) -> None:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def at(server: Server, **kwargs: Any) -> Client:
    return Client(
        f"http://127.0.0.1:{server.server_port}",
        KEY,
        **{"read": 5.0, "connect": 2.0, "private_ok": True, **kwargs},
    )


def says(payload: Any, status: int = 200, **headers: str) -> Answer:
    return lambda handler: handler.reply(payload, status, **headers)


def in_turn(*answers: Answer) -> Answer:
    left = list(answers)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
