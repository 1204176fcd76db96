"""What is never taken, and whom we believe over TLS."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jobs import download
from jobs.common import address_check
from jobs.download import connection
from tests.dripping import HEADS, dripping
from tests.jobs.download.fetching import VIDEO, fetch
from tests.jobs.download.video_host import Handler, VideoHost, answer_with

# ── what is not taken ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [204, 400, 403, 404, 410, 500, 503])
def test_other_answers(host: VideoHost, part: download.PartialFile, status: int) -> None:
    host.answers = [
        answer_with(status, b"" if status == 204 else b"<html>no</html>", Retry_After="7")
    ]
    with pytest.raises(download.UnexpectedAnswer) as told:
        fetch(host.url, part)
    assert (told.value.status, told.value.retry_after) == (status, 7.0)
    assert "secret" not in str(told.value)
    assert part.size == 0


def test_an_empty_file_is_none(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [answer_with(200)]
    with pytest.raises(download.UnexpectedAnswer, match="empty"):
        fetch(host.url, part)


def test_a_video_that_says_it_is_too_large_is_not_begun(
    host: VideoHost, part: download.PartialFile
) -> None:
    with pytest.raises(download.TooLarge):
        fetch(host.url, part, largest=199_999)
    assert part.size == 0


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(10_000):
        handler.wfile.write(b"x" * 65536)


def test_an_endless_body_is_ended(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [endless]
    with pytest.raises(download.TooLarge):
        fetch(host.url, part, largest=1_000_000)
    assert part.size <= 1_000_000


def test_gzip_that_is_none_changes_nothing(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [lambda handler: handler.send(200, VIDEO, Content_Encoding="gzip")]
    fetch(host.url, part)
    assert part.path.read_bytes() == VIDEO


def test_gzip_that_nobody_asked_for_is_not_unpacked(
    host: VideoHost, part: download.PartialFile
) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    host.answers = [lambda handler: handler.send(200, bomb, Content_Encoding="gzip")]
    assert fetch(host.url, part).size == len(bomb)


def chunked(*chunks: bytes) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for chunk in chunks:
            handler.wfile.write(chunk)
        handler.close_connection = True

    return answer


def test_chunks_are_taken_to_their_end_only(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [chunked(b"5\r\nhello\r\n", b"6\r\n world\r\n", b"0\r\n\r\n")]
    assert fetch(host.url, part).size == 11
    part.delete()
    for cut in (b"5\r\nhel", b"5\r\nhello\r\n", b"zz\r\nhello\r\n"):
        host.answers = [chunked(cut)]
        with pytest.raises(download.Interrupted):
            fetch(host.url, part)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 2",
        b"220 mail ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300,
        b"\0\xff" * 400,
    ],
)
def test_what_is_no_http(host: VideoHost, part: download.PartialFile, answer: bytes) -> None:
    host.answers = [lambda handler: handler.wfile.write(answer)]
    with pytest.raises(download.Unreachable):
        fetch(host.url, part)


def drip(head: bytes, drop: bytes) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        handler.wfile.write(head)
        for _ in range(1000):
            handler.wfile.write(drop)
            time.sleep(0.02)

    return answer


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"x"),
        (b"", b"HTTP/1.1 100 C\r\n\r\n"),
    ],
)
def test_a_drip_is_ended(
    host: VideoHost, part: download.PartialFile, head: bytes, drop: bytes
) -> None:
    host.answers = [drip(head, drop)]
    began = time.monotonic()
    with pytest.raises(download.Interrupted, match="too slowly"):
        fetch(host.url, part)
    assert time.monotonic() - began < 5


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("where", HEADS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_drip_is_ended_wherever_it_is(
    part: download.PartialFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    where: str,
) -> None:
    with dripping(tmp_path, scheme, where) as (address, pem):
        context = ssl.create_default_context(cafile=str(pem))
        monkeypatch.setattr("jobs.download.connection._tls", lambda: context)
        began = time.monotonic()
        with pytest.raises(download.Interrupted):
            fetch(f"{address}/video.mp4", part)
        assert time.monotonic() - began < 2


@pytest.mark.usefixtures("impatient")
def test_what_came_of_a_drip_is_kept(host: VideoHost, part: download.PartialFile) -> None:
    def stalls(handler: Handler) -> None:
        handler.whole(50_000)
        handler.wfile.flush()
        time.sleep(2)

    host.answers = [stalls]
    with pytest.raises(download.Interrupted):
        fetch(host.url, part)
    assert fetch(host.url, part).resumed_at == 50_000


@pytest.mark.usefixtures("impatient")
def test_time_is_over(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x" * 5000)]
    with pytest.raises(download.Interrupted, match="longer"):
        fetch(host.url, part, seconds=0.5)
    assert part.size > 5000


@pytest.mark.usefixtures("impatient")
def test_it_can_be_stopped(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x" * 5000)]
    with pytest.raises(download.Stopped):
        fetch(host.url, part, stop=lambda: part.size > 0)
    assert 0 < part.size < 1_000_000


def test_nobody_there(part: download.PartialFile) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(download.Unreachable, match="no connection"):
        fetch(f"http://127.0.0.1:{port}/video.mp4", part)


def test_an_unknown_name(part: download.PartialFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(download.Unreachable, match=r"videos\.example\.com"):
        fetch("http://videos.example.com/video.mp4?Signature=secret", part)


# ── TLS ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of videos.example in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "videos.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            name,
            name,
            key.public_key(),
            x509.random_serial_number(),
            now - timedelta(days=1),
            now + timedelta(days=1),
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("videos.example")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "videos.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(host: VideoHost, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    host.socket = context.wrap_socket(host.socket, server_side=True)
    monkeypatch.setattr(address_check, "resolve", lambda name, port: ["127.0.0.1"])
    connection._tls.cache_clear()
    yield host.server_address[1]
    connection._tls.cache_clear()


def test_tls_asks_for_the_name_and_not_for_the_address(
    secure: int, part: download.PartialFile, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "DEFAULT_CA_BUNDLE_PATH", str(certificate))
    assert fetch(f"https://videos.example:{secure}/video.mp4", part).size == len(VIDEO)
    with pytest.raises(download.Unreachable, match="certificate"):
        fetch(f"https://other.example:{secure}/video.mp4", part)


def test_an_unknown_certificate_is_not_trusted(secure: int, part: download.PartialFile) -> None:
    with pytest.raises(download.Unreachable, match="certificate"):
        fetch(f"https://videos.example:{secure}/video.mp4", part)
