"""All processes of a site go by the database's clock, and by what the service's clock says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from studio.common import clock


class Connection:
    """Of a database whose clock is `ahead` seconds; counts what it is asked."""

    vendor = "postgresql"

    def __init__(self, ahead: float) -> None:
        self.ahead, self.asked = ahead, 0

    def cursor(self) -> Connection:
        return self

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        assert "clock_timestamp()" in sql, "now() stands still within a transaction"
        self.asked += 1

    def fetchone(self) -> tuple[float]:
        return (time.time() + self.ahead,)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    found = Connection(95.0)
    monkeypatch.setattr(clock, "connection", found)
    clock.forget()
    yield found
    clock.forget()


def off(moment: datetime) -> float:
    return (moment - datetime.now(UTC)).total_seconds()


def test_it_is_the_databases_time(database: Connection) -> None:
    assert off(clock.now()) == pytest.approx(95, abs=0.5)
    clock.now()
    assert database.asked == 1, "it is asked once in a while"


def test_it_is_measured_again_after_a_while(
    database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.now()
    database.ahead = 5.0
    counter = clock._counter
    monkeypatch.setattr(clock, "_counter", lambda: counter() + clock.FRESH + 1)
    monkeypatch.setattr(clock, "_lead", lambda: time.time() - counter())
    assert off(clock.now()) == pytest.approx(5, abs=0.5)


def test_a_clock_that_jumps_is_measured_again_at_once(
    database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine's clock is put forward by five minutes; the database's is not."""
    clock.now()
    real, wall = time.time, datetime.now
    monkeypatch.setattr("time.time", lambda: real() + 300)
    monkeypatch.setattr(timezone, "now", lambda: wall(UTC) + timedelta(seconds=300))
    database.ahead = 95.0 - 300
    assert off(clock.now()) == pytest.approx(95, abs=0.5)


def test_sqlite_is_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection(95.0)
    connection.vendor = "sqlite"
    monkeypatch.setattr(clock, "connection", connection)
    assert off(clock.now()) == pytest.approx(0, abs=0.5)
    assert connection.asked == 0


def test_a_services_clock_is_compared_with_the_databases(database: Connection) -> None:
    clock.now()
    clock.heard("service.test", datetime.now(UTC) + timedelta(seconds=75), 0.0)
    found = clock.ahead("service.test")
    assert found is not None
    assert found.total_seconds() == pytest.approx(-20, abs=1)
    assert clock.ahead("other.test") is None


@pytest.mark.parametrize("written", [0.0, 25.0])
def test_a_slow_answer_is_not_taken_for_a_wrong_clock(database: Connection, written: float) -> None:
    """It took 25 s, as a check may, and its Date is from the beginning or the end of them."""
    clock.now()
    there = clock.now() - timedelta(seconds=25 - written)
    clock.heard("service.test", there, 25.0)
    assert clock.ahead("service.test") is None
    clock.heard("service.test", clock.now(), 0.2)
    clock.heard("service.test", there, 25.0)
    ahead = clock.ahead("service.test")
    assert ahead is not None
    assert abs(ahead) < clock.TOLERATED, "what was heard before stays"


def test_what_a_service_said_long_ago_is_not_known(
    database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.heard("service.test", datetime.now(UTC), 0.0)
    counter = clock._counter
    monkeypatch.setattr(clock, "_counter", lambda: counter() + clock.SAID + 1)
    assert clock.ahead("service.test") is None
