"""Fetching from addresses that strangers name: what is never asked, what is never taken, and what is never fetched twice."""

from __future__ import annotations

import errno
import gzip
import json
import multiprocessing
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jobs import fetching
from jobs.fetching import connections, download, hosts
from tests.jobs.filmhost import CHANGED, FilmHost, Handler, cut_after, running, says

FILM = Random(7).randbytes(200_000)


@pytest.fixture
def host() -> Iterator[FilmHost]:
    with running(FILM) as made:
        yield made


@pytest.fixture
def part(tmp_path: Path) -> fetching.Part:
    return fetching.Part(tmp_path / "abc.part")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SILENCE", 0.3)
    monkeypatch.setattr(connections, "SLOWEST", 1000)
    monkeypatch.setattr(connections, "TICK", 0.02)


def fetch(url: str, part: fetching.Part, **more: Any) -> fetching.Fetched:
    with part.locked():
        return fetching.fetch(url, part, **{"private_ok": True, **more})


# ── which addresses ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("93.184.216.34", "public"),
        ("47.95.85.22", "public"),
        ("2606:2800:220:1::1", "public"),
        ("127.0.0.1", "private"),
        ("127.8.8.8", "private"),
        ("10.0.0.1", "private"),
        ("172.16.5.4", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("198.18.0.5", "private"),
        ("::1", "private"),
        ("fc00::1", "private"),
        ("fec0::1", "private"),
        ("169.254.169.254", "never"),
        ("100.100.100.200", "never"),
        ("168.63.129.16", "never"),
        ("192.0.0.192", "never"),
        ("fd00:ec2::254", "never"),
        ("fe80::1%eth0", "never"),
        ("0.0.0.0", "never"),
        ("0.1.2.3", "never"),
        ("::", "never"),
        ("224.0.0.1", "never"),
        ("ff02::1", "never"),
        ("240.0.0.1", "never"),
        ("255.255.255.255", "never"),
        ("::ffff:127.0.0.1", "private"),
        ("::ffff:169.254.169.254", "never"),
        ("::ffff:93.184.216.34", "public"),
        ("64:ff9b::a9fe:a9fe", "never"),
        ("64:ff9b::0a00:0001", "private"),
        ("64:ff9b:1::1", "never"),
        ("2002:7f00:0001::", "private"),
        ("not an address", "never"),
    ],
)
def test_kinds_of_addresses(address: str, kind: str) -> None:
    assert hosts.kind_of(address) == kind


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/film.mp4",
        "gopher://example.com/",
        "//example.com/film.mp4",
        "",
        "http://",
        "http://example.com:0/film.mp4",
        "http://example.com:99999/film.mp4",
        "http://[::1/film.mp4",
        "http://user:password@example.com/film.mp4",
        "http://@example.com/film.mp4",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/a\r\nX-Evil: 1",
        "http://example.com/a b",
        "http://exa\u200bmple.com/",
        "http://127.0.0.1/film.mp4",
        "http://2130706433/film.mp4",
        "http://0x7f.1/film.mp4",
        "http://[::ffff:127.0.0.1]/film.mp4",
        "http://localhost/film.mp4",
        "http://10.0.0.1/film.mp4",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_what_is_never_asked(url: str, part: fetching.Part, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: pytest.fail("connected"))
    with pytest.raises(fetching.Forbidden) as told:
        fetch(url, part, private_ok=False)
    assert "password" not in str(told.value).replace("a name or a password", "")


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://0.0.0.0/", "http://100.100.100.200/latest/meta-data", "http://224.0.0.1/"])
def test_some_are_not_asked_even_where_private_hosts_may_be(url: str, part: fetching.Part) -> None:
    with pytest.raises(fetching.Forbidden):
        fetch(url, part)


def test_a_name_that_leads_inside_is_refused(part: fetching.Part, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "resolve", lambda name, port: ["93.184.216.34", "10.0.0.1"])
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: pytest.fail("connected"))
    with pytest.raises(fetching.Forbidden, match="private network"):
        fetch("http://films.example.com/film.mp4", part, private_ok=False)


def test_a_name_that_changes_its_mind_is_not_asked_twice(part: fetching.Part, monkeypatch: pytest.MonkeyPatch) -> None:
    """Public when it is judged, private when it is connected to: the socket goes to what was judged."""
    told, connected = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"]), []

    def lookup(name: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(told), port))]

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        connected.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(fetching.Unreached):
        fetch("http://films.example.com/film.mp4", part, private_ok=False)
    assert connected == [("93.184.216.34", 80)]


@pytest.fixture
def loopback_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a test host can play one on the internet."""
    real = hosts.kind_of
    monkeypatch.setattr(hosts, "kind_of", lambda address: "public" if address == "127.0.0.1" else real(address))


@pytest.mark.usefixtures("loopback_is_public")
@pytest.mark.parametrize("to", ["http://10.0.0.1/x", "http://[::1]/x", "http://169.254.169.254/x", "file:///etc/passwd", "http://a:b@127.0.0.1/x"])
def test_redirects_are_judged(host: FilmHost, part: fetching.Part, to: str) -> None:
    host.answers = [says(302, Location=to)]
    with pytest.raises(fetching.Forbidden):
        fetch(host.url, part, private_ok=False)
    assert part.size == 0


@pytest.mark.usefixtures("loopback_is_public")
def test_a_redirect_to_a_fine_place_is_followed(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [says(307, Location="/elsewhere?Signature=other"), says(301, Location=host.url)]
    assert fetch(host.url, part, private_ok=False).size == len(FILM)
    assert host.paths[1] == "/elsewhere?Signature=other"
    assert part.path.read_bytes() == FILM


def test_a_circle_of_redirects_ends(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [says(302, Location=host.url)] * 50
    with pytest.raises(fetching.Answered):
        fetch(host.url, part)
    assert len(host.seen) == download.HOPS + 1


def test_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetching.at_home("http://127.0.0.1:8000/api/v1")
    assert fetching.at_home("http://localhost:8000/api/v1")
    monkeypatch.setattr(hosts, "resolve", lambda name, port: {"service.example": ["10.1.1.1"], "mixed.example": ["10.1.1.1", "8.8.8.8"]}[name])
    assert fetching.at_home("https://service.example/api/v1")
    assert not fetching.at_home("https://mixed.example/api/v1")
    assert not fetching.at_home("nonsense")


# ── what is sent ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_of_ours_goes_with_it(host: FilmHost, part: fetching.Part, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    fetch(host.url, part)
    sent = host.seen[0]
    assert sorted(sent) == ["accept", "accept-encoding", "connection", "host", "user-agent"]
    assert sent["accept-encoding"] == "identity"
    assert sent["host"] == host.url.split("/")[2]


# ── going on ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cut_film_is_gone_on_with(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [cut_after(120_000), cut_after(30_000)]
    for size in (120_000, 150_000):
        with pytest.raises(fetching.Cut, match=f"{size} of 200000"):
            fetch(host.url, part)
        assert part.size == size
    assert fetch(host.url, part) == fetching.Fetched(200_000, 150_000)
    assert host.asked == ["", "bytes=120000-", "bytes=150000-"]
    assert [headers.get("if-range") for headers in host.seen] == [None, '"v1"', '"v1"']
    assert host.sent == len(FILM), "no byte was sent twice"
    assert part.path.read_bytes() == FILM


def test_a_fresh_signature_goes_on_with_the_same_film(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [cut_after(1000)]
    with pytest.raises(fetching.Cut):
        fetch(host.url, part)
    fetch(host.url.replace("secret", "newer"), part)
    assert host.asked[1] == "bytes=1000-"
    assert "secret" not in part.note.read_text(), "the note keeps no signature"


def test_another_address_is_another_film(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [cut_after(1000)]
    with pytest.raises(fetching.Cut):
        fetch(host.url, part)
    fetch(host.url.replace("film.mp4", "other.mp4"), part)
    assert host.asked[1] == ""
    assert part.path.read_bytes() == FILM


def test_a_film_that_changed_is_fetched_anew(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [cut_after(150_000)]
    with pytest.raises(fetching.Cut):
        fetch(host.url, part)
    host.film, host.tag = FILM[::-1][:180_000], '"v2"'
    assert fetch(host.url, part) == fetching.Fetched(180_000, 0)
    assert part.path.read_bytes() == host.film


def test_a_date_serves_where_there_is_no_tag(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [lambda handler: handler.send(200, FILM[:5000], ETag='W/"weak"', Last_Modified=CHANGED, Content_Length="200000")]
    with pytest.raises(fetching.Cut):
        fetch(host.url, part)
    host.tag = CHANGED
    fetch(host.url, part)
    assert host.seen[1]["if-range"] == CHANGED
    assert part.path.read_bytes() == FILM


def test_without_a_validator_it_begins_again(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [lambda handler: handler.send(200, FILM[:5000], ETag="", Content_Length="200000")]
    with pytest.raises(fetching.Cut):
        fetch(host.url, part)
    fetch(host.url, part)
    assert host.asked == ["", ""]
    assert part.path.read_bytes() == FILM


@pytest.mark.parametrize(
    "lie",
    [
        "bytes 0-199999/200000",
        "bytes 120001-199999/200000",
        "bytes 120000-199998/200000",
        "bytes 120000-199999/200001",
        "bytes 120000-199999/*",
        "bytes */200000",
        "nonsense",
        "",
    ],
)
def test_a_piece_that_does_not_fit_is_not_taken(host: FilmHost, part: fetching.Part, lie: str) -> None:
    host.answers = [cut_after(120_000), says(206, b"x" * 80_000, Content_Range=lie)]
    with pytest.raises(fetching.Cut):
        fetch(host.url, part)
    assert fetch(host.url, part) == fetching.Fetched(200_000, 0)
    assert host.asked == ["", "bytes=120000-", ""]
    assert part.path.read_bytes() == FILM


def test_a_piece_of_another_film_is_not_taken(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [cut_after(120_000), says(206, b"x" * 80_000, Content_Range="bytes 120000-199999/200000", ETag='"v2"')]
    with pytest.raises(fetching.Cut):
        fetch(host.url, part)
    fetch(host.url, part)
    assert part.path.read_bytes() == FILM


def test_416_begins_again(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [cut_after(120_000), says(416, Content_Range="bytes */90000")]
    with pytest.raises(fetching.Cut):
        fetch(host.url, part)
    fetch(host.url, part)
    assert part.path.read_bytes() == FILM


def test_a_piece_that_nobody_asked_for_is_refused(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [says(206, FILM[:100], Content_Range="bytes 0-99/200000")]
    with pytest.raises(fetching.Answered, match="206"):
        fetch(host.url, part)


def test_a_whole_file_is_not_asked_for_again(host: FilmHost, part: fetching.Part) -> None:
    fetch(host.url, part)
    assert fetch(host.url, part) == fetching.Fetched(len(FILM), len(FILM))
    assert len(host.seen) == 1


def test_a_note_that_is_torn_begins_again(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [cut_after(1000)]
    with pytest.raises(fetching.Cut):
        fetch(host.url, part)
    part.note.write_text(part.note.read_text()[:20])
    fetch(host.url, part)
    assert host.asked == ["", ""]
    assert part.path.read_bytes() == FILM


# ── what is not taken ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [204, 400, 403, 404, 410, 500, 503])
def test_other_answers(host: FilmHost, part: fetching.Part, status: int) -> None:
    host.answers = [says(status, b"" if status == 204 else b"<html>no</html>", Retry_After="7")]
    with pytest.raises(fetching.Answered) as told:
        fetch(host.url, part)
    assert (told.value.status, told.value.retry_after) == (status, 7.0)
    assert "secret" not in str(told.value)
    assert part.size == 0


def test_an_empty_file_is_none(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [says(200)]
    with pytest.raises(fetching.Answered, match="empty"):
        fetch(host.url, part)


def test_a_film_that_says_it_is_too_large_is_not_begun(host: FilmHost, part: fetching.Part) -> None:
    with pytest.raises(fetching.TooLarge):
        fetch(host.url, part, largest=199_999)
    assert part.size == 0


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(10_000):
        handler.wfile.write(b"x" * 65536)


def test_an_endless_body_is_ended(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [endless]
    with pytest.raises(fetching.TooLarge):
        fetch(host.url, part, largest=1_000_000)
    assert part.size <= 1_000_000


def test_gzip_that_is_none_changes_nothing(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [lambda handler: handler.send(200, FILM, Content_Encoding="gzip")]
    fetch(host.url, part)
    assert part.path.read_bytes() == FILM


def test_gzip_that_nobody_asked_for_is_not_unpacked(host: FilmHost, part: fetching.Part) -> None:
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


def test_chunks_are_taken_to_their_end_only(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [chunked(b"5\r\nhello\r\n", b"6\r\n world\r\n", b"0\r\n\r\n")]
    assert fetch(host.url, part).size == 11
    part.drop()
    for cut in (b"5\r\nhel", b"5\r\nhello\r\n", b"zz\r\nhello\r\n"):
        host.answers = [chunked(cut)]
        with pytest.raises(fetching.Cut):
            fetch(host.url, part)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"220 mail ESMTP\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300, b"\0\xff" * 400])
def test_what_is_no_http(host: FilmHost, part: fetching.Part, answer: bytes) -> None:
    host.answers = [lambda handler: handler.wfile.write(answer)]
    with pytest.raises(fetching.Unreached):
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
    ("head", "drop"), [(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"), (b"HTTP/1.1 200 OK\r\n", b"x"), (b"", b"HTTP/1.1 100 C\r\n\r\n")]
)
def test_a_drip_is_ended(host: FilmHost, part: fetching.Part, head: bytes, drop: bytes) -> None:
    host.answers = [drip(head, drop)]
    began = time.monotonic()
    with pytest.raises(fetching.Cut, match="too slowly"):
        fetch(host.url, part)
    assert time.monotonic() - began < 5


@pytest.mark.usefixtures("impatient")
def test_what_came_of_a_drip_is_kept(host: FilmHost, part: fetching.Part) -> None:
    def stalls(handler: Handler) -> None:
        handler.whole(50_000)
        handler.wfile.flush()
        time.sleep(2)

    host.answers = [stalls]
    with pytest.raises(fetching.Cut):
        fetch(host.url, part)
    assert fetch(host.url, part).resumed_at == 50_000


@pytest.mark.usefixtures("impatient")
def test_time_is_over(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x" * 5000)]
    with pytest.raises(fetching.Cut, match="longer"):
        fetch(host.url, part, seconds=0.5)
    assert part.size > 5000


@pytest.mark.usefixtures("impatient")
def test_it_can_be_stopped(host: FilmHost, part: fetching.Part) -> None:
    host.answers = [drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x" * 5000)]
    with pytest.raises(fetching.Stopped):
        fetch(host.url, part, stop=lambda: part.size > 0)
    assert 0 < part.size < 1_000_000


def test_nobody_there(part: fetching.Part) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(fetching.Unreached, match="no connection"):
        fetch(f"http://127.0.0.1:{port}/film.mp4", part)


def test_an_unknown_name(part: fetching.Part, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(fetching.Unreached, match=r"films\.example\.com"):
        fetch("http://films.example.com/film.mp4?Signature=secret", part)


# ── TLS ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of films.example in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "films.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("films.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "films.pem"
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(host: FilmHost, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    host.socket = context.wrap_socket(host.socket, server_side=True)
    monkeypatch.setattr(hosts, "resolve", lambda name, port: ["127.0.0.1"])
    connections._tls.cache_clear()
    yield host.server_address[1]
    connections._tls.cache_clear()


def test_tls_asks_for_the_name_and_not_for_the_address(secure: int, part: fetching.Part, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "DEFAULT_CA_BUNDLE_PATH", str(certificate))
    assert fetch(f"https://films.example:{secure}/film.mp4", part).size == len(FILM)
    with pytest.raises(fetching.Unreached, match="certificate"):
        fetch(f"https://other.example:{secure}/film.mp4", part)


def test_an_unknown_certificate_is_not_trusted(secure: int, part: fetching.Part) -> None:
    with pytest.raises(fetching.Unreached, match="certificate"):
        fetch(f"https://films.example:{secure}/film.mp4", part)


# ── our disk ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_room_is_seen_before_it_begins(host: FilmHost, part: fetching.Part, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9 - 300_000, 300_000))
    with pytest.raises(fetching.NoRoom, match="disk is full"):
        fetch(host.url, part, leave=lambda size: size)
    assert part.size == 0
    assert fetch(host.url, part, leave=lambda size: 50_000).size == len(FILM)


def test_a_disk_that_fills_up_keeps_what_came(host: FilmHost, part: fetching.Part, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    host.answers = [cut_after(100_000)]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(fetching.NoRoom):
            fetch(host.url, part)
    assert fetch(host.url, part).resumed_at == 100_000


def test_a_broken_disk_is_no_full_one(host: FilmHost, part: fetching.Part, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(number: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        fetch(host.url, part)


def test_a_proven_part_stays_proven_until_a_byte_changes(host: FilmHost, part: fetching.Part) -> None:
    assert not part.proven
    fetch(host.url, part)
    assert not part.proven
    part.prove()
    assert fetching.Part(part.path).proven
    with part.path.open("r+b") as file:
        file.seek(1000)
        file.write(b"\0")
    assert not part.proven
    part.drop()
    assert list(part.path.parent.iterdir()) == []


def _hold(path: str, held: Any, done: Any) -> None:
    with fetching.Part(path).locked():
        held.set()
        done.wait(20)


def test_one_process_at_a_time(part: fetching.Part) -> None:
    context = multiprocessing.get_context("fork")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(part.path), held, done))
    other.start()
    assert held.wait(10)
    with pytest.raises(fetching.Busy), part.locked():
        pass
    done.set()
    other.join(10)
    with part.locked():
        part.drop()
    with part.locked():
        assert part.path.exists()


def test_the_note_is_small_and_says_what_is_needed(host: FilmHost, part: fetching.Part) -> None:
    fetch(host.url, part)
    assert json.loads(part.note.read_text()) == {"where": host.url.split("?")[0], "validator": '"v1"', "total": len(FILM), "proven": ""}
