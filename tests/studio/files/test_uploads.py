"""The raw way in: who may, what is refused with which sentence, and that no upload costs memory or
leaves a file behind."""

from __future__ import annotations

import asyncio
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from studio.files import uploads
from studio.files.file_store import person_key
from studio.media import decoders
from studio.models import Asset, Membership, Role, Team, User
from studio.web import limits
from tests import files

# The door works in threads, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

Message = dict[str, Any]


class Visitor:
    """A browser at the door: cookies of a signed-in client, one PUT at a time, straight into the
    ASGI application."""

    def __init__(self, client: Client | None) -> None:
        self.cookies = (
            {name: morsel.value for name, morsel in client.cookies.items()} if client else {}
        )
        self.cookies["csrftoken"] = self.token = _get_new_csrf_string()

    def put(
        self, body: bytes | list[Message], name: str = "p.jpg", team: str = "north", **more: Any
    ) -> tuple[int, dict[str, Any]]:
        """The status and the JSON of the answer; (0, {}) when there was none."""
        blocks = (
            body
            if isinstance(body, list)
            else [{"type": "http.request", "body": body, "more_body": False}]
        )
        return self.stream(
            iter(blocks), name, team, size=len(body) if isinstance(body, bytes) else None, **more
        )

    def stream(
        self, blocks: Iterator[Message], name: str = "p.jpg", team: str = "north", **more: Any
    ) -> tuple[int, dict[str, Any]]:
        return asyncio.run(self.asked(blocks, name, team, **more))

    async def asked(
        self,
        blocks: Iterator[Message],
        name: str = "p.jpg",
        team: str = "north",
        size: int | None = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        method: str = "PUT",
        path: str = "",
    ) -> tuple[int, dict[str, Any]]:
        from urllib.parse import quote

        sent = {
            "host": "localhost",
            "cookie": "; ".join(f"{key}={value}" for key, value in self.cookies.items()),
            "x-csrftoken": self.token if token is None else token,
            **({"content-length": str(size)} if size is not None else {}),
            **(headers or {}),
        }
        scope = {
            "type": "http",
            "method": method,
            "path": path or f"/upload/{team}/",
            "query_string": f"name={quote(name, errors='replace')}".encode(),
            "headers": [
                (key.encode(), value.encode("latin-1")) for key, value in sent.items() if value
            ],
            "scheme": "http",
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 8000),
            "http_version": "1.1",
            "root_path": "",
        }
        answer: list[Message] = []

        async def receive() -> Message:
            return next(blocks, {"type": "http.disconnect"})

        async def send(message: Message) -> None:
            answer.append(message)

        await uploads.application(scope, receive, send)
        if not answer:
            return 0, {}
        assert dict(answer[0]["headers"])[b"content-type"] == b"application/json"
        return answer[0]["status"], json.loads(answer[1]["body"])


@pytest.fixture
def visit(client_of: Callable[[User], Client]) -> Callable[[User], Visitor]:
    return lambda user: Visitor(client_of(user))


def left_behind() -> list[str]:
    return [
        path.name for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir() if path.name != "files"
    ]


def test_a_picture_arrives(visit: Callable[[User], Visitor], creator: User, team: Team) -> None:
    data = files.jpeg(600, 800, gps=True)
    status, answer = visit(creator).put(data, "Box office.JPG")
    asset = Asset.objects.get()
    assert status == 201
    assert answer["new"] is True
    assert answer["asset"] == asset.public_id
    assert (answer["name"], answer["kind"]) == ("Box office.jpg", "image")
    assert answer["facts"]["width"] == 600
    assert answer["facts"]["format"] == "jpeg"
    assert answer["url"] == asset.get_absolute_url()
    assert answer["thumb"].endswith("/thumb")
    assert (asset.team, asset.owner) == (team, creator)
    assert default_storage.exists(asset.file.name)
    assert visit(creator).put(data, "again.jpg")[0] == 200
    assert Asset.objects.count() == 1
    assert left_behind() == []


def test_the_name_may_be_anything(visit: Callable[[User], Visitor], creator: User) -> None:
    status, answer = visit(creator).put(files.png(500, 500), '../../\u202e"gnp" ü & % # ?.png')
    assert status == 201
    assert answer["name"] == "'gnp' ü & % # ?.png"


@pytest.mark.parametrize(
    ("data", "name", "status", "words"),
    [
        (b"", "empty.jpg", 400, "empty"),
        (files.html(), "portrait.jpg", 415, "web page"),
        (files.gif(), "moves.png", 415, "GIF"),
        (files.truncated(files.jpeg(800, 800)), "cut.jpg", 400, "cut or damaged"),
        (files.png_bomb(30000, 30000), "bomb.png", 413, "30000×30000"),
        (files.archive(), "speech.mp3", 415, "ZIP"),
    ],
)
def test_what_is_no_media_gets_its_sentence(
    visit: Callable[[User], Visitor], creator: User, data: bytes, name: str, status: int, words: str
) -> None:
    got, answer = visit(creator).put(data, name)
    assert got == status
    assert words in answer["error"]
    assert answer["error"].endswith(".")
    assert not Asset.objects.exists()
    assert left_behind() == []
    assert not (Path(settings.FILE_UPLOAD_TEMP_DIR) / "files").exists()


def test_who_may_not(
    visit: Callable[[User], Visitor], viewer: User, stranger: User, creator: User
) -> None:
    data = files.png(500, 500)
    assert Visitor(None).put(data)[0] == 401
    status, answer = visit(viewer).put(data)
    assert status == 403
    assert "Creator" in answer["error"]
    # A stranger cannot tell a team that is there from one that is not.
    assert visit(stranger).put(data) == visit(stranger).put(data, team="nowhere")
    assert visit(stranger).put(data)[0] == 404
    assert visit(creator).put(data)[0] == 201
    Membership.objects.filter(user=creator).update(role=Role.VIEWER)
    assert visit(creator).put(data)[0] == 403
    creator.is_active = False
    creator.save(update_fields=["is_active"])
    assert visit(creator).put(data)[0] == 401
    assert Asset.objects.count() == 1


def test_another_site_cannot_upload_in_my_name(
    visit: Callable[[User], Visitor], creator: User
) -> None:
    data, me = files.png(500, 500), visit(creator)
    assert me.put(data, token="")[0] == 403
    assert me.put(data, token=_get_new_csrf_string())[0] == 403
    assert me.put(data, headers={"origin": "https://evil.example"})[0] == 403
    assert me.put(data, headers={"host": "evil.example"})[0] == 400
    assert not Asset.objects.exists()
    assert me.put(data, headers={"origin": "http://localhost"})[0] == 201


def test_a_changed_password_ends_the_session(
    visit: Callable[[User], Visitor], creator: User
) -> None:
    me = visit(creator)
    creator.set_password("another horse")
    creator.save(update_fields=["password"])
    assert me.put(files.png(500, 500))[0] == 401


def test_the_limit_holds_for_what_is_said_and_for_what_comes(
    visit: Callable[[User], Visitor], creator: User, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 3_000_000
    me = visit(creator)
    status, answer = me.put([], headers={"content-length": "3000001"})
    assert status == 413
    assert "2.9" in answer["error"]
    block = {"type": "http.request", "body": bytes(500_000), "more_body": True}
    seen = iter([block] * 20)
    assert me.stream(seen)[0] == 413
    assert me.put([block], headers={"content-length": "many"})[0] == 400
    assert left_behind() == []
    assert not Asset.objects.exists()


def test_leaving_half_way_leaves_nothing(visit: Callable[[User], Visitor], creator: User) -> None:
    data = files.jpeg(600, 800)
    half = [
        {"type": "http.request", "body": data[:5000], "more_body": True},
        {"type": "http.disconnect"},
    ]
    assert visit(creator).put(half) == (0, {})
    assert left_behind() == []
    assert not Asset.objects.exists()


def test_only_put_and_only_this_address(visit: Callable[[User], Visitor], creator: User) -> None:
    me = visit(creator)
    assert me.put(b"x", method="POST")[0] == 405
    assert me.put(b"x", path="/upload/north/more/")[0] == 404
    assert me.put(b"x", path="/upload/../")[0] == 404


def test_a_full_disk_is_said_and_nothing_kept(
    visit: Callable[[User], Visitor], creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "keep", full)
    status, answer = visit(creator).put(files.png(500, 500))
    assert status == 500
    assert "nothing was kept" in answer["error"]
    assert "Errno" not in answer["error"]
    assert left_behind() == []


def test_a_large_upload_costs_no_memory(
    visit: Callable[[User], Visitor], creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    megabytes, block = 60, b"\xa5" * 65536

    def blocks() -> Iterator[Message]:
        for _ in range(megabytes * 16 - 1):
            yield {"type": "http.request", "body": block, "more_body": True}
        yield {"type": "http.request", "body": block, "more_body": False}

    sizes: list[int] = []

    def measured(path: str, **more: Any) -> None:
        sizes.append(Path(path).stat().st_size)
        raise uploads.MediaError("unknown-type", "Measured.")

    monkeypatch.setattr(uploads, "keep", measured)
    me = visit(creator)
    me.put(b"warm")
    tracemalloc.start()
    try:
        assert me.stream(blocks(), size=megabytes << 20)[0] == 415
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sizes[-1] == megabytes << 20
    assert peak < 8 << 20, f"{peak >> 20} MB for {megabytes} MB"
    assert left_behind() == []


def test_a_large_video_is_kept_without_being_in_memory(
    visit: Callable[[User], Visitor], creator: User, tmp_path: Path
) -> None:
    big = files.big_mp4(tmp_path, megabytes=60)
    size = big.stat().st_size

    def blocks() -> Iterator[Message]:
        with big.open("rb") as file:
            while block := file.read(65536):
                yield {"type": "http.request", "body": block, "more_body": file.tell() < size}

    me = visit(creator)
    tracemalloc.start()
    try:
        status, answer = me.stream(blocks(), "big.mp4", size=size)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert status == 201
    assert answer["facts"]["size"] == size
    assert peak < 24 << 20, f"{peak >> 20} MB for {size >> 20} MB"


def test_files_are_looked_at_two_at_a_time_and_one_of_each_person(
    monkeypatch: pytest.MonkeyPatch, visit: Callable[[User], Visitor], creator: User, owner: User
) -> None:
    at_work: list[str] = []
    most: list[tuple[int, int]] = []
    lock = threading.Lock()

    def slow(path: str, sender: uploads._Sender, name: str) -> tuple[int, dict[str, Any]]:
        with lock:
            at_work.append(sender.user.email)
            most.append((len(at_work), len(set(at_work))))
        threading.Event().wait(0.05)
        with lock:
            at_work.remove(sender.user.email)
        return 200, {}

    monkeypatch.setattr(uploads, "_keep", slow)
    # SQLite's database in memory belongs to one connection, and these all count at once.
    monkeypatch.setattr(uploads.quotas, "count_upload", lambda user: None)
    visitors = [visit(person) for person in (creator, owner)] * 3

    async def many() -> list[tuple[int, dict[str, Any]]]:
        body = {"type": "http.request", "body": b"x", "more_body": False}
        return await asyncio.gather(*(one.asked(iter([body])) for one in visitors))

    assert [status for status, _ in asyncio.run(many())] == [200] * 6
    assert max(most) == (2, 2)


def test_files_that_wait_for_a_decoder_are_counted_but_keep_nobody_else_away(
    monkeypatch: pytest.MonkeyPatch,
    visit: Callable[[User], Visitor],
    settings: Any,
    creator: User,
    owner: User,
) -> None:
    """They lie on the disk for as long as they wait."""
    settings.UPLOADS_PER_PERSON = 2
    monkeypatch.setattr(limits, "UPLOADS", 1)
    monkeypatch.setattr(uploads, "_keep", lambda path, sender, name: (200, {}))
    monkeypatch.setattr(uploads.quotas, "count_upload", lambda user: None)
    one, other = visit(creator), visit(owner)

    def sent() -> Iterator[Message]:
        return iter([{"type": "http.request", "body": b"x", "more_body": False}])

    async def many() -> list[int]:
        async with decoders.turn_async(person_key(creator)):
            waiting = [asyncio.create_task(one.asked(sent())) for _ in range(2)]
            while len(decoders.places(person_key(creator))) < 3:
                await asyncio.sleep(0.01)
            third, _ = await one.asked(sent())
            neighbour, _ = await other.asked(sent())
        found = [status for status, _ in await asyncio.gather(*waiting)]
        later, _ = await one.asked(sent())
        return [third, neighbour, *found, later]

    assert asyncio.run(asyncio.wait_for(many(), 20)) == [429, 200, 200, 200, 200]
    assert limits.unfinished.total == 0


# ── how much and how many ─────────────────────────────────────────────────────────────────────────


def test_what_does_not_fit_is_told_before_a_byte_is_taken(
    visit: Callable[[User], Visitor], creator: User, settings: Any
) -> None:
    settings.QUOTAS = {**settings.QUOTAS, "STORAGE_PER_TEAM": 1000}
    status, answer = visit(creator).put(files.png(500, 500))
    assert status == 429
    assert "does not fit" in answer["error"]
    assert not Asset.objects.exists()
    assert left_behind() == []


def test_more_than_an_hour_takes_are_told(
    visit: Callable[[User], Visitor], creator: User, settings: Any
) -> None:
    settings.QUOTAS = {**settings.QUOTAS, "UPLOADS_PER_HOUR": 1}
    assert visit(creator).put(files.png(500, 500))[0] == 201
    status, answer = visit(creator).put(files.png(600, 600))
    assert status == 429
    assert "in the last hour" in answer["error"]
