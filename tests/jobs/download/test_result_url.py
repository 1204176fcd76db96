"""Addresses that strangers name: which are never asked, and what is sent to the others."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from jobs import download as fetching
from jobs.common import address_check
from jobs.download import http_fetch
from studio.common.address_kind import address_kind
from tests.jobs.download.fetching import VIDEO, fetch
from tests.jobs.download.video_host import VideoHost, answer_with

# ── which addresses ───────────────────────────────────────────────────────────────────────────────


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
    assert address_kind(address) == kind


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/video.mp4",
        "gopher://example.com/",
        "//example.com/video.mp4",
        "",
        "http://",
        "http://example.com:0/video.mp4",
        "http://example.com:99999/video.mp4",
        "http://[::1/video.mp4",
        "http://user:password@example.com/video.mp4",
        "http://@example.com/video.mp4",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/a\r\nX-Evil: 1",
        "http://example.com/a b",
        "http://exa\u200bmple.com/",
        "http://127.0.0.1/video.mp4",
        "http://2130706433/video.mp4",
        "http://0x7f.1/video.mp4",
        "http://[::ffff:127.0.0.1]/video.mp4",
        "http://localhost/video.mp4",
        "http://10.0.0.1/video.mp4",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_what_is_never_asked(
    url: str, part: fetching.PartialFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        socket, "create_connection", lambda *args, **kwargs: pytest.fail("connected")
    )
    with pytest.raises(fetching.ForbiddenAddress) as told:
        fetch(url, part, private_ok=False)
    assert "password" not in str(told.value).replace("a name or a password", "")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://0.0.0.0/",
        "http://100.100.100.200/latest/meta-data",
        "http://224.0.0.1/",
    ],
)
def test_some_are_not_asked_even_where_private_hosts_may_be(
    url: str, part: fetching.PartialFile
) -> None:
    with pytest.raises(fetching.ForbiddenAddress):
        fetch(url, part)


def test_a_name_that_leads_inside_is_refused(
    part: fetching.PartialFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address_check, "resolve", lambda name, port: ["93.184.216.34", "10.0.0.1"])
    monkeypatch.setattr(
        socket, "create_connection", lambda *args, **kwargs: pytest.fail("connected")
    )
    with pytest.raises(fetching.ForbiddenAddress, match="private network"):
        fetch("http://videos.example.com/video.mp4", part, private_ok=False)


def test_a_name_that_changes_its_mind_is_not_asked_twice(
    part: fetching.PartialFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public when it is judged, private when it is connected to: the socket goes to what was
    judged."""
    told, connected = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"]), []

    def lookup(name: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(told), port))]

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        connected.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(fetching.Unreachable):
        fetch("http://videos.example.com/video.mp4", part, private_ok=False)
    assert connected == [("93.184.216.34", 80)]


@pytest.fixture
def loopback_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a test host can play one on the internet."""
    real = address_kind
    monkeypatch.setattr(
        address_check,
        "address_kind",
        lambda address: "public" if address == "127.0.0.1" else real(address),
    )


@pytest.mark.usefixtures("loopback_is_public")
@pytest.mark.parametrize(
    "to",
    [
        "http://10.0.0.1/x",
        "http://[::1]/x",
        "http://169.254.169.254/x",
        "file:///etc/passwd",
        "http://a:b@127.0.0.1/x",
    ],
)
def test_redirects_are_judged(host: VideoHost, part: fetching.PartialFile, to: str) -> None:
    host.answers = [answer_with(302, Location=to)]
    with pytest.raises(fetching.ForbiddenAddress):
        fetch(host.url, part, private_ok=False)
    assert part.size == 0


@pytest.mark.usefixtures("loopback_is_public")
def test_a_redirect_to_a_fine_place_is_followed(
    host: VideoHost, part: fetching.PartialFile
) -> None:
    host.answers = [
        answer_with(307, Location="/elsewhere?Signature=other"),
        answer_with(301, Location=host.url),
    ]
    assert fetch(host.url, part, private_ok=False).size == len(VIDEO)
    assert host.paths[1] == "/elsewhere?Signature=other"
    assert part.path.read_bytes() == VIDEO


def test_a_circle_of_redirects_ends(host: VideoHost, part: fetching.PartialFile) -> None:
    host.answers = [answer_with(302, Location=host.url)] * 50
    with pytest.raises(fetching.UnexpectedAnswer):
        fetch(host.url, part)
    assert len(host.seen) == http_fetch.MAX_REDIRECTS + 1


def test_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetching.is_private_host("http://127.0.0.1:8000/api/v1")
    assert fetching.is_private_host("http://localhost:8000/api/v1")
    monkeypatch.setattr(
        address_check,
        "resolve",
        lambda name, port: {
            "service.example": ["10.1.1.1"],
            "mixed.example": ["10.1.1.1", "8.8.8.8"],
        }[name],
    )
    assert fetching.is_private_host("https://service.example/api/v1")
    assert not fetching.is_private_host("https://mixed.example/api/v1")
    assert not fetching.is_private_host("nonsense")


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────


def test_nothing_of_ours_goes_with_it(
    host: VideoHost, part: fetching.PartialFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    fetch(host.url, part)
    sent = host.seen[0]
    assert sorted(sent) == ["accept", "accept-encoding", "connection", "host", "user-agent"]
    assert sent["accept-encoding"] == "identity"
    assert sent["host"] == host.url.split("/")[2]
