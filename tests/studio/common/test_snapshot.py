"""Statements of one page see one moment, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from studio.common import snapshot as module
from studio.common.snapshot import snapshot
from studio.config.databases import connections
from studio.models import Team

pytestmark = pytest.mark.django_db(transaction=True)


def two_connections(folder: Path) -> list[BaseDatabaseWrapper]:
    """Two to one database, as two processes have them: the one of the tests, or a file where that
    is in memory."""
    own = dict(connection.settings_dict)
    if connection.vendor == "sqlite":
        own = connections(
            {"ENGINE": own["ENGINE"], "NAME": str(folder / "db.sqlite3")}, ["manage.py", "web"]
        )
    return [ConnectionHandler({"default": own})["default"] for _ in range(2)]


def test_what_others_commit_meanwhile_is_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = two_connections(tmp_path)

    def do(who: BaseDatabaseWrapper, statement: str) -> None:
        with who.cursor() as cursor:
            cursor.execute(statement)

    def number() -> int:
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM moments")
            return int(cursor.fetchone()[0])

    if connection.vendor == "sqlite":
        do(writer, "PRAGMA journal_mode=WAL")  # as the web and workers set it
    do(writer, "CREATE TABLE moments (id integer)")
    try:
        monkeypatch.setattr(module, "connection", reader)
        monkeypatch.setattr(
            module, "transaction", type("_", (), {"atomic": lambda: atomic_of(reader)})
        )
        with snapshot():
            assert number() == 0
            do(writer, "INSERT INTO moments VALUES (1)")  # who reads holds nobody up who writes
            assert number() == 0
        assert number() == 1
    finally:
        reader.close()
        do(writer, "DROP TABLE moments")
        writer.close()


def atomic_of(reader: BaseDatabaseWrapper) -> AbstractContextManager[None]:
    """`transaction.atomic` of a connection that Django does not know by a name."""

    @contextmanager
    def begun() -> Iterator[None]:
        reader.set_autocommit(False)
        yield
        reader.commit()
        reader.set_autocommit(True)

    return begun()


def test_an_error_inside_ends_it(team: Team) -> None:
    with pytest.raises(Team.DoesNotExist), snapshot():
        Team.objects.get(pk=0)
    with transaction.atomic():
        Team.objects.filter(pk=team.pk).update(name="Still writable")
    with transaction.atomic(), snapshot():
        assert Team.objects.get(pk=team.pk).name == "Still writable"
