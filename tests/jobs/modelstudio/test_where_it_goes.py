"""Calls go to addresses that were judged, once and at the moment of the connection: not into
private networks unless that was allowed, and never to metadata."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from jobs.catalogue import entries
from jobs.modelstudio import Client, NotSent, UploadPolicy
from tests.jobs.modelstudio.server import BODY, CREATED, KEY, Server, at, free_port, says


@pytest.mark.parametrize("call", ["get", "submit"])
def test_a_private_network_is_not_asked(server: Server, call: str) -> None:
    server.answer = says(CREATED)
    said = []
    for port in (server.server_port, free_port()):
        client = Client(f"http://127.0.0.1:{port}", KEY)
        with pytest.raises(NotSent) as told:
            client.get("t-1") if call == "get" else client.submit(entries.EMO, BODY)
        said.append(told.value.message)
    with pytest.raises(NotSent) as told:
        Client("http://nobody.invalid", KEY).get("t-1")
    said.append(told.value.message)
    assert len(set(said)) == 1, "open, closed and unknown look alike"
    assert server.connections == 0


def test_allowed_and_not_allowed_share_no_connection(server: Server) -> None:
    server.answer = says(CREATED)
    at(server).get("t-1")
    with pytest.raises(NotSent):
        at(server, private_ok=False).get("t-1")
    assert server.connections == 1


@pytest.mark.parametrize("private_ok", [False, True])
def test_metadata_is_never_asked(monkeypatch: pytest.MonkeyPatch, private_ok: bool) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("connected"))
    for host in ("169.254.169.254", "100.100.100.200", "[fd00:ec2::254]", "0.0.0.0"):
        with pytest.raises(NotSent):
            Client(f"http://{host}", KEY, private_ok=private_ok).get("t-1")


@pytest.mark.parametrize("call", ["get", "submit"])
def test_a_name_that_changes_its_mind_is_not_asked_twice(
    monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr("jobs.modelstudio.http_get.PATIENCE", 0.0)
    told, connected = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"]), []

    def lookup(name: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(told), port))]

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        connected.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    client = Client("https://service.example", KEY)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(NotSent):
        client.get("t-1") if call == "get" else client.submit(entries.EMO, BODY)
    assert connected == [("93.184.216.34", 443)]


def test_a_storage_inside_that_the_service_names_is_not_asked(server: Server) -> None:
    from io import BytesIO

    policy = UploadPolicy(
        host=f"http://127.0.0.1:{server.server_port}",
        directory="d",
        access_key_id="a",
        signature="s",
        policy="p",
        object_acl="private",
        forbid_overwrite="true",
        max_bytes=None,
        expires_in=300,
    )
    with pytest.raises(NotSent):
        Client("https://service.example", KEY).upload(policy, BytesIO(b"x"), "a.png", "image/png")
    assert server.connections == 0
