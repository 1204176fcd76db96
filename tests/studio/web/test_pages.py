"""Answers of Django's pages: made on page threads, sent by the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from studio.media import decoders
from studio.media.decoders import Limits, pool
from studio.media.decoders.pool import Pool
from studio.web import limits
from studio.web.pages import BLOCK, Pages, environ_of
from studio.web.turns import Turns
from tests.studio.web.served import dial, get, rest, served, until, until_word

pytestmark = pytest.mark.django_db(transaction=True)


class Endless:
    """A streamed answer that never ends, and how often it was asked and closed."""

    def __init__(self) -> None:
        self.asked = self.closed = 0
        self.threads: set[str] = set()

    def __iter__(self) -> Iterator[bytes]:
        try:
            while True:
                self.asked += 1
                self.threads.add(threading.current_thread().name.split("_")[0])
                yield b"x" * BLOCK
        finally:
            self.closed += 1


@pytest.fixture
def endless() -> Endless:
    return Endless()


@pytest.fixture
def pages(endless: Endless) -> Pages:
    def handler(environ: dict[str, Any], start: Any) -> HttpResponseBase:
        path = environ["PATH_INFO"]
        whole = f"{environ['REMOTE_ADDR']} {environ['REQUEST_METHOD']}"
        length = [] if len(path) > 1 else [("Content-Length", str(len(whole)))]
        start("200 OK", [("Content-Type", "text/plain"), *length])
        if path == "/endless":
            return StreamingHttpResponse(iter(endless))
        if path == "/short":
            return StreamingHttpResponse(iter([b"a", b"b"]))
        if path == "/long":
            return StreamingHttpResponse(iter([b"~" * (BLOCK - 1)] * 5))
        return HttpResponse(whole)

    return Pages(handler, threads=1)


@pytest.fixture
def port(pages: Pages) -> Iterator[int]:
    with served(pages) as number:
        yield number


def test_whole_and_streamed_answers_arrive(port: int) -> None:
    assert get(port, "/").endswith(b"127.0.0.1 GET")
    assert b"\r\n2\r\nab\r\n0\r\n" in get(port, "/short")
    assert get(port, "/long").count(b"~") == 5 * (BLOCK - 1)


def test_a_paused_download_holds_no_page_thread(port: int, endless: Endless) -> None:
    """There is one page thread; three readers that take nothing leave it free."""
    lines = [dial(port, b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(3)]
    for line in lines:
        assert line.recv(100)
    assert get(port, "/").endswith(b"GET")
    asked = endless.asked
    assert get(port, "/").endswith(b"GET")
    until(lambda: endless.asked < asked + 200)  # it is not read ahead of who takes it
    for line in lines:
        line.close()
    until(lambda: endless.closed == 3)
    assert endless.threads == {"page", "read"}, "the first block, then the others"


def test_a_page_that_waits_for_a_decoder_leaves_its_place_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is one place for pages; as many as may decode at once wait, and it is free."""
    own = Pool(2, 1000, page_turns=decoders.PAGE_TURNS)
    monkeypatch.setattr(pool, "_pool", own)
    there = tmp_path / "there"

    def handler(environ: dict[str, Any], start: Any) -> HttpResponseBase:
        start("200 OK", [])
        if environ["PATH_INFO"] == "/decodes":
            call = "tests.studio.media.decoders.stubs:until_there"
            return HttpResponse(
                str(decoders.run(call, {"path": str(there)}, Limits(30, 60.0), "7"))
            )
        return HttpResponse("at once")

    asking = b"GET /decodes HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with served(Pages(handler, threads=1)) as port:
        lines = [dial(port, asking) for _ in range(decoders.PAGE_TURNS)]
        until(lambda: own.on_pages == decoders.PAGE_TURNS)
        for _ in range(3):
            assert b"at once" in get(port, "/")
        there.touch()
        for line in lines:
            assert b"there" in rest(line)
            line.close()
    own.close()


def test_a_slow_body_holds_no_page_thread(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345"
    lines = [dial(port, head) for _ in range(3)]
    assert get(port, "/").endswith(b"GET")
    for line in lines:
        line.sendall(b"67890")
        assert until_word(line, b"POST")
        line.close()


def test_a_refused_body_is_answered_and_the_connection_ends(port: int) -> None:
    size = 300 * 1024 * 1024
    head = f"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
    with dial(port, head.encode()) as line:
        line.sendall(b"x" * 1_000_000)
        said = rest(line)
    assert said.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in said


def test_head_of_a_streamed_answer_reads_none_of_the_rest(port: int, endless: Endless) -> None:
    with dial(
        port, b"HEAD /endless HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ) as line:
        assert b"xx" not in rest(line)
    until(lambda: endless.closed == 1)
    assert endless.asked == 1


def scope(*headers: tuple[str, str]) -> dict[str, Any]:
    return {
        "method": "GET",
        "path": "/ü",
        "query_string": b"a=b",
        "http_version": "1.1",
        "client": ("192.0.2.1", 7),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }


def test_the_environ_is_that_of_pep_3333() -> None:
    import io

    found = environ_of(
        scope(
            ("content-type", "text/plain"),
            ("content-length", "999"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("x-one", "1"),
            ("x-one", "2"),
            ("x_one", "forged"),
            ("content_length", "forged"),
        ),
        io.BytesIO(b"abc"),
        3,
    )
    assert found["PATH_INFO"] == "/ü".encode().decode("latin-1")
    assert (found["CONTENT_TYPE"], found["CONTENT_LENGTH"]) == ("text/plain", "3")
    assert (found["HTTP_COOKIE"], found["HTTP_X_ONE"]) == ("a=1; b=2", "1,2")
    assert found["REMOTE_ADDR"] == "192.0.2.1"
    assert "forged" not in str(found)


def test_addresses_take_turns() -> None:
    """Ten requests of one address in line: who asks once is next but one, not eleventh."""
    order: list[str] = []

    async def ask(turns: Turns, address: str, holding: asyncio.Event | None = None) -> None:
        async with turns.turn(address):
            if holding is not None:
                await holding.wait()
            order.append(address)

    async def run() -> None:
        turns, holding = Turns(1), asyncio.Event()
        tasks = [asyncio.create_task(ask(turns, "first", holding))]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(ask(turns, "much")) for _ in range(10)]
        await asyncio.sleep(0)
        gone = asyncio.create_task(ask(turns, "gone"))
        tasks.append(asyncio.create_task(ask(turns, "once")))
        await asyncio.sleep(0)
        gone.cancel()
        holding.set()
        await asyncio.gather(*tasks)
        assert turns.free == 1
        assert not turns.waiting

    asyncio.run(run())
    assert order[:3] == ["first", "much", "once"]
    assert order.count("much") == 10


def test_a_proxy_nobody_named_is_told_once(settings: Any, caplog: Any) -> None:
    from studio.web import visitors

    visitors._warn_once.cache_clear()
    settings.TRUSTED_PROXIES = ()
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    async def ask(peer: str, *more: tuple[str, str]) -> None:
        await visitors.answered_in_turn(app)({**scope(*more), "client": (peer, 1)}, None, None)  # type: ignore[arg-type]

    asyncio.run(ask("10.0.0.7"))
    asyncio.run(ask("8.8.8.8", ("x-forwarded-for", "203.0.113.9")))
    assert caplog.messages == []
    for _ in range(2):
        asyncio.run(ask("10.0.0.7", ("x-forwarded-for", "203.0.113.9")))
    assert len(caplog.messages) == 1
    assert "set TRUSTED_PROXIES=10.0.0.7" in caplog.messages[0]
    assert seen == ["10.0.0.7", "8.8.8.8", "10.0.0.7", "10.0.0.7"], "and it is not believed"


def test_requests_of_one_address_are_limited(settings: Any) -> None:
    from studio.common.client_address import networks
    from studio.web.visitors import answered_in_turn

    settings.TRUSTED_PROXIES = networks(["127.0.0.1"])
    settings.CONNECTIONS_PER_ADDRESS = 2
    limits.refusals.clear()
    seen: list[str] = []
    leave = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])
        if scope["path"] == "/wait":
            await asyncio.to_thread(leave.wait, 10)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})

    with served(answered_in_turn(app)) as port:
        wait = b"GET /wait HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 2001:db8::%d\r\n\r\n"
        lines = [dial(port, wait % number) for number in (1, 2)]
        until(lambda: len(seen) == 2)
        for address, status in (("2001:db8::3", b"429"), ("2001:db8:0:1::3", b"200")):
            said = get(port, "/", f"X-Forwarded-For: {address}")
            assert said.split(b" ")[1] == status, said
        leave.set()
        for line in lines:
            assert until_word(line, b"\r\n0\r\n\r\n")
            line.close()
    assert seen == ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::3"]
    assert limits.refusals["requests-address"] == 1
    assert limits.requests.total == 0
