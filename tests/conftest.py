"""The cast. Aiko owns the team, Ben is its admin, Chidi creates, Dora only looks, and Sven knows
nobody here."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.account.internal.flows import login as login_flow
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache, caches
from django.db import connection, transaction
from django.db.backends.base.operations import BaseDatabaseOperations
from django.test import Client, override_settings
from django.utils.crypto import get_random_string
from redis import Redis
from redis.exceptions import RedisError

from jobs.billing import append_only
from jobs.common import call_metrics
from studio.local import redis_server
from studio.local.ports import any_free_port
from studio.models import Membership, Role, Team, User
from studio.models.audit import GUARDS
from tests import makers
from tests.service import Service, uses

METHODS = login_flow.AUTHENTICATION_METHODS_SESSION_KEY
METHODS_OF = login_flow._AUTHENTICATION_METHODS_USER_SESSION_KEY
# A test that asks for none of these has no connection, so the kind of database makes no difference
# to it.
DATABASE_FIXTURES = {
    "db",
    "transactional_db",
    "live_server",
    "django_db_serialized_rollback",
    "django_db_reset_sequences",
}
LEFT_OUT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="only tests that use the database: for a second run on another kind of it",
    )


def uses_database(item: pytest.Item) -> bool:
    return item.get_closest_marker("django_db") is not None or not DATABASE_FIXTURES.isdisjoint(
        getattr(item, "fixturenames", ())
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database-only"):
        others = [item for item in items if not uses_database(item)]
        items[:] = [item for item in items if uses_database(item)]
        config.stash[LEFT_OUT] = len(others)
        config.hook.pytest_deselected(items=others)


def pytest_collection_finish() -> None:
    """Modules and collected tests live to the end, so the collector need not look at them again:
    every full collection would take most of a second."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    # Under xdist the tests are collected in other processes than the one that sums up.
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    terminalreporter.write_line(f"database: {connection.display_name}")
    if config.getoption("--database-only"):
        terminalreporter.write_line(
            f"--database-only left out {config.stash.get(LEFT_OUT, 0)} tests that ask for no "
            "database"
        )


COUNTS_ARE_WRITTEN = call_metrics.Counts._start


@pytest.fixture(scope="session", autouse=True)
def cheap_and_alone() -> Iterator[None]:
    """Nothing waits for the disk or a slow hash, and no Redis is asked unless the test brings one.

    The calls that one test counted are not written: they would reach the Redis of another, seconds
    later. `fsync` keeps what is written through a power cut, which no test lives through.
    """
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
            REDIS_URL="redis://127.0.0.1:1/0",
            WHITENOISE_AUTOREFRESH=True,  # or every client walks all static files
        ),
    ):
        patch.setattr(call_metrics.Counts, "_start", lambda counts, seconds: None)
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def emptied_ledger() -> Iterator[None]:
    """Between tests that commit, the tables are emptied: the one moment at which ledger and trail
    may lose entries. Within a test the database refuses it, as on a site."""
    flush = BaseDatabaseOperations.execute_sql_flush

    def unprotected(operations: BaseDatabaseOperations, sql_list: list[str]) -> None:
        with transaction.atomic(using=operations.connection.alias):
            for guard in (append_only.GUARD, *GUARDS):
                guard.unprotect(operations.connection)
            flush(operations, sql_list)
            for guard in (append_only.GUARD, *GUARDS):
                guard.protect(operations.connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", unprotected)
        yield


@pytest.fixture(autouse=True)
def own_counts() -> None:
    """Tries and limits that earlier tests of this process used up are none of this one's."""
    for each in caches.all(initialized_only=True):
        each.clear()
    cache.clear()


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path) -> Iterator[None]:
    """Every test stores into a folder of its own."""
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path / "files"), "base_url": None},
    }
    with override_settings(
        STORAGES=settings.STORAGES | {"default": storage}, FILE_UPLOAD_TEMP_DIR=tmp_path
    ):
        yield


@pytest.fixture
def team(db: object) -> Team:
    return Team.objects.create(name="Studio North", slug="north")


def _member(team: Team, name: str, role: Role) -> User:
    user = User.objects.create_user(
        f"{name}@example.com", "correct horse", first_name=name.capitalize()
    )
    Membership.objects.create(team=team, user=user, role=role)
    return user


@pytest.fixture
def owner(team: Team) -> User:
    return _member(team, "aiko", Role.OWNER)


@pytest.fixture
def admin(team: Team) -> User:
    return _member(team, "ben", Role.ADMIN)


@pytest.fixture
def creator(team: Team) -> User:
    return _member(team, "chidi", Role.CREATOR)


@pytest.fixture
def viewer(team: Team) -> User:
    return _member(team, "dora", Role.VIEWER)


@pytest.fixture
def stranger(db: object) -> User:
    user = User.objects.create_user("sven@example.com", "correct horse", first_name="Sven")
    Team.start("Evening Desk", user)
    return user


_INLINE = rb"(?:a|b|small|span|strong|time)\b"
_INDENT = rb"\s*\n\s*"


def one_line(html: bytes) -> bytes:
    """A page without the line breaks and indents of its templates, which no reader sees."""
    html = re.sub(rb"(?<=[^>\s])" + _INDENT + rb"(?=<" + _INLINE + rb")", b" ", html)
    between = rb"(</" + _INLINE + rb">)" + _INDENT + rb"(?=[^<\s]|<" + _INLINE + rb")"
    html = re.sub(between, rb"\1 ", html)
    html = re.sub(rb"(?<=>)" + _INDENT + rb"|" + _INDENT + rb"(?=<)", b"", html)
    return re.sub(_INDENT, b" ", html)


class OneLineClient(Client):
    """Answers with pages as `one_line` leaves them, so that tests do not depend on indents."""

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        plain = not response.streaming and "Content-Encoding" not in response
        if plain and response.get("Content-Type", "").startswith("text/html"):
            response.content = one_line(response.content)
        return response


def signed_in(client: Client, user: User) -> Client:
    """As by `client.force_login`, in one statement instead of fifteen."""
    store = SessionStore()
    session = store.get_model_class()(
        session_key=get_random_string(32),
        session_data=store.encode(
            {
                SESSION_KEY: str(user.pk),
                BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                HASH_SESSION_KEY: user.get_session_auth_hash(),
                # As after a real sign-in, “Is it you?” is not asked again for a while.
                METHODS: [{"method": "password", "at": time.time()}],
                METHODS_OF: str(user.pk),
            }
        ),
        expire_date=store.get_expiry_date(),
    )
    session.save(force_insert=True)
    # Noted as in use, as by a real sign-in: what a page costs is counted without the note that is
    # written every ten minutes.
    cache.set(f"seen:{session.session_key}", 1, 600)
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client


@pytest.fixture
def client() -> Client:
    return OneLineClient()


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    def make(user: User) -> Client:
        return signed_in(OneLineClient(), user)

    return make


@pytest.fixture
def account(team: Team) -> object:
    return makers.account(team)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A scripted Model Studio instead of the wire."""
    yield from uses(monkeypatch, Service())


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of our own, the one that the embedded stack starts."""
    folder = tmp_path_factory.mktemp("redis")
    at = redis_server.listening(folder, any_free_port)
    process = subprocess.Popen(redis_server.find().command(at, folder))
    client = Redis.from_url(at.url)
    for _ in range(200):
        try:
            client.ping()
            break
        except RedisError:
            time.sleep(0.02)
    yield at.url
    process.terminate()
    process.wait(5)


@pytest.fixture
def redis(redis_url: str, settings: object) -> str:
    """Bell and live updates work in this test."""
    settings.REDIS_URL = redis_url  # type: ignore[attr-defined]
    Redis.from_url(redis_url).flushall()
    return redis_url
