"""SQLite's write-ahead log (WAL), in which readers and a writer do not wait for each other.

The mode is a mark in the file. It is set where a database is made or migrated, and where the web or
a worker starts, because a copy made by `VACUUM INTO` or from a dump comes without it. Connections
only check it: of several that set it at once all but one fail with “database is locked”, at once
and whatever their time-out is.
"""

from __future__ import annotations

import logging
import random
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
from django.db.models.signals import pre_migrate

from studio.config.databases import process_name

log = logging.getLogger("footlight.sqlite_wal")
_warned: set[str] = set()  # files that this process has warned of


def set_wal(file: str, within: float = 30.0) -> bool:
    """Put the database `file` in WAL mode, trying again for `within` seconds while others hold it;
    whether it is in WAL now. Makes the file when there is none. Safe in many processes at once."""
    end = time.monotonic() + within
    while True:
        try:
            with closing(sqlite3.connect(file, timeout=1.0, uri=file.startswith("file:"))) as line:
                mode = str(line.execute("PRAGMA journal_mode=WAL").fetchone()[0])
            error = f"its mode stays “{mode}”"
            busy = False
        except sqlite3.DatabaseError as trouble:
            mode, error = "", str(trouble)
            busy = trouble.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if mode == "wal":
            return True
        if not busy or time.monotonic() > end:
            log.warning("%s could not be put in WAL mode: %s", file, error)
            return False
        time.sleep(random.uniform(0.01, 0.05))  # noqa: S311  (so that two do not stay in step)


def set_at_start() -> None:
    """At the start of the web and of a worker. Does nothing for PostgreSQL, and for a database that
    is not there yet."""
    file = _file_of(connections["default"])
    if file and Path(file).is_file():
        set_wal(file)


def connect(app: AppConfig) -> None:
    """Set the mode before every migration, also of a throw-away database of tests, and check it on
    every connection. `app` is one of those that are migrated."""
    pre_migrate.connect(_before_migrating, sender=app, dispatch_uid="sqlite_wal")
    connection_created.connect(_check, dispatch_uid="sqlite_wal")


def _before_migrating(using: str, **_others: Any) -> None:
    file = _file_of(connections[using])
    if file:
        set_wal(file)


def _check(connection: BaseDatabaseWrapper, **_others: Any) -> None:
    """Warn once of a file without WAL, unless it is empty or about to be migrated. It works, but
    its readers and writers wait for each other."""
    file = _file_of(connection)
    if not file or file in _warned or process_name(sys.argv) == "migrate":
        return
    mode = connection.connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal" and connection.connection.execute("PRAGMA page_count").fetchone()[0]:
        _warned.add(file)
        log.warning(
            "%s is in the journal mode “%s”, perhaps because it was restored; its readers and "
            "writers wait for each other. Start the web or a worker anew, or run `python manage.py "
            "migrate`: each of them sets WAL.",
            file,
            mode,
        )


def _file_of(connection: BaseDatabaseWrapper) -> str:
    """The file of an SQLite database; "" of another kind, and of one in memory."""
    if not isinstance(connection, SQLite) or connection.is_in_memory_db():
        return ""
    return str(connection.settings_dict["NAME"])
