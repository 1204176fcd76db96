"""How fast we may call, shared through Redis and alone without it."""

from __future__ import annotations

import time

import pytest
from redis.exceptions import RedisError

from jobs.accounts import rate_limit


def test_a_second_holds_only_so_many(redis: str) -> None:
    taken = sum(rate_limit.take(1, "submit", model="emo-v1", rate=5, patience=0) for _ in range(10))
    assert taken == 4, "one below what the contract allows"
    assert rate_limit.take(2, "submit", model="emo-v1", rate=5, patience=0), (
        "another connection has a pace of its own"
    )
    assert rate_limit.take(1, "submit", model="animate-anyone-gen2", rate=5, patience=0), (
        "and so has another model"
    )


def test_who_waits_gets_a_place(redis: str) -> None:
    for _ in range(4):
        rate_limit.take(3, "submit", model="emo-v1", rate=5)
    began = time.monotonic()
    assert rate_limit.take(3, "submit", model="emo-v1", rate=5, patience=10)
    assert time.monotonic() - began > 0.2


def test_without_redis_this_process_keeps_the_pace_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        rate_limit, "_alone", rate_limit.MovingWindowRateLimiter(rate_limit.MemoryStorage())
    )
    assert (
        sum(rate_limit.take(4, "list", patience=0) for _ in range(30))
        == rate_limit.PER_SECOND["list"] // rate_limit.ALONE
    ), "others may be alone too"
    assert sum(rate_limit.take(5, "submit", rate=1, patience=0) for _ in range(3)) == 1, (
        "slow, and never stopped"
    )


def test_a_redis_that_does_not_answer_is_not_asked_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    class Away:
        def hit(self, *names: object) -> bool:
            asked.append(names)
            raise RedisError("away")

    monkeypatch.setattr(rate_limit, "_shared", lambda url: Away())
    monkeypatch.setattr(rate_limit, "_away_until", 0.0)
    assert rate_limit.take(6, "list")
    assert rate_limit.take(6, "list")
    assert len(asked) == 1
