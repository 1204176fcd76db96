"""How connections are made: which process asks, what PostgreSQL is told, and what the address may
change."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from studio.config import databases, env

SQLITE: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/venv/lib/uvicorn/__main__.py", "studio.asgi:application"], "web"),
        (["/venv/lib/django/__main__.py", "web", "--port", "8000"], "web"),
        (["manage.py", "web"], "web"),
        (["/venv/bin/gunicorn", "studio.wsgi"], "web"),
        (["manage.py", "runserver"], "web"),
        (["manage.py", "worker", "--shifts", "2"], "worker"),
        (["/venv/lib/django/__main__.py", "worker", "--queue", "shifts"], "worker"),
        (["manage.py", "migrate"], "migrate"),
        (["manage.py"], "manage"),
        (["/venv/lib/pytest/__main__.py", "-x"], "pytest"),
        ([], ""),
    ],
)
def test_a_process_is_known_by_its_command(argv: list[str], name: str) -> None:
    assert databases.process_name(argv) == name


def _read(monkeypatch: pytest.MonkeyPatch, url: str, *argv: str) -> dict[str, Any]:
    monkeypatch.setenv("DATABASE_URL", url)
    return databases.connections(env.database(""), argv or ["manage.py", "worker"])


def test_postgres_is_told_what_to_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _read(monkeypatch, "postgres://me:s%40cret@db.example.com:5433/videos")
    assert (found["HOST"], found["PORT"], found["USER"], found["PASSWORD"], found["NAME"]) == (
        "db.example.com",
        5433,
        "me",
        "s@cret",
        "videos",
    )
    assert (found["CONN_MAX_AGE"], found["CONN_HEALTH_CHECKS"]) == (None, True)
    assert found["OPTIONS"]["application_name"] == "footlight worker"
    told = found["OPTIONS"]["options"]
    assert "-c idle_in_transaction_session_timeout=60000" in told
    assert "-c lock_timeout=15000" in told
    assert "-c statement_timeout=30000" in told


def test_a_command_of_a_person_takes_the_time_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _read(monkeypatch, "postgres://db/videos", "manage.py", "migrate")["OPTIONS"]["options"]
    assert "idle_in_transaction" in told
    assert "statement_timeout" not in told
    assert "lock_timeout" not in told


def test_the_address_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    options = _read(
        monkeypatch,
        "postgres://db/videos?sslmode=require&connect_timeout=2&options=-c%20lock_timeout%3D1s",
    )["OPTIONS"]
    assert options["sslmode"] == "require"
    assert str(options["connect_timeout"]) == "2"
    assert options["options"].endswith(" -c lock_timeout=1s"), "PostgreSQL takes the last one"


def test_sqlite_owns_its_transactions_and_survives_a_power_cut() -> None:
    options = databases.connections(SQLITE, ["manage.py", "worker"])["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=EXTRA" in options["init_command"]
    assert (
        databases.connections(SQLITE | {"OPTIONS": {"timeout": 5}}, [])["OPTIONS"]["timeout"] == 5
    )


def test_other_databases_are_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ImproperlyConfigured,
        match=r"“mysql”; Footlight works with PostgreSQL \(postgres://…\) and SQLite",
    ):
        databases.connections({"ENGINE": "django.db.backends.mysql"}, [])
    monkeypatch.setattr(databases, "find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match="pip install 'footlight\\[postgres\\]'"):
        databases.connections({"ENGINE": "django.db.backends.postgresql"}, [])
