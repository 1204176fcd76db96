"""Counting calls: cheap where they are made, added up over processes, kept while Redis is away; and
what the wire tells."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from jobs.catalogue import entries
from jobs.common import call_metrics
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
)
from jobs.modelstudio.outcomes import CALLS, OUTCOMES, outcome_of
from tests.conftest import COUNTS_ARE_WRITTEN


@pytest.fixture(autouse=True)
def counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[call_metrics.Counts]:
    """Counts of this test alone."""
    fresh = call_metrics.Counts()
    monkeypatch.setattr(call_metrics, "_counts", fresh)
    monkeypatch.setattr(call_metrics.Counts, "_start", COUNTS_ARE_WRITTEN)
    yield fresh
    fresh.reset()


# ── counting ──────────────────────────────────────────────────────────────────────────────────────
def test_counts_of_several_threads_add_up(counts: call_metrics.Counts, redis: str) -> None:
    def work() -> None:
        for _ in range(500):
            call_metrics.record("query", 0.2, "ok")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    call_metrics.record("submit", 0.05, "throttled")
    call_metrics.record("submit", 31.0, "no_answer")
    found = call_metrics.totals()
    assert found["n|query|ok"] == 2000
    assert found["b|query|2"] == 2000  # 0.1 < 0.2 <= 0.25
    assert found["s|query"] == pytest.approx(400)
    assert (found["n|submit|throttled"], found["n|submit|no_answer"]) == (1, 1)
    assert (found["b|submit|0"], found["b|submit|9"]) == (1, 1)


def test_nothing_is_counted_twice(redis: str) -> None:
    call_metrics.record("list", 0.1, "ok")
    assert call_metrics.flush()
    assert call_metrics.flush()
    assert call_metrics.totals()["n|list|ok"] == 1


def test_they_are_written_by_themselves(redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_metrics, "FLUSH", 0.05)
    call_metrics.record("list", 0.1, "ok")
    end = time.monotonic() + 5
    while not call_metrics.redis().exists(call_metrics.KEY) and time.monotonic() < end:
        time.sleep(0.02)
    assert call_metrics.redis().hget(call_metrics.KEY, "n|list|ok") == b"1"


def test_without_redis_they_are_kept_and_nobody_waits(
    settings: Any, redis_url: str, redis: str
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    call_metrics.record("query", 0.2, "ok")
    assert call_metrics.flush() is False
    call_metrics.record("query", 0.2, "ok")
    assert call_metrics.flush() is False
    settings.REDIS_URL = redis_url
    found = call_metrics.totals()
    assert found["n|query|ok"] == 2
    assert found["s|query"] == pytest.approx(0.4)


def test_counting_does_not_wait_for_a_redis_that_hangs(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        call_metrics.record("query", 0.2, "ok")
        writing = threading.Thread(target=call_metrics.flush)
        writing.start()
        began = time.monotonic()
        for _ in range(1000):
            call_metrics.record("query", 0.2, "ok")
        assert time.monotonic() - began < call_metrics.TIMEOUT
        writing.join(5)
        assert not writing.is_alive()


def test_a_child_does_not_count_again_what_its_parent_counted(redis: str) -> None:
    os.register_at_fork(after_in_child=call_metrics._counts.reset)
    call_metrics.record("query", 0.2, "ok")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            call_metrics.record("query", 0.2, "throttled")
            code = 0 if call_metrics.flush() else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    found = call_metrics.totals()
    assert (found["n|query|ok"], found["n|query|throttled"]) == (1, 1)


# ── what the wire tells ───────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("error", "word"),
    [
        (RetryLater(status=429), "throttled"),
        (Rejected(status=400), "rejected"),
        (NoAnswer("ReadTimeout"), "no_answer"),
        (NoAnswer("InternalError", status=500), "failed"),
        (NotSent(), "not_sent"),
        (AccountTrouble(reason="key"), "account"),
        (ModelGone(), "gone"),
        (OurFault(), "our_fault"),
        (WireError(), "failed"),
    ],
)
def test_every_error_has_its_word(error: WireError, word: str) -> None:
    assert outcome_of(error) == word
    assert word in OUTCOMES


class Script:
    """An HTTP server that answers (status, body) in turn and remembers nothing else."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body = script.answers.pop(0)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    yield made
    made.server.shutdown()
    made.server.server_close()


TASK = b'{"request_id": "r", "output": {"task_id": "t", "task_status": "PENDING"}}'


def test_every_request_is_told_with_its_call_and_outcome(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.modelstudio.http_get.PAUSES", (0.0, 0.0))
    seen: list[tuple[str, float, str]] = []
    client = Client(
        f"http://127.0.0.1:{script.server.server_port}",
        "sk-test",
        private_ok=True,
        read=2.0,
        watch=lambda *what: seen.append(what),
    )
    body = {"model": "emo-v1", "input": {}}

    script.answers += [
        (200, TASK),
        (429, b'{"code": "Throttling.RateQuota", "message": "slow"}'),
        (400, b'{"code": "InvalidParameter", "message": "x"}'),
    ]
    script.answers += [(401, b'{"code": "InvalidApiKey", "message": "x"}'), (500, b"<html>")]
    assert client.submit(entries.EMO, body).task_id == "t"
    for error in (RetryLater, Rejected, AccountTrouble, NoAnswer):
        with pytest.raises(error):
            client.submit(entries.EMO, body)
    assert [(call, outcome) for call, _, outcome in seen] == [
        ("submit", "ok"),
        ("submit", "throttled"),
        ("submit", "rejected"),
        ("submit", "account"),
        ("submit", "failed"),
    ]
    assert all(0 <= seconds < 5 for _, seconds, _ in seen)

    seen.clear()
    # a GET that is tried again is as many requests
    script.answers += [
        (502, b""),
        (200, TASK),
        (200, b'{"total": 0, "data": [], "total_page": 0, "page_no": 1, "page_size": 50}'),
    ]
    client.get("t")
    client.page("emo-v1")
    script.answers += [
        (200, b'{"request_id": "r"}'),
        (400, b'{"code": "UnsupportedOperation", "message": "x"}'),
    ]
    client.cancel("t")
    assert client.cancel("t") is False
    assert [(call, outcome) for call, _, outcome in seen] == [
        ("query", "failed"),
        ("query", "ok"),
        ("list", "ok"),
        ("cancel", "ok"),
        ("cancel", "ok"),
    ]
    assert {call for call, _, _ in seen} <= set(CALLS)


def test_what_never_left_is_told_too() -> None:
    seen: list[tuple[str, str]] = []
    client = Client(
        "http://127.0.0.1:1",
        "sk-test",
        private_ok=True,
        watch=lambda call, _, outcome: seen.append((call, outcome)),
    )
    with pytest.raises(NotSent):
        client.submit(entries.EMO, {"model": "emo-v1", "input": {}})
    assert seen == [("submit", "not_sent")]


@pytest.mark.django_db
def test_the_engine_s_clients_are_watched(account: Any, script: Script) -> None:
    from jobs.accounts.clients import client_for

    account.private_network = True
    account.base_url = f"http://127.0.0.1:{script.server.server_port}"
    script.answers.append((200, TASK))
    client_for(account).get("t")
    assert call_metrics._counts._unwritten["n|query|ok"] == 1
