"""One POST, whatever happens to its answer: it is sent once, and an error says whether anything was
sent at all."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.catalogue import entries
from jobs.modelstudio import (
    Client,
    NoAnswer,
    NotSent,
    transport,
)
from tests.jobs.modelstudio.server import (
    BODY,
    CREATED,
    KEY,
    Answer,
    Handler,
    Server,
    at,
    free_port,
    in_turn,
    says,
)


def half_an_answer(handler: Handler) -> None:
    handler.wfile.write(
        b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"output": {"task_id": "t-1"'
    )
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
        says(
            {"code": "ModelServingError", "message": "Too many requests.", "request_id": "r"}, 503
        ),
        says(
            {"code": "ModelUnavailable", "message": "Model is unavailable, try again later."},
            503,
            Retry_After="1",
        ),
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
def test_a_submit_without_a_clear_answer_is_uncertain_and_sent_once(
    server: Server, answer: Answer
) -> None:
    wire = at(server)
    server.answer = in_turn(says({"output": {"task_id": "warm", "task_status": "RUNNING"}}), answer)
    wire.get("warm")  # leaves a kept-alive connection, which a submit must not use
    with pytest.raises(NoAnswer):
        wire.submit(entries.EMO, BODY)
    assert [seen.verb for seen in server.seen] == ["GET", "POST"]
    assert server.connections == 2


def test_a_read_time_out_on_a_submit_is_uncertain_and_sent_once(server: Server) -> None:
    done = threading.Event()
    server.answer = lambda handler: done.wait(3)
    with pytest.raises(NoAnswer) as told:
        at(server, read=0.1).submit(entries.EMO, BODY)
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
        at(server, read=0.2).submit(entries.EMO, BODY)
    assert time.monotonic() - began < 1.5


def test_an_answer_of_more_than_two_mebibytes_is_not_read(server: Server) -> None:
    server.answer = says(b" " * (3 * 1024 * 1024))
    with pytest.raises(NoAnswer) as told:
        at(server).submit(entries.EMO, BODY)
    assert told.value.code == "AnswerTooLong"


def test_posts_never_share_a_connection_and_gets_do(server: Server) -> None:
    wire = at(server)
    server.answer = lambda handler: handler.reply(CREATED)
    for _ in range(3):
        wire.submit(entries.EMO, BODY)
    assert server.connections == 3
    assert all(seen.told["connection"] == "close" for seen in server.seen)
    for _ in range(3):
        wire.get("t-1")
    assert server.connections == 4


def test_accounts_share_connections_and_never_keys(server: Server) -> None:
    server.answer = lambda handler: handler.reply(CREATED)
    address = f"http://127.0.0.1:{server.server_port}"
    north, south = (
        Client(address, KEY, private_ok=True),
        Client(address, "sk-another", private_ok=True, workspace="ws-1"),
    )
    for wire in (north, south, north):
        wire.get("t-1")
    assert server.connections == 1
    assert [seen.told["authorization"] for seen in server.seen] == [
        f"Bearer {KEY}",
        "Bearer sk-another",
        f"Bearer {KEY}",
    ]
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
    wire = Client(f"http://127.0.0.1:{free_port()}", KEY, private_ok=True)
    with pytest.raises(NotSent):
        wire.submit(entries.EMO, BODY)
    with pytest.raises(NotSent):
        wire.get("t-1")


def test_nothing_was_sent_when_the_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotSent, match="name of the service"):
        Client("http://nobody.invalid", KEY).submit(entries.EMO, BODY)


def test_nothing_was_sent_when_the_handshake_fails(server: Server) -> None:
    with pytest.raises(NotSent, match="secure connection"):  # the server speaks no TLS
        Client(
            f"https://127.0.0.1:{server.server_port}", KEY, private_ok=True, connect=2, read=2
        ).submit(entries.EMO, BODY)
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
            Client(
                f"http://127.0.0.1:{full.getsockname()[1]}",
                KEY,
                private_ok=True,
                connect=0.2,
                read=0.2,
            ).submit(entries.EMO, BODY)
        for one in waiting:
            one.close()
    assert "in time" in told.value.message


def test_a_cut_over_tls_is_uncertain_and_a_distrusted_certificate_is_not(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """requests names both SSLError; money needs the difference."""
    pem = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)

    def rude(
        handler: Handler,
    ) -> None:  # drops TLS after the order was read: requests calls it SSLError
        handler.close_connection = True
        raw = socket.socket(fileno=handler.connection.detach())
        raw.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        raw.close()

    server.answer = rude
    address = f"https://127.0.0.1:{server.server_port}"
    with pytest.raises(NotSent):
        Client(address, KEY, private_ok=True).submit(entries.EMO, BODY)
    with pytest.raises(NotSent):
        Client(address, KEY, private_ok=True).get("t-1")
    assert server.seen == []
    monkeypatch.setattr(transport, "CERTIFICATES", str(pem))
    with pytest.raises(NoAnswer):
        Client(address, KEY, private_ok=True).submit(entries.EMO, BODY)
    assert len(server.seen) == 1
    with pytest.raises(NoAnswer):
        Client(address, KEY, private_ok=True).get("t-1")
    assert len(server.seen) > 1


def certificate(folder: Path) -> Path:
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stub")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 7, now - timedelta(days=1), now + timedelta(days=1)
    )
    made = made.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
        critical=False,
    )
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "stub.pem"
    file.write_bytes(
        secret + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return file
