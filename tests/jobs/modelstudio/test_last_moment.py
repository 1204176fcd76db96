"""A submit may be held back until its last byte; what the service’s clock says is passed on."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from jobs.catalogue import entries
from jobs.modelstudio import NotSent, transport
from tests.jobs.modelstudio.server import BODY, CREATED, Answer, Handler, Server, at, says

EMO = entries.get("emo-v1")


class TooLate(NotSent):
    pass


def dated(date: str, payload: Any) -> Answer:
    def answer(handler: Handler) -> None:
        handler.date_time_string = lambda timestamp=None: date  # type: ignore[method-assign]
        handler.reply(payload)

    return answer


@pytest.mark.parametrize("part", [1, 2])
def test_an_order_that_may_not_leave_any_more_does_not(server: Server, part: int) -> None:
    """Its head has left when its body is held back: half a request is none."""
    asked = 0

    def still_timely() -> None:
        nonlocal asked
        asked += 1
        assert transport.was_sent() == (asked > 1)
        if asked == part:
            raise TooLate("TooLate", "too late")

    server.answer = says(CREATED)
    with pytest.raises(TooLate):
        at(server).submit(EMO, BODY, still_timely)
    assert asked == part
    assert not [seen for seen in server.seen if seen.body]


def test_it_is_asked_after_connecting(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    connect = transport._Plain.connect
    monkeypatch.setattr(
        transport._Plain, "connect", lambda self: (connect(self), order.append("connected"))
    )
    server.answer = says(CREATED)
    at(server).submit(EMO, BODY, lambda: order.append("asked"))
    assert order[:2] == ["connected", "asked"]


def test_the_next_request_of_the_thread_is_asked_nothing(server: Server) -> None:
    def never() -> None:
        raise TooLate("TooLate", "too late")

    client = at(server)
    with pytest.raises(TooLate):
        client.submit(EMO, BODY, never)
    server.answer = says({"output": {"task_id": "t", "task_status": "RUNNING"}})
    assert client.get("t").status == "RUNNING"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux only")
def test_the_kernel_delivers_nothing_that_nobody_waits_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be delivered is thrown away long before the job may be sent again."""
    found: list[int] = []
    send = transport._Plain.send

    def look(self: transport._Plain, data: object) -> None:
        send(self, data)
        assert self.sock is not None
        found.append(self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))

    monkeypatch.setattr(transport._Plain, "send", look)
    server.answer = says(CREATED)
    at(server).submit(EMO, BODY)
    assert set(found) == {int(transport.UNDELIVERED * 1000)}


def test_the_services_clock_is_heard_from_its_answers(server: Server) -> None:
    heard: list[tuple[str, datetime, float]] = []
    client = at(server, dates=lambda *what: heard.append(what))
    late = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    server.answer = dated(format_datetime(late, usegmt=True), CREATED)
    client.submit(EMO, BODY)
    server.answer = dated("nonsense", {"output": {"task_id": "t", "task_status": "RUNNING"}})
    client.get("t")
    ((host, date, took),) = heard
    assert (host, date) == (client.host, late)
    assert 0 <= took < 30


def test_an_answer_without_a_date_says_nothing(server: Server) -> None:
    heard: list[object] = []

    def bare(handler: Handler) -> None:
        body = b'{"output": {"task_id": "t", "task_status": "RUNNING"}}'
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    server.answer = bare
    at(server, dates=lambda *what: heard.append(what)).get("t")
    assert heard == []
