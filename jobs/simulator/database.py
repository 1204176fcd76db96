"""What the service remembers: tasks, the bill, templates and uploads, in one small SQLite file that
survives a kill -9.

A task's end and its line on the bill are one transaction, so it is never finished unbilled nor
billed twice.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = """
create table if not exists meta (name text primary key, value text not null);
create table if not exists task (
    seq integer primary key autoincrement, task_id text not null unique, request_id text not null,
    account text not null, api_key text not null,
    model text not null, body text not null, status text not null, created_ms integer not null,
    scheduled_ms integer, end_ms integer,
    code text not null default '', message text not null default '',
    result text not null default '', usage text not null default '{}',
    fail_code text not null default '');
create index if not exists task_account on task (account, created_ms);
create index if not exists task_status on task (status);
create table if not exists bill (
    seq integer primary key autoincrement, account text not null, subject text not null unique,
    model text not null, units text not null,
    variant text not null, micros integer not null);
create table if not exists template (template_id text primary key, account text not null,
    file text not null);
create table if not exists policy (folder text primary key, account text not null,
    model text not null, expires_ms integer not null);
create table if not exists upload (
    object_key text primary key, account text not null, model text not null,
    content_type text not null,
    file text not null, created_ms integer not null);
"""

WAITING = "PENDING"
WORKING = ("PRE-PROCESSING", "RUNNING", "POST-PROCESSING")
OVER = ("SUCCEEDED", "FAILED", "CANCELED")


def now_ms() -> int:
    return int(time.time() * 1000)


@dataclass(frozen=True, slots=True)
class Task:
    """One task. Times in epoch milliseconds, None when not reached. `body` is the request as it
    came."""

    task_id: str
    request_id: str
    account: str
    api_key: str
    model: str
    body: dict[str, Any]
    status: str
    created_ms: int
    scheduled_ms: int | None = None
    end_ms: int | None = None
    code: str = ""
    message: str = ""
    result: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    fail_code: str = ""

    @property
    def lane(self) -> tuple[str, str]:
        return self.account, self.model


class BillLine(NamedTuple):
    """What one task or check was billed: `units` in seconds or images, `price` in millionths of a
    US dollar."""

    account: str
    subject: str
    model: str
    units: Decimal
    variant: str
    price: int


class Upload(NamedTuple):
    account: str
    model: str
    content_type: str
    file: str
    created_ms: int


_COLUMNS = (
    "task_id, request_id, account, api_key, model, body, status, created_ms, scheduled_ms, "
    "end_ms, code, message, result, usage, fail_code"
)


def _task(row: Sequence[Any]) -> Task:
    values = list(row)
    values[5], values[13] = json.loads(values[5]), json.loads(values[13])
    return Task(*values)


class Database:
    """The file. Every method is safe from any thread; what one method writes is written whole or
    not at all."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        path.chmod(0o600)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute(
            "pragma synchronous=normal"
        )  # a killed process loses nothing; only a power cut could
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def secret(self) -> bytes:
        """The key that signs result addresses and upload policies; the same after a restart."""
        with self._change() as db:
            db.execute("insert or ignore into meta values ('secret', ?)", (secrets.token_hex(32),))
        return bytes.fromhex(self._all("select value from meta where name = 'secret'")[0][0])

    # ── tasks ──

    def create(self, task: Task) -> None:
        values = (
            task.task_id,
            task.request_id,
            task.account,
            task.api_key,
            task.model,
            json.dumps(task.body),
            task.status,
            task.created_ms,
        )
        with self._change() as db:
            db.execute(
                "insert into task (task_id, request_id, account, api_key, model, body, status, "
                "created_ms, fail_code) values (?,?,?,?,?,?,?,?,?)",
                (*values, task.fail_code),
            )

    def tasks(self, where: str = "1", values: Sequence[Any] = (), order: str = "seq") -> list[Task]:
        """Tasks by an own SQL condition; `values` fill its question marks."""
        return [
            _task(row)
            for row in self._all(
                f"select {_COLUMNS} from task where {where} order by {order}",  # noqa: S608
                values,
            )
        ]

    def count(self, where: str, values: Sequence[Any]) -> int:
        return int(self._all(f"select count(*) from task where {where}", values)[0][0])  # noqa: S608

    def task(self, task_id: str) -> Task | None:
        found = self.tasks("task_id = ?", (task_id,))
        return found[0] if found else None

    def move(
        self, task_id: str, old: Sequence[str], new: str, *, scheduled_ms: int | None = None
    ) -> bool:
        """Change the status if it is one of `old`; False when somebody else was first."""
        with self._change() as db:
            marks = ",".join("?" * len(old))
            changed = db.execute(
                "update task set status = ?, scheduled_ms = coalesce(scheduled_ms, ?) where "  # noqa: S608
                f"task_id = ? and status in ({marks})",
                (new, scheduled_ms, task_id, *old),
            )
            return changed.rowcount == 1

    def cancel(self, task_id: str) -> bool:
        with self._change() as db:
            changed = db.execute(
                "update task set status = 'CANCELED', end_ms = ? where task_id = ? and status = "
                "'PENDING'",
                (now_ms(), task_id),
            )
            return changed.rowcount == 1

    def fail(self, task_id: str, code: str, message: str) -> None:
        with self._change() as db:
            db.execute(
                "update task set status = 'FAILED', end_ms = ?, code = ?, message = ? where "
                "task_id = ? and end_ms is null",
                (now_ms(), code, message, task_id),
            )

    def succeed(
        self, task: Task, result: str, usage: dict[str, Any], line: BillLine, template: str = ""
    ) -> bool:
        """End a task, bill it and keep its template (`template`: its video file), all or
        nothing."""
        with self._change() as db:
            changed = db.execute(
                "update task set status = 'SUCCEEDED', end_ms = ?, result = ?, usage = ? where "
                "task_id = ? and end_ms is null",
                (now_ms(), result, json.dumps(usage), task.task_id),
            )
            if changed.rowcount != 1:
                return False
            self._charge(db, line)
            if template:
                db.execute(
                    "insert into template values (?, ?, ?)", (result, task.account, template)
                )
            return True

    # ── the bill ──

    @staticmethod
    def _charge(db: sqlite3.Connection, line: BillLine) -> None:
        db.execute(
            "insert into bill (account, subject, model, units, variant, micros) values (?, ?, ?, "
            "?, ?, ?)",
            (line.account, line.subject, line.model, str(line.units), line.variant, line.price),
        )

    def charge(self, line: BillLine) -> None:
        with self._change() as db:
            self._charge(db, line)

    def bill(self) -> list[BillLine]:
        rows = self._all(
            "select account, subject, model, units, variant, micros from bill order by seq"
        )
        return [BillLine(a, s, m, Decimal(u), v, p) for a, s, m, u, v, p in rows]

    # ── templates and uploads ──

    def template(self, template_id: str, account: str) -> str | None:
        """The file behind a template of this very account; None for a stranger's."""
        rows = self._all(
            "select file from template where template_id = ? and account = ?",
            (template_id, account),
        )
        return str(rows[0][0]) if rows else None

    def add_policy(self, folder: str, account: str, model: str, expires_ms: int) -> None:
        with self._change() as db:
            db.execute(
                "insert into policy values (?, ?, ?, ?)", (folder, account, model, expires_ms)
            )

    def policy(self, folder: str) -> tuple[str, str, int] | None:
        """(account, model, expires in epoch ms) of an upload folder."""
        rows = self._all(
            "select account, model, expires_ms from policy where folder = ?", (folder,)
        )
        return tuple(rows[0]) if rows else None

    def add_upload(self, object_key: str, upload: Upload) -> bool:
        """False when the key is taken: nothing is overwritten."""
        with self._change() as db:
            return (
                db.execute(
                    "insert or ignore into upload values (?, ?, ?, ?, ?, ?)", (object_key, *upload)
                ).rowcount
                == 1
            )

    def upload(self, object_key: str) -> Upload | None:
        rows = self._all(
            "select account, model, content_type, file, created_ms from upload where object_key = "
            "?",
            (object_key,),
        )
        return Upload(*rows[0]) if rows else None
