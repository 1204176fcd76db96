"""Sockets: reads requests, breaks them where a fault is armed, writes replies. HTTP/1.1 with
keep-alive, one thread per connection."""

from __future__ import annotations

import json
import logging
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jobs.simulator.answers import (
    MESSAGES,
    Refusal,
    Reply,
    json_reply,
    new_id,
    refusal_reply,
    xml_reply,
)
from jobs.simulator.api import Api
from jobs.simulator.database import Database
from jobs.simulator.faults import AFTER, BEFORE, SLOW_SECONDS, Fault, Faults
from jobs.simulator.request import Request, endpoint_of

log = logging.getLogger(__name__)

LARGEST_BODY = 260 * 1024 * 1024
Control = Callable[[Request], Reply | None]


class ConnectionCut(Exception):
    """Close the connection without an answer."""


@dataclass(slots=True)
class CallRecord:
    """One request as it was seen: epoch seconds, method, endpoint, account's key, model ("" where
    none), HTTP status (0: no answer, or not yet)."""

    at: float
    method: str
    endpoint: str
    key: str
    model: str
    status: int


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        api: Api,
        database: Database,
        faults: Faults,
        control: Control,
    ) -> None:
        self.api, self.database, self.faults, self.control = api, database, faults, control
        self.calls: list[CallRecord] = []
        self._open: set[socket.socket] = set()
        self._at_once: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        # HTTPServer would look the host name up here, which can take seconds without a resolver.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = (
            str(self.server_address[0]),
            int(self.server_address[1]),
        )

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
            at_once = request in self._at_once
            self._at_once.discard(request)
        if at_once:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def close_at_once(self, request: Any) -> None:
        """Close this connection without the end of stream that tells the caller that everything was
        sent."""
        with self._lock:
            self._at_once.add(request)

    def close_all(self) -> None:
        """Hang up on everyone, so that a stopped service is a silent one."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a connection broke", exc_info=True)

    def note(self, call: CallRecord) -> None:
        with self._lock:
            self.calls.append(call)
            if len(self.calls) > 200_000:
                del self.calls[:100_000]


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "ModelStudioSimulator"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 120

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)

    def _serve(self) -> None:
        started = time.time()
        parts = urlsplit(self.path)
        length = self.headers.get("Content-Length", "0")
        if (
            not length.isdigit()
            or int(length) > LARGEST_BODY
            or self.headers.get("Transfer-Encoding")
        ):
            self.close_connection = True
            self._send(
                json_reply(
                    {
                        "code": "BadRequest.TooLarge",
                        "message": "Payload Too Large.",
                        "request_id": new_id(),
                    },
                    413,
                )
            )
            return
        body = self.rfile.read(int(length)) if int(length) else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(
            "GET" if self.command == "HEAD" else self.command,
            parts.path,
            parts.query,
            headers,
            body,
            self._host(headers),
        )
        endpoint, model = endpoint_of(request), self._model(request)
        # Noted before it is answered: whoever has the answer may count at once.
        call = CallRecord(
            started,
            request.method,
            endpoint,
            headers.get("authorization", "").partition(" ")[2].strip(),
            model,
            0,
        )
        self.server.note(call)
        try:
            call.status = self._answer(request, endpoint, model)
        except ConnectionCut:
            self.close_connection = True
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _host(self, headers: dict[str, str]) -> str:
        """How the caller names us, so that addresses in answers work from where the caller is."""
        named = headers.get("host", "")
        return (
            named
            if re.fullmatch(r"[A-Za-z0-9.\-\[\]:]+", named)
            else f"127.0.0.1:{self.server.server_port}"
        )

    def _model(self, request: Request) -> str:
        """The model a request is about, for the faults and the log; "" when it names none."""
        if request.path.startswith("/api/v1/tasks/"):
            task = self.server.database.task(request.path.split("/")[4])
            return task.model if task else ""
        try:
            content = json.loads(request.body) if request.body[:1] == b"{" else {}
        except ValueError:
            return ""
        return str(content.get("model") or request.parameter("model"))

    def _answer(self, request: Request, endpoint: str, model: str) -> int:
        draw = self.server.faults.draw(endpoint, model)
        before = draw.take(*BEFORE)
        if before is not None:
            broken = self._break_before(before)
            if broken is not None:
                self._send(broken)
                return broken.status
        request_id = new_id()
        try:
            reply = self.server.control(request) or self.server.api.answer(request, draw)
        except Refusal as refusal:
            reply = refusal_reply(refusal, request_id)
        except Exception:
            log.exception("the API failed")
            reply = refusal_reply(Refusal(500, "InternalError"), request_id)
        after = draw.take(*AFTER)
        if after is not None:
            if after.name == "cut-after":
                raise ConnectionCut
            if after.name == "500-after":
                reply = refusal_reply(Refusal(500, "InternalError"), request_id)
            elif after.name == "garbled":
                reply.body = reply.body[: len(reply.body) // 2]
        cut = (
            after
            if after is not None and after.name == "reset"
            else draw.take("truncated-result")
            if reply.file
            else None
        )
        self._send(reply, cut)
        return reply.status

    def _break_before(self, fault: Fault) -> Reply | None:
        if fault.name == "cut-before":
            raise ConnectionCut
        if fault.name == "slow":
            time.sleep(SLOW_SECONDS if fault.seconds is None else fault.seconds)
            return None
        if fault.name in ("html", "503"):
            said = (
                "502 Bad Gateway" if fault.name == "html" else "503 Service Temporarily Unavailable"
            )
            return Reply(
                int(said[:3]),
                f"<html><head><title>{said}</title></head><body><h1>{said}</h1></body></html>".encode(),
                "text/html",
            )
        if fault.name == "429":
            reply = json_reply(
                {"code": "Throttling.RateQuota", "message": MESSAGES["Throttling.RateQuota"]}, 429
            )
            if fault.seconds is not None:
                reply.headers["Retry-After"] = f"{fault.seconds:g}"
            return reply
        if fault.name == "result-404":
            return xml_reply(404, "NoSuchKey", "The specified key does not exist.", new_id())
        return refusal_reply(Refusal(500, "InternalError"), new_id())

    # ── writing ──

    def _send(self, reply: Reply, cut: Fault | None = None) -> None:
        if reply.file is not None:
            self._send_file(reply, reply.file, cut)
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: len(reply.body) // 2] if cut else reply.body)
        self.wfile.flush()
        if cut:
            self._reset()

    def _reset(self) -> None:
        """Hang up so that the caller gets a reset and not an end: what is still on the way is
        lost."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.close_at_once(self.connection)
        raise ConnectionCut

    def _send_file(self, reply: Reply, file: Path, cut: Fault | None) -> None:
        whole = file.read_bytes()
        first, last, partial = self._range(len(whole))
        if first > last:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(whole)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.wfile.flush()
            return
        part = whole[first : last + 1]
        sent = part[: len(part) // 2] if cut else part
        said = len(sent) if cut and cut.length == "wrong" else len(part)
        self.send_response(206 if partial else 200)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(said))
        if partial:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(whole)}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent)
        self.wfile.flush()
        if cut and cut.name == "reset":
            self._reset()
        if len(sent) < said:
            self.close_connection = True

    def _range(self, size: int) -> tuple[int, int, bool]:
        """(first, last, is it a part) of what is asked for; first > last when it lies outside the
        file."""
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", "").strip())
        if match is None or match.group(0) == "bytes=-":
            return 0, size - 1, False
        if not match[1]:
            return max(0, size - int(match[2])), size - 1, True
        return int(match[1]), min(size - 1, int(match[2] or size - 1)), True
