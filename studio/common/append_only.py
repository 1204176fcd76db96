"""Tables whose rows are only added: the database itself refuses to change or delete one, with
triggers on SQLite and on PostgreSQL.

SQLite makes a table anew when a migration changes a column, which loses its triggers; so they are
made by a migration and again after each `migrate`, where they are missing.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_FOUND = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
    "postgresql": "SELECT count(*) FROM pg_trigger WHERE tgname LIKE %s AND tgenabled <> 'D'",
}


@dataclass(frozen=True)
class Guard:
    """The triggers of one table. `allowed` is a condition on OLD and NEW, in SQL that both kinds of
    database read, under which a row may be changed all the same; empty is never."""

    name: str  # how its triggers begin
    table: str
    refusal: str  # the sentence of the error; no quote in it
    allowed: str = ""

    def protect(self, line: BaseDatabaseWrapper) -> None:
        """Make the triggers; twice is the same as once."""
        _execute(line, self._made(line.vendor))

    def unprotect(self, line: BaseDatabaseWrapper) -> None:
        """Drop them. For a migration that must rewrite rows, and for tests; nothing else."""
        _execute(line, self._dropped(line.vendor))

    def protected(self, line: BaseDatabaseWrapper) -> bool:
        """Whether all of them are there."""
        with line.cursor() as cursor:
            cursor.execute(_FOUND[line.vendor], [f"{self.name}%"])
            return bool(cursor.fetchone()[0] == 2)

    def protect_after_migrate(self, using: str, **kwargs: object) -> None:
        """A receiver of `post_migrate`: once the table is there."""
        line = connections[using]
        if self.table in line.introspection.table_names() and not self.protected(line):
            self.protect(line)

    def _made(self, vendor: str) -> list[str]:
        if vendor == "sqlite":
            refuse = f"BEGIN SELECT RAISE(ABORT, '{self.refusal}'); END"
            # NULL, as of a comparison with nothing, is no yes.
            when = f"WHEN ({self.allowed}) IS NOT TRUE" if self.allowed else ""
            return [
                f"CREATE TRIGGER IF NOT EXISTS {self.name}_update BEFORE UPDATE ON {self.table} "
                f"{when} {refuse}",
                f"CREATE TRIGGER IF NOT EXISTS {self.name}_delete BEFORE DELETE ON {self.table} "
                f"{refuse}",
            ]
        unless = (
            f"IF TG_OP = 'UPDATE' THEN IF {self.allowed} THEN RETURN NEW; END IF; END IF;"
            if self.allowed
            else ""
        )
        return [
            f"CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN {unless} RAISE EXCEPTION '{self.refusal}' "
            "USING ERRCODE = 'restrict_violation'; END $$",
            f"CREATE OR REPLACE TRIGGER {self.name} BEFORE UPDATE OR DELETE ON {self.table} "
            f"FOR EACH ROW EXECUTE FUNCTION {self.name}()",
            f"CREATE OR REPLACE TRIGGER {self.name}_truncate BEFORE TRUNCATE ON {self.table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {self.name}()",
        ]

    def _dropped(self, vendor: str) -> list[str]:
        if vendor == "sqlite":
            return [f"DROP TRIGGER IF EXISTS {self.name}_{verb}" for verb in ("update", "delete")]
        return [
            f"DROP TRIGGER IF EXISTS {self.name} ON {self.table}",
            f"DROP TRIGGER IF EXISTS {self.name}_truncate ON {self.table}",
        ]


def _execute(line: BaseDatabaseWrapper, statements: list[str]) -> None:
    with line.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
