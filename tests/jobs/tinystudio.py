"""A Model Studio small enough for tests of keys: it answers GETs of tasks only."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

GOOD, OTHER, BAD = "sk-good-000000000abcd", "sk-good-000000000efgh", "sk-bad-0000000000wxyz"


class Service:
    """A tiny Model Studio: knows some keys, answers as it is told, and remembers who asked."""

    def __init__(self) -> None:
        self.good = {GOOD, OTHER}
        self.answer: tuple[int, str, str] | None = (
            None  # status, content type, body; None: judge the key
        )
        self.asked: list[tuple[str, str, str]] = []  # path, key, workspace
        self.seen: dict[str, set[str]] = {}  # task id → keys that see it
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                key = self.headers["Authorization"].removeprefix("Bearer ")
                service.asked.append(
                    (self.path, key, self.headers.get("X-DashScope-WorkSpace", ""))
                )
                task_id = self.path.rsplit("/", 1)[-1]
                word = "RUNNING" if key in service.seen.get(task_id, ()) else "UNKNOWN"
                unknown = (
                    200,
                    "application/json",
                    json.dumps(
                        {"output": {"task_id": task_id, "task_status": word}, "request_id": "r"}
                    ),
                )
                refused = (
                    401,
                    "application/json",
                    json.dumps(
                        {
                            "code": "InvalidApiKey",
                            "message": f"Invalid API-key {key}.",
                            "request_id": "r",
                        }
                    ),
                )
                status, kind, body = service.answer or (unknown if key in service.good else refused)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args: Any) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v1"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def dead_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/api/v1"
