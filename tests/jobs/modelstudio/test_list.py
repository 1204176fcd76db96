"""The list of tasks, page by page."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.catalogue import entries
from jobs.modelstudio import (
    Client,
    NoAnswer,
    WireError,
    client,
)
from tests.jobs.modelstudio.server import BODY, KEY, Answer, Handler, Server, at, free_port, says

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
        handler.reply(
            {
                "total": len(lines),
                "data": shown,
                "total_page": pages,
                "page_no": no,
                "page_size": page_size,
                "request_id": "r",
            }
        )

    return answer


def test_a_page(server: Server) -> None:
    server.answer = listing(
        [
            line("a", 5, end_time=int(NOW.timestamp() * 1000), status="SUCCEEDED", api_key_id=15),
            line("b", 1),
        ],
        10,
    )
    told = at(server).page("emo-v1", "RUNNING", 1, 20)
    assert server.seen[0].sent_to.startswith("/api/v1/tasks/?")
    assert server.seen[0].asked == {
        "model_name": "emo-v1",
        "status": "RUNNING",
        "page_no": "1",
        "page_size": "20",
    }
    assert (told.total, told.page_no, told.total_page) == (2, 1, 1)
    first, second = told.lines
    assert (first.task_id, first.status, first.model_name, first.request_id, first.api_key_id) == (
        "a",
        "SUCCEEDED",
        "emo-v1",
        "r-a",
        "15",
    )
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
    assert {found.task_id for found in at(server).tasks("emo-v1", NOW - timedelta(days=1))} == {
        f"t{n}" for n in range(1, 25)
    }


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
    """What was sent is known per thread: one thread's refused connection says nothing about
    another's order."""

    def late_cut(handler: Handler) -> None:
        time.sleep(0.02)
        handler.cut()

    server.answer = late_cut
    wire, deaf = at(server), Client(f"http://127.0.0.1:{free_port()}", KEY, private_ok=True)
    kinds: list[str] = []

    def call(one: Client) -> None:
        try:
            one.submit(entries.EMO, BODY)
        except WireError as error:
            kinds.append(type(error).__name__)

    threads = [
        threading.Thread(target=call, args=(one,)) for _ in range(10) for one in (wire, deaf)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kinds) == ["NoAnswer"] * 10 + ["NotSent"] * 10
    assert len(server.seen) == 10
