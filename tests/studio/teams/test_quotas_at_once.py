"""Limits of teams and edits, asked for at once: one takes the last place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from studio.files import edit_queue
from studio.models import Asset, Team, User
from studio.teams import quotas
from tests import makers


@pytest.fixture
def limits(settings: Any) -> dict[str, int | None]:
    settings.QUOTAS = dict.fromkeys(settings.QUOTAS)
    return settings.QUOTAS  # type: ignore[no-any-return]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="threads share PostgreSQL; SQLite’s database in memory belongs to one connection",
)
def test_of_teams_and_edits_that_are_asked_for_at_once_one_takes_the_last_place(
    team: Team,
    creator: User,
    limits: dict[str, int | None],
    client_of: Callable[[User], Client],
) -> None:
    limits["EDITS_PER_PERSON"], limits["TEAMS_PER_PERSON"] = 1, 1
    video = makers.asset(team, kind=Asset.Kind.VIDEO)
    start = threading.Barrier(6)
    clients = [client_of(creator) for _ in range(6)]

    def ask(n: int) -> bool:
        try:
            start.wait(20)
            clients[n].post("/teams/new/", {"name": f"Team {n}", "currency": "USD"})
            edit_queue.ask(video, {"op": "cut", "n": n}, creator)
        except quotas.OverQuota:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(ask, range(6)))
    assert sum(taken) == quotas.open_edits(creator) == 1
    assert quotas.owned_teams(creator) == 1
