"""SQLite's write-ahead log: set where a database is made, migrated or started with, and not by
connections, which would fail over it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management.sql import emit_pre_migrate_signal
from django.db.backends.sqlite3.base import DatabaseWrapper

from studio import asgi
from studio.config import databases, sqlite_wal


@pytest.fixture(autouse=True)
def own_databases(django_db_blocker: Any) -> Iterator[None]:
    """The databases of these tests are files of theirs, not the one of the suite."""
    with django_db_blocker.unblock():
        yield


def connection_to(file: Path) -> DatabaseWrapper:
    """A connection as our processes make it, not opened yet."""
    entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}
    found: dict[str, Any] = databases.connections(entry, ["manage.py", "worker"])
    rest = {"TIME_ZONE": None, "ATOMIC_REQUESTS": False, "AUTOCOMMIT": True}
    return DatabaseWrapper(rest | found, "crowd")


def made(file: Path) -> Path:
    """A database of one table that is not in WAL, as `VACUUM INTO` leaves it."""
    with closing(sqlite3.connect(file)) as line:
        line.execute("create table words (word text)")
        line.commit()
    return file


def mode_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as line:
        return str(line.execute("pragma journal_mode").fetchone()[0])


class Writer:
    """A connection in the middle of a transaction that writes `file`."""

    def __init__(self, file: Path) -> None:
        self.line = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self.line.execute("begin immediate")
        self.line.execute("insert into words values ('mine')")

    def end(self) -> None:
        self.line.execute("commit")
        self.line.close()


def test_a_connection_opens_while_another_one_writes(tmp_path: Path) -> None:
    """Setting the mode fails at once then, whatever the time-out is."""
    file = made(tmp_path / "restored.sqlite3")
    writer, line = Writer(file), connection_to(file)
    with line.cursor() as cursor:
        assert cursor.execute("select count(*) from words").fetchone() == (0,)
        threading.Timer(0.2, writer.end).start()
        cursor.execute("insert into words values ('yours')")
        assert cursor.execute("select count(*) from words").fetchone() == (2,)
    line.close()


def test_setting_it_waits_until_the_others_let_go(tmp_path: Path) -> None:
    file = made(tmp_path / "restored.sqlite3")
    threading.Timer(0.3, Writer(file).end).start()
    assert sqlite_wal.set_wal(str(file))
    assert mode_of(file) == "wal"


def test_setting_it_gives_up_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made(tmp_path / "restored.sqlite3")
    writer = Writer(file)
    assert not sqlite_wal.set_wal(str(file), within=0.1)
    writer.end()
    assert not sqlite_wal.set_wal(str(tmp_path / "no folder" / "x"), within=0.1)
    (tmp_path / "other").write_bytes(b"no database" * 100)
    assert not sqlite_wal.set_wal(str(tmp_path / "other"), within=0.1)
    said = [record.getMessage() for record in caplog.records]
    assert "database is locked" in said[0]
    assert "unable to open" in said[1]
    assert "not a database" in said[2]


def test_many_set_it_at_once(tmp_path: Path) -> None:
    count = 8
    with ThreadPoolExecutor(count) as pool:
        for number in range(10):
            file, start = made(tmp_path / f"{number}.sqlite3"), threading.Barrier(count)

            def one(_number: int, file: Path = file, start: threading.Barrier = start) -> bool:
                start.wait(60)
                return sqlite_wal.set_wal(str(file))

            assert all(pool.map(one, range(count), timeout=60))
            assert mode_of(file) == "wal"


def test_a_migration_sets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = connection_to(tmp_path / "new.sqlite3")
    monkeypatch.setattr(sqlite_wal, "connections", {"crowd": line})
    emit_pre_migrate_signal(verbosity=0, interactive=False, db="crowd")
    assert mode_of(tmp_path / "new.sqlite3") == "wal"


@pytest.mark.parametrize("name", [":memory:", "file:x?mode=memory&cache=shared"])
def test_a_database_in_memory_has_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    line = connection_to(Path("/x"))
    line.settings_dict["NAME"] = name
    monkeypatch.setattr(sqlite_wal, "connections", {"crowd": line, "default": line})
    monkeypatch.setattr(sqlite_wal, "set_wal", lambda file: pytest.fail(f"{file} was touched"))
    emit_pre_migrate_signal(verbosity=0, interactive=False, db="crowd")
    sqlite_wal.set_at_start()
    with line.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("memory",)
    line.close()


def restored(file: Path) -> Path:
    """`file` as a backup made by VACUUM INTO leaves it: without WAL, although its source had it."""
    source = made(file.with_name("source.sqlite3"))
    assert sqlite_wal.set_wal(str(source))
    with closing(sqlite3.connect(source)) as line:
        line.execute("vacuum into ?", [str(file)])
    assert mode_of(file) == "delete"
    return file


def test_the_web_sets_it_when_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = restored(tmp_path / "restored.sqlite3")
    monkeypatch.setattr(sqlite_wal, "connections", {"default": connection_to(file)})
    sent: list[Any] = []
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append((message["type"], mode_of(file)))

    asyncio.run(asgi.application({"type": "lifespan"}, receive, send))
    assert sent[0] == ("lifespan.startup.complete", "wal")


def test_a_start_makes_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hide from whoever looks that there is none."""
    line = connection_to(tmp_path / "none.sqlite3")
    monkeypatch.setattr(sqlite_wal, "connections", {"default": line})
    sqlite_wal.set_at_start()
    assert list(tmp_path.iterdir()) == []


def test_a_connection_warns_once_of_a_restored_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = restored(tmp_path / "restored.sqlite3")
    for _time in range(2):
        line = connection_to(file)
        line.ensure_connection()
        line.close()
    (record,) = caplog.records
    assert "journal mode “delete”" in record.getMessage()
    assert "python manage.py migrate" in record.getMessage()
    assert mode_of(file) == "delete", "it only looks"


def test_a_connection_says_nothing_of_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made(tmp_path / "good.sqlite3")
    assert sqlite_wal.set_wal(str(file))
    for each in (file, tmp_path / "empty.sqlite3"):
        line = connection_to(each)
        line.ensure_connection()
        line.close()
    monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])
    line = connection_to(restored(tmp_path / "restored.sqlite3"))
    line.ensure_connection()
    line.close()
    assert caplog.records == []
