"""Many processes order against one budget at the same moment: what is held is exactly what fits,
on both databases."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction

from jobs.billing import balances, budget, ledger, prices
from jobs.catalogue import entries
from jobs.models import Budget, Job, LedgerEntry, LimitWarning
from jobs.orders import create, insert_job
from jobs.orders.order_request import OrderRequest
from studio.config import sqlite_wal
from studio.models import Team, User
from studio.models.mail import Mail
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


def process(work: Callable[[], object], file: Path, start: Any, ends: Any) -> None:
    """One process: 0 has held, 1 had no room, 2 failed."""
    end = 2
    try:
        on(file)  # a connection of its own, never the one of who started it
        connections["default"].ensure_connection()
        start.wait(120)
        work()
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


def ends_of(number: int, file: Path, work: Callable[[], object]) -> list[int]:
    """How `number` processes ended that did `work` at once."""
    connections.close_all()
    start, ends = FORK.Barrier(number), FORK.Queue()
    crowd = [FORK.Process(target=process, args=(work, file, start, ends)) for _ in range(number)]
    for one in crowd:
        one.start()
    said = [ends.get(timeout=300) for _ in crowd]
    for one in crowd:
        one.join(30)
    return sorted(said)


def standing(file: Path) -> Any:
    """Jobs, holds, differences of the balances, warnings and mails, as a process of its own reads
    them."""
    ends = FORK.Queue()
    last = FORK.Process(target=held, args=(file, ends))
    last.start()
    found = ends.get(timeout=60)
    last.join(30)
    return found


def held(file: Path, ends: Any) -> None:
    on(file)
    holds = list(LedgerEntry.objects.values_list("held", flat=True))
    lacking = [lacks for *_, lacks in balances.differences()]
    rows = list(LimitWarning.objects.values_list("member", "level"))
    ends.put((Job.objects.count(), holds, lacking, set(rows), len(rows), Mail.objects.count()))
    ends.close()
    ends.join_thread()
    os._exit(0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("period", ["month", "day"])
def test_64_processes_never_pass_one_limit(
    tmp_path: Path,
    team: Team,
    creator: User,
    owner: User,
    period: str,
    settings: Any,
) -> None:
    """And each level of it is told once: here 50, 80 and 100 % of the team's and 50 and 80 % of the
    person's, in mails to the owner and the person."""
    settings.EMAIL_BACKEND = "studio.mail.backend.Backend"  # as a site has it, not a test
    account = makers.account(team)
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    insert_job.lane_for(account, "emo-v1")
    files = {"image_url": portrait, "audio_url": speech}
    wish = OrderRequest(team, creator, "emo-v1", files, {"ratio": "1:1"}, account=account)
    # One millionth too little for the next one, so that an exact fit is at the edge.
    Budget.objects.create(team=team, period=period, micros=FIT * 45_876)
    own = (FIT + 1) * 45_876 - 1
    Budget.objects.create(team=team, member=creator, period=period, micros=own)
    file = tmp_path / "many.sqlite3"
    if connection.vendor == "sqlite":
        move_to(file)
    fits = [0] * FIT + [1] * (PROCESSES - FIT)
    assert ends_of(PROCESSES, file, lambda: create.create(wish)) == fits
    told = {(None, level) for level in (50, 80, 100)} | {(creator.pk, level) for level in (50, 80)}
    assert standing(file) == (FIT, [45_876] * FIT, [], told, 5, 2 * 5)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.django_db(transaction=True)
def test_a_hold_and_its_test_are_one_step(
    tmp_path: Path, team: Team, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that look for room at the same moment must not both find it."""
    check = makers.check(makers.asset(team), makers.account(team), asked_by=creator)
    quote = prices.quote(entries.get(check.model), "", Decimal(1), currency=team.currency)
    Budget.objects.create(team=team, micros=quote.micros)
    file = tmp_path / "two.sqlite3"
    if connection.vendor == "sqlite":
        move_to(file)
    both, attempts = FORK.Barrier(2), FORK.Value("i", 0)
    look = ledger.require_room

    def look_together(*words: Any) -> object:
        found = look(*words)
        with suppress(threading.BrokenBarrierError):
            both.wait(2)  # nobody else comes while this one has the lock
        return found

    def hold() -> None:
        with attempts.get_lock():
            attempts.value += 1
            attempt = attempts.value
        with transaction.atomic():
            ledger.hold(check, quote, team, creator, attempt)

    monkeypatch.setattr(ledger, "require_room", look_together)
    assert ends_of(2, file, hold) == [0, 1]
    assert standing(file)[:3] == (0, [quote.micros], [])
