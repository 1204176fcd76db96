"""The client against a server on loopback that answers, cuts and lies as told, and counts what reached it."""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jobs import catalogue
from jobs.modelstudio import (
    AccountTrouble,
    Client,
    ModelGone,
    NoAnswer,
    NotSent,
    OurFault,
    Rejected,
    RetryLater,
    WireError,
    client,
    transport,
    without_query,
)

KEY = "sk-0123456789abcdef"
BOX = [302, 286, 610, 593]
BODY = catalogue.body(
    catalogue.EMO,
    "emo-v1",
    {"image_url": "https://a.example/p.png?Signature=secret", "audio_url": "https://a.example/a.mp3", "face_bbox": BOX, "ext_bbox": BOX},
    {},
)
CHECK_BODY = catalogue.body(catalogue.EMO_DETECT, "emo-detect-v1", {"image_url": "https://a.example/p.png"}, {"ratio": "1:1"})
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
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
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


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.seen, made.connections = [], 0
    made.answer = lambda handler: handler.reply(CREATED)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSES", (0.001, 0.001))


def at(server: Server, **kwargs: Any) -> Client:
    return Client(f"http://127.0.0.1:{server.server_port}", KEY, **{"read": 5.0, "connect": 2.0, **kwargs})


def says(payload: Any, status: int = 200, **headers: str) -> Answer:
    return lambda handler: handler.reply(payload, status, **headers)


def in_turn(*answers: Answer) -> Answer:
    left = list(answers)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ── one POST, whatever happens ──────────────────────────────────────────────────────────────────────────────────────


def half_an_answer(handler: Handler) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"output": {"task_id": "t-1"')
    handler.wfile.flush()
    handler.cut()


@pytest.mark.parametrize(
    "answer",
    [
        Handler.cut,
        half_an_answer,
        lambda handler: (handler.wfile.write(b"HTTP/1.1 2"), handler.wfile.flush(), handler.cut()),
        says(b"<html>502 Bad Gateway</html>", 502),
        says({"code": "InternalError", "message": "internal", "request_id": "r"}, 500),
        says({"code": "ModelServingError", "message": "Too many requests.", "request_id": "r"}, 503),
        says({"code": "ModelUnavailable", "message": "Model is unavailable, try again later."}, 503, Retry_After="1"),
        says({"code": "InvalidFile.NoHuman", "message": "odd"}, 500),
        says(b"<html>welcome</html>"),
        says(b'{"output": {"task_id": '),
        says(b"[1, 2]"),
        says(b""),
        says({"output": {"task_status": "PENDING"}, "request_id": "r"}),
        says({"output": {"task_id": "", "task_status": "PENDING"}}),
        says({"output": {"task_id": 7}}),
        says(b"<html>blocked</html>", 405),
        says(b"moved", 302, Location="/elsewhere"),
        says(b"[" * 100_000),
    ],
)
def test_a_submit_without_a_clear_answer_is_uncertain_and_sent_once(server: Server, answer: Answer) -> None:
    wire = at(server)
    server.answer = in_turn(says({"output": {"task_id": "warm", "task_status": "RUNNING"}}), answer)
    wire.get("warm")  # leaves a kept-alive connection, which a submit must not use
    with pytest.raises(NoAnswer):
        wire.submit(catalogue.EMO, BODY)
    assert [seen.verb for seen in server.seen] == ["GET", "POST"]
    assert server.connections == 2


def test_a_read_time_out_on_a_submit_is_uncertain_and_sent_once(server: Server) -> None:
    done = threading.Event()
    server.answer = lambda handler: done.wait(3)
    with pytest.raises(NoAnswer) as told:
        at(server, read=0.1).submit(catalogue.EMO, BODY)
    done.set()
    assert told.value.code == "ReadTimeout"
    assert len(server.seen) == 1


def test_an_answer_that_drips_forever_is_left(server: Server) -> None:
    def drip(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.02)

    server.answer = drip
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        at(server, read=0.2).submit(catalogue.EMO, BODY)
    assert time.monotonic() - began < 1.5


def test_an_answer_of_more_than_two_mebibytes_is_not_read(server: Server) -> None:
    server.answer = says(b" " * (3 * 1024 * 1024))
    with pytest.raises(NoAnswer) as told:
        at(server).submit(catalogue.EMO, BODY)
    assert told.value.code == "AnswerTooLong"


def test_posts_never_share_a_connection_and_gets_do(server: Server) -> None:
    wire = at(server)
    server.answer = lambda handler: handler.reply(CREATED)
    for _ in range(3):
        wire.submit(catalogue.EMO, BODY)
    assert server.connections == 3
    assert all(seen.told["connection"] == "close" for seen in server.seen)
    for _ in range(3):
        wire.get("t-1")
    assert server.connections == 4


def test_accounts_share_connections_and_never_keys(server: Server) -> None:
    server.answer = lambda handler: handler.reply(CREATED)
    address = f"http://127.0.0.1:{server.server_port}"
    north, south = Client(address, KEY), Client(address, "sk-another", workspace="ws-1")
    for wire in (north, south, north):
        wire.get("t-1")
    assert server.connections == 1
    assert [seen.told["authorization"] for seen in server.seen] == [f"Bearer {KEY}", "Bearer sk-another", f"Bearer {KEY}"]
    assert [seen.told.get("x-dashscope-workspace") for seen in server.seen] == [None, "ws-1", None]


def test_a_forked_child_makes_connections_of_its_own(server: Server) -> None:
    server.answer = lambda handler: handler.reply(CREATED)
    wire = at(server)
    wire.get("t-1")
    child = os.fork()
    if child == 0:
        try:
            wire.get("t-1")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert (server.connections, len(server.seen)) == (2, 2)


def test_nothing_was_sent_when_nobody_listens() -> None:
    wire = Client(f"http://127.0.0.1:{free_port()}", KEY)
    with pytest.raises(NotSent):
        wire.submit(catalogue.EMO, BODY)
    with pytest.raises(NotSent):
        wire.get("t-1")


def test_nothing_was_sent_when_the_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotSent, match="name of the service"):
        Client("http://nobody.invalid", KEY).submit(catalogue.EMO, BODY)


def test_nothing_was_sent_when_the_handshake_fails(server: Server) -> None:
    with pytest.raises(NotSent, match="secure connection"):  # the server speaks no TLS
        Client(f"https://127.0.0.1:{server.server_port}", KEY, connect=2, read=2).submit(catalogue.EMO, BODY)
    assert server.seen == []


def test_nothing_was_sent_when_the_connection_takes_too_long() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):  # fills the backlog, so that the next connection is not made
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            waiting.append(one)
        with pytest.raises(NotSent) as told:
            Client(f"http://127.0.0.1:{full.getsockname()[1]}", KEY, connect=0.2, read=0.2).submit(catalogue.EMO, BODY)
        for one in waiting:
            one.close()
    assert "in time" in told.value.message


def test_a_cut_over_tls_is_uncertain_and_a_distrusted_certificate_is_not(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """requests names both SSLError; money needs the difference."""
    pem = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)

    def rude(handler: Handler) -> None:  # drops TLS after the order was read: requests calls it SSLError
        handler.close_connection = True
        raw = socket.socket(fileno=handler.connection.detach())
        raw.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        raw.close()

    server.answer = rude
    address = f"https://127.0.0.1:{server.server_port}"
    with pytest.raises(NotSent):
        Client(address, KEY).submit(catalogue.EMO, BODY)
    with pytest.raises(NotSent):
        Client(address, KEY).get("t-1")
    assert server.seen == []
    monkeypatch.setattr(transport, "CERTIFICATES", str(pem))
    with pytest.raises(NoAnswer):
        Client(address, KEY).submit(catalogue.EMO, BODY)
    assert len(server.seen) == 1
    with pytest.raises(NoAnswer):
        Client(address, KEY).get("t-1")
    assert len(server.seen) > 1


def certificate(folder: Path) -> Path:
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stub")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, now - timedelta(days=1), now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "stub.pem"
    file.write_bytes(secret + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return file


# ── headers, addresses, secrets ─────────────────────────────────────────────────────────────────────────────────────


def test_headers_of_each_kind_of_call(server: Server) -> None:
    wire = at(server, workspace="llm-team_1")
    wire.submit(catalogue.EMO, BODY)
    server.answer = says({"output": {"check_pass": True, "face_bbox": BOX, "ext_bbox": BOX}})
    wire.detect(catalogue.EMO_DETECT, {**CHECK_BODY, "input": {"image_url": "oss://dashscope-instant/x/p.png"}})
    server.answer = says({"request_id": "r"})
    assert wire.cancel("t-1") is True
    server.answer = says({"output": {"task_id": "t-1", "task_status": "RUNNING"}})
    wire.get("t-1")
    submit, detect, cancel, get = server.seen
    for seen in server.seen:
        assert seen.told["authorization"] == f"Bearer {KEY}"
        assert seen.told["x-dashscope-workspace"] == "llm-team_1"
    assert submit.told["x-dashscope-async"] == "enable"
    assert submit.told["content-type"] == detect.told["content-type"] == "application/json"
    assert "x-dashscope-ossresourceresolve" not in submit.told
    assert detect.told["x-dashscope-ossresourceresolve"] == "enable"
    for seen in (detect, cancel, get):
        assert "x-dashscope-async" not in seen.told
    assert json.loads(submit.body) == BODY
    assert submit.sent_to == "/api/v1/services/aigc/image2video/video-synthesis"
    assert detect.sent_to == "/api/v1/services/aigc/image2video/face-detect"
    assert (cancel.sent_to, cancel.body, cancel.told["content-length"]) == ("/api/v1/tasks/t-1/cancel", b"", "0")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://dashscope.aliyuncs.com", "https://dashscope.aliyuncs.com/api/v1"),
        ("https://dashscope.aliyuncs.com/", "https://dashscope.aliyuncs.com/api/v1"),
        ("https://dashscope.aliyuncs.com/api/v1//", "https://dashscope.aliyuncs.com/api/v1"),
        ("http://127.0.0.1:8010/other", "http://127.0.0.1:8010/other"),
    ],
)
def test_addresses_are_completed(given: str, kept: str) -> None:
    assert Client(given, KEY).base_url == kept


@pytest.mark.parametrize(
    "given", ["", "dashscope.aliyuncs.com", "ftp://a.example", "http://", "http://a.example:port", "http://u:p@a.example", "http://a/?q=1"]
)
def test_addresses_that_cannot_be_used_are_refused_with_a_sentence(given: str) -> None:
    with pytest.raises(ValueError, match=r"address of the service.*\.$"):
        Client(given, KEY)


@pytest.mark.parametrize("key", ["", " ", "sk-a b", "sk-a\r\nX: y", "schlüssel"])
def test_keys_that_cannot_be_sent_are_refused_without_repeating_them(key: str) -> None:
    with pytest.raises(ValueError, match="API key") as told:
        Client("http://a.example", key)
    assert not key.strip() or key not in str(told.value)


def test_task_ids_stay_one_step_of_the_path(server: Server) -> None:
    wire = at(server)
    server.answer = says({"output": {"task_id": "a/../b?c#d", "task_status": "RUNNING"}})
    wire.get("a/../b?c#d")
    assert server.seen[0].sent_to == "/api/v1/tasks/a%2F..%2Fb%3Fc%23d"
    for wrong in ("", "..", ".", "a\nb", "a b", "ü", "x" * 201):
        with pytest.raises(OurFault):
            wire.get(wrong)
        with pytest.raises(OurFault):
            wire.cancel(wrong)
    assert len(server.seen) == 1


def test_neither_errors_nor_logs_tell_secrets(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    message = f"Download https://u:p@a.example/p.png?Signature=secret timeout, Incorrect API key provided: {KEY}."
    wire = at(server)
    for status in (400, 401, 500):
        server.answer = says({"code": "InvalidURL.Timeout", "message": message, "request_id": "r"}, status)
        with pytest.raises(WireError) as told:
            wire.submit(catalogue.EMO, BODY)
        assert "a.example/p.png" in str(told.value)
        for text in (str(told.value), repr(told.value), repr(vars(told.value)), repr(wire)):
            assert "secret" not in text
            assert "u:p" not in text
            assert KEY not in text
        assert told.value.__context__ is None
    assert KEY not in caplog.text
    assert "secret" not in caplog.text
    assert without_query("https://u:p@h/x?a=1#b") == "https://h/x"


def test_redirects_are_not_followed(server: Server) -> None:
    wire = at(server)
    server.answer = says(b"", 307, Location=f"http://127.0.0.1:{server.server_port}/elsewhere")
    with pytest.raises(OurFault):
        wire.submit(catalogue.EMO, BODY)
    with pytest.raises(OurFault):
        wire.get("t-1")
    assert [seen.verb for seen in server.seen] == ["POST", "GET"]


# ── submit ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_submit_tells_the_task(server: Server) -> None:
    told = at(server).submit(catalogue.EMO, BODY)
    assert (told.task_id, told.status, told.request_id) == ("t-1", "PENDING", "r-1")


def test_a_created_task_is_never_dropped_for_a_code_beside_it(server: Server) -> None:
    server.answer = says({**CREATED, "code": "Odd"})
    assert at(server).submit(catalogue.EMO, BODY).task_id == "t-1"


def test_429_on_a_submit_proves_that_nothing_was_created(server: Server) -> None:
    for headers, seconds in (
        ({"Retry_After": "7"}, 7.0),
        ({"retry_after_ms": "1500", "Retry_After": "7"}, 1.5),
        ({}, None),
        ({"Retry_After": "x"}, None),
    ):
        server.answer = says({"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}, 429, **headers)
        with pytest.raises(RetryLater) as told:
            at(server).submit(catalogue.EMO, BODY)
        assert told.value.retry_after == seconds
    server.answer = says(b"<html>slow down</html>", 429)
    with pytest.raises(RetryLater):
        at(server).submit(catalogue.EMO, BODY)
    assert len(server.seen) == 5


def test_an_error_in_a_200_is_an_error(server: Server) -> None:
    server.answer = says({"code": "InvalidParameter.UnsupportedFileFormat", "message": "Input files format not supported.", "request_id": "r"})
    with pytest.raises(Rejected) as told:
        at(server).submit(catalogue.EMO, BODY)
    assert (told.value.code, told.value.request_id, told.value.status) == ("InvalidParameter.UnsupportedFileFormat", "r", 200)


# ── detect ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pass_copies_the_declared_facts(server: Server) -> None:
    output = {"check_pass": True, "face_bbox": BOX, "ext_bbox": [71, 9, 840, 778], "humanoid": True, "new": 1}
    server.answer = says({"output": output, "usage": {"image_count": 1}, "request_id": "r"})
    told = at(server).detect(catalogue.EMO_DETECT, CHECK_BODY)
    assert told.passed
    assert told.units == Decimal(1)
    assert told.request_id == "r"
    assert (told.code, told.message) == ("", "")
    assert told.facts == {"face_bbox": BOX, "ext_bbox": [71, 9, 840, 778], "humanoid": True}


NO_HUMAN = {"code": "InvalidFile.NoHuman", "message": "The input image has no human body. Please upload other image with single person."}


@pytest.mark.parametrize(
    ("model", "status", "payload", "code", "message", "units"),
    [
        (
            "emo-detect-v1",
            200,
            {"output": {"check_pass": False, "humanoid": False, "code": "", "message": ""}, "usage": {"image_count": 1}},
            "",
            "",
            1,
        ),
        (
            "emo-detect-v1",
            200,
            {"output": {"check_pass": False, **NO_HUMAN}, "usage": {"image_count": 1}},
            NO_HUMAN["code"],
            NO_HUMAN["message"],
            1,
        ),
        ("emo-detect-v1", 400, NO_HUMAN, NO_HUMAN["code"], NO_HUMAN["message"], 0),
        ("emo-detect-v1", 400, {"output": NO_HUMAN}, NO_HUMAN["code"], NO_HUMAN["message"], 0),
        ("emo-detect-v1", 200, NO_HUMAN, NO_HUMAN["code"], NO_HUMAN["message"], 0),
        ("emo-detect-v1", 400, {"code": "InvalidPerson", "message": "many"}, "InvalidPerson", "many", 0),
        ("emo-detect-v1", 400, {"code": "InvalidImage.NoHumanFace", "message": "none"}, "InvalidImage.NoHumanFace", "none", 0),
        ("emo-detect-v1", 200, {"output": {"pass": False, "message": "No human face detected."}}, "", "No human face detected.", None),
        ("emo-detect-v1", 200, {"output": NO_HUMAN, "usage": {"image_count": 1}}, NO_HUMAN["code"], NO_HUMAN["message"], 1),
        (
            "animate-anyone-detect-gen2",
            200,
            {"output": {"check_pass": False, "reason": NO_HUMAN["message"], "bodystyle": ""}, "usage": {"image_count": 1}},
            "",
            NO_HUMAN["message"],
            1,
        ),
    ],
)
def test_every_shape_of_a_negative_verdict(server: Server, model: str, status: int, payload: Any, code: str, message: str, units: int | None) -> None:
    server.answer = says({**payload, "request_id": "r"}, status)
    told = at(server).detect(catalogue.get(model), CHECK_BODY)
    assert (told.passed, told.code, told.message, told.request_id) == (False, code, message, "r")
    if status == 200 and "output" not in payload:
        assert told.units in (None, Decimal(0))
    else:
        assert told.units == (None if units is None else Decimal(units))


@pytest.mark.parametrize(
    ("status", "payload", "kind"),
    [
        (400, {"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."}, Rejected),
        (400, {"code": "InvalidParameter", "message": "The request parameter is invalid"}, Rejected),
        (401, {"code": "InvalidApiKey", "message": "No API-key provided."}, AccountTrouble),
        (404, {"code": "ModelNotFound", "message": "Model can not be found."}, ModelGone),
        (503, {"code": "ModelServingError", "message": "Too many requests."}, RetryLater),
        (500, {"code": "InternalError", "message": "x"}, NoAnswer),
        (500, NO_HUMAN, NoAnswer),
        (200, {"output": {"bodystyle": "full"}}, NoAnswer),
        (200, {"output": {"code": "DataInspectionFailed", "message": "x"}}, Rejected),
        (200, {"output": {"check_pass": "perhaps"}}, NoAnswer),
    ],
)
def test_what_is_no_verdict_is_raised(server: Server, status: int, payload: Any, kind: type[WireError]) -> None:
    server.answer = says(payload, status)
    with pytest.raises(kind):
        at(server).detect(catalogue.EMO_DETECT, CHECK_BODY)
    assert len(server.seen) == 1


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_finished_task(server: Server) -> None:
    output = {
        "task_id": "t-1",
        "task_status": "SUCCEEDED",
        "submit_time": "2025-09-11 14:33:38.716",
        "scheduled_time": "2025-09-11 14:33:53.089",
        "end_time": "2025-09-11 14:35:51.541",
        "results": {"video_url": "http://r.example/x.mp4?Expires=1"},
    }
    server.answer = says({"request_id": "r", "output": output, "usage": {"video_duration": 13.93, "video_ratio": "1:1"}})
    told = at(server).get("t-1")
    assert told.finished
    assert not told.unknown
    assert told.request_id == "r"
    assert told.end_time == datetime(2025, 9, 11, 6, 35, 51, 541000, tzinfo=UTC)
    assert told.scheduled_time
    assert told.submit_time
    assert told.scheduled_time > told.submit_time
    assert catalogue.result_of(catalogue.EMO, told.output) == "http://r.example/x.mp4?Expires=1"
    assert catalogue.billed_units(catalogue.EMO, told.usage) == Decimal("13.93")


def test_a_failed_task_is_an_answer_not_an_error(server: Server) -> None:
    server.answer = says(
        {"output": {"task_id": "t-1", "task_status": "FAILED", "code": "InvalidURL", "message": "The input audio is longer than 60s."}}
    )
    told = at(server).get("t-1")
    assert (told.finished, told.code, told.message) == (True, "InvalidURL", "The input audio is longer than 60s.")
    assert told.end_time is None
    assert told.usage == {}


@pytest.mark.parametrize(
    ("status", "finished"),
    [("PENDING", False), ("PRE-PROCESSING", False), ("SUSPENDED", False), ("NEVER-SEEN", False), ("CANCELED", True), ("UNKNOWN", True)],
)
def test_states_never_seen_are_still_working(server: Server, status: str, finished: bool) -> None:
    server.answer = says({"output": {"task_id": "t-1", "task_status": status, "end_time": "soon", "submit_time": 17}})
    told = at(server).get("t-1")
    assert (told.finished, told.unknown, told.end_time, told.submit_time) == (finished, status == "UNKNOWN", None, None)


def test_an_answer_about_another_task_is_not_believed(server: Server) -> None:
    server.answer = says({"output": {"task_id": "t-2", "task_status": "SUCCEEDED"}})
    with pytest.raises(NoAnswer, match="about task t-2"):
        at(server).get("t-1")


@pytest.mark.parametrize("trouble", [Handler.cut, says(b"<html>", 502), says({"code": "InternalError"}, 500), says(b'{"out')])
def test_gets_are_asked_again_twice(server: Server, trouble: Answer) -> None:
    good = says({"output": {"task_id": "t-1", "task_status": "RUNNING"}})
    server.answer = in_turn(trouble, trouble, good)
    assert at(server).get("t-1").status == "RUNNING"
    server.seen.clear()
    server.answer = trouble
    with pytest.raises(NoAnswer):
        at(server).get("t-1")
    assert len(server.seen) == 3


def test_429_on_a_get_is_not_asked_again(server: Server) -> None:
    server.answer = says({"code": "Throttling.RateQuota", "message": "slow"}, 429, Retry_After="2")
    with pytest.raises(RetryLater) as told:
        at(server).get("t-1")
    assert told.value.retry_after == 2.0
    assert len(server.seen) == 1


def test_cancel_too_late_is_false_and_other_errors_raise(server: Server) -> None:
    server.answer = says(
        {"code": "UnsupportedOperation", "message": "Failed to cancel the task, please confirm if the task is in PENDING status."}, 400
    )
    assert at(server).cancel("t-1") is False
    server.answer = says({"code": "InvalidParameter", "message": "x"}, 400)
    with pytest.raises(Rejected):
        at(server).cancel("t-1")
    server.answer = Handler.cut
    with pytest.raises(NoAnswer):
        at(server).cancel("t-1")
    assert len(server.seen) == 3


def test_the_probe_tells_a_good_key_from_a_bad_one(server: Server) -> None:
    server.answer = lambda handler: handler.reply({"output": {"task_id": handler.path.rsplit("/", 1)[1], "task_status": "UNKNOWN"}})
    at(server).probe()
    server.answer = says({"code": "InvalidApiKey", "message": "Invalid API-key provided."}, 401)
    with pytest.raises(AccountTrouble) as told:
        at(server).probe()
    assert told.value.reason == "key"
    server.answer = says(b"<html>a web site</html>", 404)
    with pytest.raises(OurFault):
        at(server).probe()


# ── the list ────────────────────────────────────────────────────────────────────────────────────────────────────────

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def line(name: str, minutes_ago: int, **more: Any) -> dict[str, Any]:
    created = int((NOW - timedelta(minutes=minutes_ago)).timestamp() * 1000)
    return {
        "task_id": name,
        "gmt_create": created,
        "status": "RUNNING",
        "model_name": "emo-v1",
        "request_id": f"r-{name}",
        "api_key_id": "15",
        **more,
    }


def listing(lines: list[dict[str, Any]], page_size: int) -> Answer:
    """A service that cuts pages of its own size, whatever was asked."""

    def answer(handler: Handler) -> None:
        no = int(handler.asked["page_no"])
        shown = lines[(no - 1) * page_size : no * page_size]
        pages = -(-len(lines) // page_size)
        handler.reply({"total": len(lines), "data": shown, "total_page": pages, "page_no": no, "page_size": page_size, "request_id": "r"})

    return answer


def test_a_page(server: Server) -> None:
    server.answer = listing([line("a", 5, end_time=int(NOW.timestamp() * 1000), status="SUCCEEDED", api_key_id=15), line("b", 1)], 10)
    told = at(server).page("emo-v1", "RUNNING", 1, 20)
    assert server.seen[0].sent_to.startswith("/api/v1/tasks/?")
    assert server.seen[0].asked == {"model_name": "emo-v1", "status": "RUNNING", "page_no": "1", "page_size": "20"}
    assert (told.total, told.page_no, told.total_page) == (2, 1, 1)
    first, second = told.lines
    assert (first.task_id, first.status, first.model_name, first.request_id, first.api_key_id) == ("a", "SUCCEEDED", "emo-v1", "r-a", "15")
    assert first.created_at == NOW - timedelta(minutes=5)
    assert first.ended_at == NOW
    assert second.ended_at is None


def test_an_empty_list(server: Server) -> None:
    for payload in ({"total": 0, "data": [], "total_page": 0}, {"total": 0, "data": None}):
        server.answer = says(payload)
        assert at(server).page().lines == ()
        assert at(server).tasks("emo-v1", NOW) == []


def test_all_pages_are_read_and_filtered_here(server: Server) -> None:
    lines = [line(f"t{n}", n) for n in range(25)] + [line("other", 1, model_name="liveportrait")]
    server.answer = listing(lines, 10)
    told = at(server).tasks("emo-v1", NOW - timedelta(minutes=21))
    assert [found.task_id for found in told] == [f"t{n}" for n in range(21, -1, -1)]
    assert [seen.asked["page_no"] for seen in server.seen] == ["1", "2", "3"]
    assert all("start_time" not in seen.asked for seen in server.seen)


def test_tasks_that_slide_to_an_earlier_page_are_not_missed(server: Server) -> None:
    lines = [line(f"t{n}", 60 - n) for n in range(25)]

    def ageing(handler: Handler) -> None:
        if len(server.seen) == 2:
            del lines[0]  # the oldest drops out between page 1 and 2, and t10 slides to page 1
        listing(lines, 10)(handler)

    server.answer = ageing
    assert {found.task_id for found in at(server).tasks("emo-v1", NOW - timedelta(days=1))} == {f"t{n}" for n in range(1, 25)}


@pytest.mark.parametrize(
    "payload",
    [
        {"total": 1, "request_id": "r"},
        {"tasks": []},
        {"total": 1, "data": [{"gmt_create": 1745568428109}]},
        {"total": 1, "data": [{"task_id": "a", "gmt_create": "never"}]},
        {"total": 1, "data": ["a"]},
    ],
)
def test_a_list_that_cannot_be_read_whole_is_no_list(server: Server, payload: Any) -> None:
    server.answer = says(payload)
    with pytest.raises(NoAnswer):
        at(server).tasks("emo-v1", NOW)


def test_a_list_without_end_is_left(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_PAGES", 4)
    server.answer = says({"total": 10_000, "data": [line("a", 1)], "total_page": 1000})
    with pytest.raises(NoAnswer, match="more than 4 pages"):
        at(server).tasks("emo-v1", NOW)
    assert len(server.seen) == 4


def test_threads_share_a_client(server: Server) -> None:
    """What was sent is known per thread: one thread's refused connection says nothing about another's order."""

    def late_cut(handler: Handler) -> None:
        time.sleep(0.02)
        handler.cut()

    server.answer = late_cut
    wire, deaf = at(server), Client(f"http://127.0.0.1:{free_port()}", KEY)
    kinds: list[str] = []

    def call(one: Client) -> None:
        try:
            one.submit(catalogue.EMO, BODY)
        except WireError as error:
            kinds.append(type(error).__name__)

    threads = [threading.Thread(target=call, args=(one,)) for _ in range(10) for one in (wire, deaf)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kinds) == ["NoAnswer"] * 10 + ["NotSent"] * 10
    assert len(server.seen) == 10
