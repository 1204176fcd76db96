from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from jobs.modelstudio import http_get
from tests.jobs.modelstudio.server import CREATED, Handler, Server


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
    monkeypatch.setattr(http_get, "PAUSES", (0.001, 0.001))
