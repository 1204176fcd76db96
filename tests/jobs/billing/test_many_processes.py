"""Many processes order against one budget at the same moment: what is held is exactly what fits,
on both databases."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import traceback
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from jobs.billing import balances, budget
from jobs.models import Budget, Job, LedgerEntry
from jobs.orders import create, insert_job
from jobs.orders.order_request import OrderRequest
from studio.config import sqlite_wal
from studio.models import Team, User
from tests import makers

PROCESSES = 64
FIT = 20
FORK = multiprocessing.get_context("fork")


def move_to(file: Path) -> None:
    """SQLite's tests live in memory, which no two processes share: go on in a copy on disk."""
    connection.ensure_connection()
    with sqlite3.connect(file) as copy:
        connection.connection.backup(copy)
    copy.close()
    sqlite_wal.set_wal(str(file))


def on(file: Path) -> None:
    mine = connections["default"].copy()
    if connection.vendor == "sqlite":
        mine.settings_dict["NAME"] = str(file)
    connections["default"] = mine


def click(wish: OrderRequest, file: Path, start: Any, ends: Any) -> None:
    """One process: 0 has ordered, 1 had no room, 2 failed."""
    end = 2
    try:
        on(file)  # a connection of its own, never the one of who started it
        connections["default"].ensure_connection()
        start.wait(120)
        create.create(wish)
        end = 0
    except budget.OverBudget:
        end = 1
    except BaseException:
        traceback.print_exc()
    finally:
        ends.put(end)
        ends.close()
        ends.join_thread()
        os._exit(0)


def held(file: Path, ends: Any) -> None:
    on(file)
    holds = list(LedgerEntry.objects.values_list("held", flat=True))
    ends.put((Job.objects.count(), holds, [lacks for *_, lacks in balances.differences()]))
    ends.close()
    ends.join_thread()
    os._exit(0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.django_db(transaction=True)
def test_64_processes_never_pass_one_limit(tmp_path: Path, team: Team, creator: User) -> None:
    account = makers.account(team)
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    insert_job.lane_for(account, "emo-v1")
    files = {"image_url": portrait, "audio_url": speech}
    wish = OrderRequest(team, creator, "emo-v1", files, {"ratio": "1:1"}, account=account)
    # One millionth too little for the next one, so that an exact fit is at the edge.
    Budget.objects.create(team=team, micros=FIT * 45_876)
    Budget.objects.create(team=team, member=creator, micros=(FIT + 1) * 45_876 - 1)
    file = tmp_path / "many.sqlite3"
    if connection.vendor == "sqlite":
        move_to(file)
    start, ends = FORK.Barrier(PROCESSES), FORK.Queue()
    crowd = [FORK.Process(target=click, args=(wish, file, start, ends)) for _ in range(PROCESSES)]
    for process in crowd:
        process.start()
    said = [ends.get(timeout=300) for _ in crowd]
    for process in crowd:
        process.join(30)
    assert sorted(said) == [0] * FIT + [1] * (PROCESSES - FIT)
    last = FORK.Process(target=held, args=(file, ends))
    last.start()
    assert ends.get(timeout=60) == (FIT, [45_876] * FIT, [])
    last.join(30)
