"""What browsers are told of every answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from jobs.pages import live
from studio.config.security_headers import DATA, EVERYTHING, FILES
from studio.models import Team, User
from tests import files, makers
from tests.hostile.addresses import every_address


@pytest.fixture
def member(team: Team, creator: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(creator)


def _has(answer: Any, headers: Any) -> None:
    assert {name: answer.get(name) for name in headers} == dict(headers)


def test_every_address_has_them(team: Team, member: Client) -> None:
    """Pages, errors, redirects and files, whatever the address."""
    for address in every_address():
        path = address.at(**dict.fromkeys(address.names, "1") | {"team": team.slug})
        answer = member.get(path)
        if answer.streaming:
            answer.getvalue()
        policy = answer["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, path
        assert "unsafe-inline" not in policy, path
        _has(answer, EVERYTHING)


def test_static_files_have_them(client: Client) -> None:
    answer = client.get("/static/img/favicon.svg")
    assert answer.status_code == 200
    _has(answer, EVERYTHING)


def test_what_was_uploaded_is_never_run(team: Team, member: Client) -> None:
    """Whatever part of it is asked for, and also when nothing is sent."""
    asset = makers.asset(team, content=files.jpeg())
    path = f"/t/{team.slug}/files/{asset.public_id}/original"
    whole = member.get(path)
    assert "sandbox" in whole["Content-Security-Policy"]
    assert "'unsafe-inline'" not in whole["Content-Security-Policy"]
    for headers, status in (
        ({}, 200),
        ({"Range": "bytes=0-3"}, 206),
        ({"Range": "bytes=9999999-"}, 416),
        ({"If-None-Match": whole["ETag"]}, 304),
    ):
        answer = member.get(path, headers=headers)
        assert answer.status_code == status
        _has(answer, FILES)


def test_the_microphone_is_ours_alone(client: Client) -> None:
    policy = client.get("/healthz")["Permissions-Policy"]
    assert "microphone=(self)" in policy
    assert "camera=()" in policy


def test_streams_have_them() -> None:
    sent = {name.decode(): value.decode() for name, value in live.STREAM_HEADERS}
    assert {name.lower(): value for name, value in DATA.items()}.items() <= sent.items()
