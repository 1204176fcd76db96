"""Who has a page open, as web and workers tell each other."""

from __future__ import annotations

import time

import pytest

from jobs.common import presence


def test_who_was_noted_is_here_for_a_while(redis: object, monkeypatch: pytest.MonkeyPatch) -> None:
    presence.note({7, 8})
    assert presence.is_here(7)
    assert not presence.is_here(9)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + presence.HERE_FOR + 1)
    assert not presence.is_here(7)
    presence.note({9})
    assert presence.is_here(9)


def test_without_redis_nobody_is_known_to_be_here() -> None:
    presence.note({7})
    assert not presence.is_here(7)
