"""The database of a storm: SQLite in the data folder, or a PostgreSQL database of its own whose
backends can be ended.

A PostgreSQL comes from the server that DATABASE_URL names (its user may create databases), or from
the binaries of this machine, as a cluster of our own in a folder that goes away.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.crew import Part

USER = "footlight"
STAND = "select state, count(*) from jobs_job group by state"
# Accounts that wait for a comparison, and jobs that wait for a person's decision.
WAITING = "select count(*) from jobs_account where reconcile_from is not null"
UNDECIDED = "select count(*) from jobs_job where state = 'uncertain' and code = 'several-tasks'"
TITLES = "select title from jobs_job where not adopted and model <> 'animate-anyone-template-gen2'"
LATEST = "select coalesce(max(id), 0) from jobs_attempt"


def binaries() -> Path | None:
    """The newest folder with `initdb` and `postgres`; None when there is none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: (len(folder.parent.name), folder.parent.name),
        reverse=True,
    )
    on_path = shutil.which("initdb")
    folders = [*found, *([Path(on_path).resolve().parent] if on_path else [])]
    return next(
        (
            folder
            for folder in folders
            if (folder / "initdb").exists() and (folder / "postgres").exists()
        ),
        None,
    )


def given() -> str:
    """The PostgreSQL server that the environment names; "" when it names none."""
    url = os.environ.get("DATABASE_URL", "")
    return url if url.startswith(("postgres://", "postgresql://")) else ""


def postgres_possible() -> bool:
    return bool(given()) or binaries() is not None


class Database:
    """What a storm asks of the database of a site, whichever it is."""

    def rows(self, sql: str) -> list[Any]:
        """What `sql` finds. Raises Away when the database does not answer."""
        raise NotImplementedError

    def stand(self) -> dict[str, int]:
        """Jobs by state; {} when the database does not answer."""
        try:
            return dict(self.rows(STAND))
        except Away:
            return {}

    def count(self, sql: str) -> int:
        """The number that `sql` finds; 0 when the database does not answer."""
        try:
            return int(self.rows(sql)[0][0])
        except Away:
            return 0

    def titles(self) -> set[str]:
        """Of all that was ordered."""
        return {row[0] for row in self.rows(TITLES)}

    def latest_attempt(self) -> int:
        return int(self.rows(LATEST)[0][0])


class Away(Exception):
    """The database does not answer now."""


class SQLite(Database):
    """The file in DATA_DIR; it has no backends."""

    name, url, part = "sqlite", "", None

    def __init__(self, data: Path) -> None:
        self.file = data / "footlight.sqlite3"
        self.kept = data / "copy.sqlite3"

    def rows(self, sql: str) -> list[Any]:
        try:
            with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=5)) as line:
                return line.execute(sql).fetchall()
        except sqlite3.OperationalError as error:
            raise Away(str(error)) from None

    def up(self) -> None:
        """Nothing to start."""

    def copy(self) -> None:
        """Keep it as it is now, while everything goes on."""
        self.kept.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.file, timeout=60)) as line:
            line.execute("vacuum into ?", (str(self.kept),))

    def restore(self) -> None:
        """It is as it was at the copy. Nobody is connected."""
        for ending in ("-wal", "-shm"):
            self.file.with_name(self.file.name + ending).unlink(missing_ok=True)
        shutil.copyfile(self.kept, self.file)

    def end_a_backend(self, dice: random.Random) -> str:
        return ""

    def down(self) -> None:
        """It goes with its folder."""


class PostgreSQL(Database):
    """A database of our own; `part` is the server when it is ours too, and not that of `first`."""

    name = "postgres"

    def __init__(self, logs: Path, kept: Path, first: PostgreSQL | None = None) -> None:
        self.database = f"storm_{secrets.token_hex(4)}"
        self.part: Part | None = None
        self.folder: Path | None = None
        self.kept = kept
        server: str = given() or (first.admin if first is not None else "")
        if not server:
            server = self._cluster(logs)
        parts = urlsplit(server)
        self.admin: str = server
        self.url = parts._replace(path=f"/{self.database}").geturl()

    def _cluster(self, logs: Path) -> str:
        bins = binaries()
        assert bins is not None, "no PostgreSQL: set DATABASE_URL or install it"
        # The server refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="storm-pg-"))
        if user:
            shutil.chown(self.folder, user, user)
        data = self.folder / "data"
        words = [
            str(bins / "initdb"),
            "-D",
            str(data),
            "-U",
            USER,
            "--auth=trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run(words, check=True, capture_output=True, user=user, cwd=self.folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = [
            str(bins / "postgres"),
            "-D",
            str(data),
            "-p",
            str(port),
            "-c",
            "listen_addresses=127.0.0.1",
            "-k",
            str(self.folder),
        ]
        words += ["-c", "max_connections=200"]
        self.part = Part("postgres", words, dict(os.environ), logs, user=user)
        return f"postgres://{USER}@127.0.0.1:{port}/postgres"

    def _connect(self, url: str = "") -> Any:
        import psycopg

        return psycopg.connect(url or self.admin, autocommit=True, connect_timeout=5)

    def rows(self, sql: str) -> list[Any]:
        import psycopg

        try:
            with self._connect(self.url) as line:
                return list(line.execute(sql).fetchall())
        except psycopg.OperationalError as error:
            raise Away(str(error)) from None

    def copy(self) -> None:
        """Keep it as it is now, while everything goes on."""
        _program("pg_dump", "--format=custom", f"--file={self.kept}", self.url)

    def restore(self) -> None:
        """It is as it was at the copy; who is connected is thrown out."""
        with self._connect() as line:
            line.execute(f"drop database if exists {self.database} with (force)")
            line.execute(f"create database {self.database}")
        _program("pg_restore", "--exit-on-error", f"--dbname={self.url}", str(self.kept))

    def up(self) -> None:
        """Start the server if it is ours, and make the database."""
        import psycopg

        if self.part is not None:
            self.part.start()
        end = time.monotonic() + 60
        while True:
            try:
                with self._connect() as line:
                    line.execute(f"create database {self.database}")
                return
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def end_a_backend(self, dice: random.Random) -> str:
        """End one connection to our database: mostly by word, and sometimes (when the server is
        ours) with -9, after which the whole server recovers. What was done: "backend", "backend -9"
        or "" when there was nobody."""
        import psycopg

        try:
            with self._connect() as line:
                pids = [
                    row[0]
                    for row in line.execute(
                        "select pid from pg_stat_activity where datname = %s", (self.database,)
                    )
                ]
                if not pids:
                    return ""
                victim = dice.choice(pids)
                if self.part is not None and dice.random() < 0.15:
                    os.kill(victim, signal.SIGKILL)
                    return "backend -9"
                line.execute("select pg_terminate_backend(%s)", (victim,))
                return "backend"
        except (psycopg.OperationalError, ProcessLookupError):
            return ""

    def down(self) -> None:
        """The database and, when it is ours, the server are gone."""
        import psycopg

        if self.part is None:
            try:
                with self._connect() as line:
                    line.execute(f"drop database if exists {self.database} with (force)")
            except psycopg.OperationalError as error:
                print(f"{self.database} is left behind: {error}")
            return
        self.part.stop()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def _program(name: str, *words: str) -> None:
    bins = binaries()
    path = str(bins / name) if bins is not None else name
    done = subprocess.run([path, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{name}: {done.stderr[-1000:]}"


def make(
    name: str, data: Path, logs: Path, first: SQLite | PostgreSQL | None = None
) -> SQLite | PostgreSQL:
    """The database `name` ("sqlite" or "postgres") of a site in `data`, not started yet; on the
    server of that of the `first` site."""
    if name != "postgres":
        return SQLite(data)
    return PostgreSQL(logs, data / "copy.dump", first if isinstance(first, PostgreSQL) else None)
