"""SQLite or PostgreSQL: how our connections are made, so that a lost one costs a retry and a stuck
one is ended.

What PostgreSQL is told goes with the connection itself, so it holds in every thread, after every
reconnect, and behind a proxy that keeps sessions apart. A setting in DATABASE_URL (`?options=-c
lock_timeout=1s`, `?connect_timeout=2`) comes after ours and wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any

from django.core.exceptions import ImproperlyConfigured

# Milliseconds. Nothing of ours calls out inside a transaction, so one that rests this long belongs
# to a process that is stuck or gone; it would keep its locks, such as the one on the team's row at
# a hold, from everybody else.
IDLE_IN_TRANSACTION = 60_000
LOCK = 15_000
STATEMENT = 30_000
SERVERS = ("uvicorn", "gunicorn", "granian", "hypercorn", "runserver")
# A command that a person waits for, such as migrate, may take as long as it needs.
LIMITED = ("web", "worker")


def process_name(argv: Sequence[str]) -> str:
    """“web”, “worker”, or the word of another command: which of our processes `argv` (as in
    sys.argv) began."""
    program = PurePath(argv[0]) if argv else PurePath()
    name = program.parent.name if program.stem == "__main__" else program.stem
    if name in ("manage", "django", "django-admin"):
        name = argv[1] if len(argv) > 1 else "manage"
    return "web" if name in SERVERS else name


def connections(database: dict[str, Any], argv: Sequence[str]) -> dict[str, Any]:
    """`database` (an entry of Django's DATABASES) with all that connections of the process `argv`
    need.

    Raises ImproperlyConfigured for a database that Footlight is not made for, or whose driver is
    not installed.
    """
    # Threads are few and fixed, so a connection each is cheaper than one per request. A connection
    # that broke while it rested is noticed before its next use and made anew.
    database = {**database, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    engine = str(database.get("ENGINE", "")).rsplit(".", 1)[-1]
    if engine == "sqlite3":
        return database | {"OPTIONS": _sqlite() | database.get("OPTIONS", {})}
    if engine != "postgresql":
        raise ImproperlyConfigured(
            f"DATABASE_URL names a database of the kind “{engine}”; Footlight works with "
            "PostgreSQL (postgres://…) and SQLite."
        )
    if find_spec("psycopg") is None:
        raise ImproperlyConfigured(
            "DATABASE_URL names PostgreSQL, whose driver is not installed; run pip install "
            "'footlight[postgres]'."
        )
    return database | {"OPTIONS": _postgres(process_name(argv), database.get("OPTIONS", {}))}


def _sqlite() -> dict[str, Any]:
    return {
        # A transaction that reads and then writes must own the database from its start, or it fails
        # at the write.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        # A committed intent must survive a power cut, or a submit could be repeated. EXTRA is FULL
        # in WAL mode; with a rollback journal, as a restored file may have it, FULL would not do.
        # The journal mode is not of a connection but of the file: sqlite_wal.
        "init_command": "PRAGMA synchronous=EXTRA;",
    }


def _postgres(process: str, given: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, str | int] = {
        # every compare-and-swap of ours counts on it
        "default_transaction_isolation": r"read\ committed",
        # a committed intent survives a power cut; without it a submit could be repeated
        "synchronous_commit": "on",
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
    }
    if process in LIMITED:
        told |= {"lock_timeout": LOCK, "statement_timeout": STATEMENT}
    options = " ".join(f"-c {name}={value}" for name, value in told.items())
    ours: dict[str, Any] = {
        "application_name": f"footlight {process}",
        "connect_timeout": 5,
        # A server that vanished without a word is noticed in a minute and not after hours.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    return ours | given | {"options": f"{options} {given.get('options', '')}".strip()}
