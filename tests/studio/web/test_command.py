"""`manage.py web`: what it tells the server, and how many connections the open files allow."""

from __future__ import annotations

import io
import resource
import sys
from typing import Any

import pytest
import uvicorn
from django.core.management import call_command

from studio.management.commands import web
from studio.web.connection import Connection, table


@pytest.fixture(autouse=True)
def unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "most", None)
    monkeypatch.setattr(sys, "setswitchinterval", lambda seconds: None)


def test_the_server_gets_our_connections_and_believes_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **more: told.update(more, app=app))
    monkeypatch.setattr(web, "open_files", lambda wanted: wanted)
    call_command("web", "--host", "127.0.0.5", "--port", "8123")
    assert (told["app"], told["host"], told["port"]) == (
        "studio.asgi:application",
        "127.0.0.5",
        8123,
    )
    assert told["http"] is Connection
    assert told["proxy_headers"] is False
    assert told["log_config"] is None, "our own configuration of logs stands"
    uvicorn.Config(**told)  # it knows all of these words
    assert table.most == 4000


def test_too_few_open_files_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn, "run", lambda app, **more: None)
    monkeypatch.setattr(web, "open_files", lambda wanted: 1024)
    said = io.StringIO()
    call_command("web", stderr=said)
    assert table.most == (1024 - web.OTHER_FILES) // 2
    assert f"so it takes {table.most}" in said.getvalue()


@pytest.mark.parametrize(
    ("limits", "wanted", "may", "asked"),
    [
        ((1024, 4096), 2000, 2000, (2000, 4096)),
        ((1024, 4096), 9000, 4096, (4096, 4096)),
        ((1024, resource.RLIM_INFINITY), 9000, 9000, (9000, resource.RLIM_INFINITY)),
        ((9000, 9000), 2000, 2000, None),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 2000, 2000, None),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_it_may(
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, int],
    wanted: int,
    may: int,
    asked: tuple[int, int] | None,
) -> None:
    sets: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda what: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda what, pair: sets.append(pair))
    assert web.open_files(wanted) == may
    assert sets == ([asked] if asked else [])
