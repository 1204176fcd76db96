"""Bodies of requests for pages: slow ones, large ones, and which of them touches the disk."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client

from studio.models import Membership, Role, Team, User
from studio.web import bodies, limits
from studio.web.asgi_types import Message
from studio.web.pages import Pages

pytestmark = pytest.mark.django_db(transaction=True)
Sent = tuple[int, str]


class Disk:
    """Counts the files that bodies are spooled to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files = 0
        made = tempfile.TemporaryFile

        def counted(*args: Any, **more: Any) -> Any:
            self.files += 1
            return made(*args, **more)

        monkeypatch.setattr(bodies.tempfile, "TemporaryFile", counted)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def page(environ: Any, start: Any) -> HttpResponse:
    """Says how much it got, as Django's pages read it."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start("200 OK", [])
    return HttpResponse(f"{len(body)} {body[:3].decode()}")


async def posted(
    path: str,
    parts: list[bytes],
    *,
    length: int | None = None,
    client: Client | None = None,
    method: str = "POST",
    end: Message | None = None,
    pause: float = 0.0,
) -> Sent:
    """(status, text) of a request whose body comes in `parts`, then `end`; (0, "") without an
    answer. `length` is what it declares, None for a body without one."""
    left: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    left.append(end or {"type": "http.request", "body": b"", "more_body": False})
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(pause)
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    if client:
        cookie = client.cookies[django_settings.SESSION_COOKIE_NAME].value
        headers.append((b"cookie", f"{django_settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
        "headers": headers,
        "client": ("192.0.2.1", 1),
    }
    await Pages(page)(scope, receive, send)
    if not sent:
        return 0, ""
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:]).decode()


def post(path: str, parts: list[bytes], **more: Any) -> Sent:
    held = limits.uploads.total
    status, text = asyncio.run(posted(path, parts, **more))
    assert bodies.spooled.bytes == 0
    assert limits.uploads.total == held
    return status, text


def test_a_form_comes_whole_whatever_its_pieces(disk: Disk) -> None:
    assert post("/accounts/login/", [b"ab", b"c"], length=3) == (200, "3 abc")
    assert post("/accounts/login/", [b"abc"]) == (200, "3 abc"), "also without a length"
    assert disk.files == 0


def test_a_large_body_of_nobody_is_refused_before_it_is_read(disk: Disk) -> None:
    size = 300 * 1024 * 1024
    never = {"type": "http.disconnect"}  # refused at the first look, before anything is waited for
    for path in ("/accounts/login/", "/t/north/library/upload/", "/nothing/"):
        status, text = post(path, [], length=size, end=never)
        assert (status, "sign in" in text) == (401, True), path
    assert disk.files == 0


def test_a_body_without_a_length_must_be_small(disk: Disk) -> None:
    block = b"x" * 40_000
    assert post("/accounts/login/", [block])[0] == 200
    status, text = post("/accounts/login/", [block, block, block])
    assert status == 411
    assert "Content-Length" in text
    assert disk.files == 0


def test_a_get_has_no_body() -> None:
    assert post("/healthz", [], length=0, method="GET")[0] == 200
    assert post("/healthz", [b"x"], length=1, method="GET")[0] == 413
    assert post("/healthz", [b"x"], method="GET")[0] == 413


def test_who_is_signed_in_sends_a_megabyte_and_files_where_they_belong(
    team: Team, creator: User, client_of: Callable[[User], Client], disk: Disk
) -> None:
    client = client_of(creator)
    block = b"x" * 500_000
    assert post("/t/north/", [block], length=500_000, client=client) == (200, "500000 xxx")
    status, text = post("/t/north/", [block] * 3, length=1_500_000, client=client)
    assert status == 413
    assert "1.0" in text
    took = post("/t/north/library/upload/", [block] * 3, length=1_500_000, client=client)
    assert took == (200, "1500000 xxx")
    assert disk.files == 2
    most = django_settings.UPLOAD_MAX_BYTES + limits.FORM_BYTES
    assert post("/t/north/library/upload/", [], length=most + 1, client=client)[0] == 413


def test_files_are_taken_from_who_may_upload_to_that_team(
    team: Team, viewer: User, stranger: User, client_of: Callable[[User], Client], disk: Disk
) -> None:
    for person, expected in ((viewer, 403), (stranger, 404)):
        sent = post("/t/north/library/upload/", [], length=2_000_000, client=client_of(person))
        assert sent[0] == expected
    assert disk.files == 0


def test_every_form_with_files_is_known() -> None:
    """A page whose form carries files and is not marked would refuse them."""
    from django.urls import resolve

    from studio.teams.access import TAKES_FILES

    pages = ["library/upload/"]
    pages += [f"make/{name}/" for name in ("portrait", "dance", "template", "batch")]
    # the buttons of that form that lead elsewhere take what was chosen along
    pages += ["make/check/", "make/price/", "make/fix/", "make/presets/", "make/presets/x/delete/"]
    for name in pages:
        assert getattr(resolve(f"/t/north/{name}").func, TAKES_FILES, False), name
    for name in ("", "keys/", "team/"):
        assert not getattr(resolve(f"/t/north/{name}").func, TAKES_FILES, False), name


def test_a_body_that_comes_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.2)
    limits.refusals.clear()
    status, text = post("/accounts/login/", [b"x"] * 100, length=100, pause=0.05)
    assert status == 408
    assert "too slowly" in text
    assert limits.refusals["slow-body"] == 1


def test_a_body_of_the_least_rate_is_not_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.2)
    sent = post("/accounts/login/", [b"x" * 1000] * 10, length=10_000, pause=0.05)
    assert sent[0] == 200


def test_who_leaves_gets_no_page() -> None:
    assert post("/accounts/login/", [b"ab"], length=3, end={"type": "http.disconnect"}) == (0, "")


def test_uploads_on_their_way_are_limited(
    team: Team,
    creator: User,
    owner: User,
    client_of: Callable[[User], Client],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.UPLOADS_PER_PERSON = 1
    to = {"length": 100_000, "client": client_of(creator)}
    with bodies.unfinished_upload(creator.pk), bodies.upload_place(creator.pk):
        status, text = post("/t/north/library/upload/", [], **to)
        assert status == 429
        assert "1 of your uploads" in text
        other = {**to, "client": client_of(owner)}
        assert post("/t/north/library/upload/", [b"x" * 100_000], **other)[0] == 200
        monkeypatch.setattr(limits, "UPLOADS", 1)
        monkeypatch.setattr(limits, "PLACE_SECONDS", 0.1)
        assert post("/t/north/library/upload/", [], **other)[0] == 503
    assert post("/t/north/library/upload/", [b"x" * 100_000], **to)[0] == 200


def test_a_form_with_files_counts_until_its_page_is_made(
    team: Team, creator: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    whole = page

    def looking(environ: Any, start: Any) -> HttpResponse:
        seen.append((limits.unfinished.held[creator.pk], limits.uploads.total))
        return whole(environ, start)

    monkeypatch.setitem(globals(), "page", looking)
    to = {"length": 100_000, "client": client_of(creator)}
    assert post("/t/north/library/upload/", [b"x" * 100_000], **to)[0] == 200
    assert seen == [(1, 0)]
    assert limits.unfinished.total == 0


def test_questions_whose_upload_comes_are_few(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for much waits while many are being asked, and is refused without the database."""
    monkeypatch.setattr(limits, "PLACE_SECONDS", 0.1)
    size = 200_000_000
    with ExitStack() as stack:
        for _ in range(limits.ASKING):
            stack.enter_context(limits.asking.one("192.0.2.1", 100))
        assert post("/t/north/library/upload/", [], length=size)[0] == 503
        assert post("/accounts/login/", [b"x" * 10], length=10)[0] == 200
        assert post("/accounts/login/", [], length=100_000)[0] == 401, "a form is no upload"
    assert post("/t/north/library/upload/", [], length=size)[0] == 401
    assert limits.asking.total == 0


def test_an_upload_waits_for_its_place(
    team: Team, creator: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UPLOADS", 1)
    monkeypatch.setattr(limits, "PLACE_SECONDS", 4)
    path, size = "/t/north/library/upload/", 2_000_000

    async def run() -> Sent:
        with limits.uploads.one("somebody", 1):
            waiting = asyncio.create_task(
                posted(path, [b"x" * size], length=size, client=client_of(creator))
            )
            await asyncio.sleep(0.3)
            assert not waiting.done()
        return await waiting

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the session is made in the loop
    assert asyncio.run(run()) == (200, f"{size} xxx")


def test_a_role_is_asked_when_the_body_comes(
    team: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(creator)
    Membership.objects.filter(user=creator).update(role=Role.VIEWER)
    assert post("/t/north/library/upload/", [], length=2_000_000, client=client)[0] == 403


def test_a_spool_leaves_nothing(tmp_path: Path, settings: Any) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    spool = bodies.Spool()

    async def fill() -> bytes:
        for _ in range(5):
            await spool.add(b"x" * 400_000)
        return (await spool.finish()).read()

    assert len(asyncio.run(fill())) == bodies.spooled.bytes == 2_000_000
    assert list(tmp_path.iterdir()) == [], "it has no name, so a dead process leaves none"
    spool.close()
    assert bodies.spooled.bytes == 0
