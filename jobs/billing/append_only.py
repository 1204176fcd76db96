"""The database itself refuses to change or delete a ledger entry: triggers, on SQLite and on
PostgreSQL.

SQLite makes a table anew when a migration changes a column, which loses its triggers; so they are
made by a migration and again after each `migrate`, where they are missing.
"""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "jobs_ledgerentry"
REFUSAL = "Ledger entries are never changed or deleted; write an adjustment (manage.py adjust)."
_NAME = "ledger_is_append_only"

_MAKE = {
    "sqlite": [
        f"""CREATE TRIGGER IF NOT EXISTS {_NAME}_{verb.lower()} BEFORE {verb} ON {TABLE}
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"""
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        f"""CREATE OR REPLACE FUNCTION {_NAME}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$""",
        f"""CREATE OR REPLACE TRIGGER {_NAME} BEFORE UPDATE OR DELETE ON {TABLE}
        FOR EACH ROW EXECUTE FUNCTION {_NAME}()""",
        f"""CREATE OR REPLACE TRIGGER {_NAME}_truncate BEFORE TRUNCATE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION {_NAME}()""",
    ],
}
_DROP = {
    "sqlite": [f"DROP TRIGGER IF EXISTS {_NAME}_{verb}" for verb in ("update", "delete")],
    "postgresql": [
        f"DROP TRIGGER IF EXISTS {_NAME} ON {TABLE}",
        f"DROP TRIGGER IF EXISTS {_NAME}_truncate ON {TABLE}",
    ],
}
_FOUND = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
    "postgresql": "SELECT count(*) FROM pg_trigger WHERE tgname LIKE %s AND tgenabled <> 'D'",
}


def protect(line: BaseDatabaseWrapper) -> None:
    """Make the triggers; twice is the same as once."""
    _execute(line, _MAKE)


def unprotect(line: BaseDatabaseWrapper) -> None:
    """Drop them. For a migration that must rewrite entries, and for tests; nothing else."""
    _execute(line, _DROP)


def protected(line: BaseDatabaseWrapper) -> bool:
    """Whether all of them are there."""
    with line.cursor() as cursor:
        cursor.execute(_FOUND[line.vendor], [f"{_NAME}%"])
        return bool(cursor.fetchone()[0] == 2)


def protect_after_migrate(using: str, **kwargs: object) -> None:
    """After each `migrate`, once the ledger is there."""
    line = connections[using]
    if TABLE in line.introspection.table_names() and not protected(line):
        protect(line)


def _execute(line: BaseDatabaseWrapper, statements: dict[str, list[str]]) -> None:
    with line.cursor() as cursor:
        for statement in statements[line.vendor]:
            cursor.execute(statement)
