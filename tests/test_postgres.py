"""Many connections at once, and connections that die: what a database must do for us, and what we
must do for it.

What holds on every database is tried on both; SQLite's tests live in memory, so theirs get a file
of their own. What only a server can do (rows passed over, connections ended by it) is tried on
PostgreSQL.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, close_old_connections, connection, connections, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from jobs.billing import balances, budget, ledger, prices
from jobs.catalogue import entries
from jobs.engine import lane_lease, transitions, unseen_end
from jobs.management.commands.worker import Heartbeat
from jobs.models import Account, Budget, Check, Job, JobEvent, Lane, LedgerEntry
from jobs.modelstudio import NoAnswer, transport
from jobs.orders import adopted_job, create, insert_job
from jobs.orders.order_request import OrderRequest
from studio.common import leases
from studio.common.translatable import phrase
from studio.config import databases, sqlite_wal
from studio.models import Membership, Team, User
from tests import makers
from tests.service import done

T = TypeVar("T")
Crowd = Callable[[int, Callable[[int], T]], list[T]]
postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="needs PostgreSQL: DATABASE_URL=postgres://…"
)


@pytest.fixture
def crowd(transactional_db: None, tmp_path: Path) -> Crowd[Any]:
    """crowd(n, work): [work(0), …, work(n - 1)], run at the same moment in threads with a
    connection each."""
    file = tmp_path / "crowd.sqlite3"

    def own_connection() -> None:
        if connection.vendor == "sqlite":
            mine = connections["default"].copy()
            mine.settings_dict["NAME"] = str(file)
            connections["default"] = mine

    def run(count: int, work: Callable[[int], T]) -> list[T]:
        if connection.vendor == "sqlite" and not file.exists():
            connection.ensure_connection()
            with sqlite3.connect(file) as copy:
                connection.connection.backup(copy)
            copy.close()
            sqlite_wal.set_wal(str(file))  # as where a database is made
        start = threading.Barrier(count)

        def one(number: int) -> T:
            own_connection()
            try:
                connection.ensure_connection()
                start.wait(60)
                return work(number)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(one, range(count), timeout=120))

    return run


@pytest.fixture
def wish(transactional_db: None, team: Team, creator: User) -> OrderRequest:
    account = makers.account(team)
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    insert_job.lane_for(
        account, "emo-v1"
    )  # making it would keep all but one of many clicks waiting
    return OrderRequest(
        team,
        creator,
        "emo-v1",
        {"image_url": portrait, "audio_url": speech},
        {"ratio": "1:1"},
        account=account,
    )


# ── one of many ───────────────────────────────────────────────────────────────────────────────────


def test_each_lane_is_claimed_once(
    crowd: Crowd[list[int]], transactional_db: None, team: Team
) -> None:
    now = timezone.now()
    doors = [(makers.account(team), model) for _ in range(6) for model in entries.MODELS]
    made = {
        Lane.objects.create(
            account=account, model=model, next_visit_at=now - timedelta(seconds=n)
        ).pk
        for n, (account, model) in enumerate(doors)
    }

    def claim(number: int) -> list[int]:
        mine: list[int] = []
        end = time.monotonic() + 30
        while Lane.objects.filter(lease_until=None).exists() and time.monotonic() < end:
            mine += [one.lane.pk for one in lane_lease.claim(3)]
        return mine

    claimed = crowd(4, claim)
    assert sorted(pk for mine in claimed for pk in mine) == sorted(made)


def test_of_many_clicks_only_those_that_fit_the_budget_hold(
    crowd: Crowd[Job | None], wish: OrderRequest
) -> None:
    Budget.objects.create(team=wish.team, micros=100_000)  # two videos of 45,876

    def click(number: int) -> Job | None:
        try:
            return create.create(wish)
        except budget.OverBudget:
            return None

    made = [job for job in crowd(6, click) if job is not None]
    assert len(made) == 2
    standing = crowd(
        1,
        lambda _: (
            budget.status(wish.team).held,
            Job.objects.count(),
            LedgerEntry.objects.count(),
        ),
    )  # type: ignore[arg-type,return-value]
    assert standing == [(2 * 45_876, 2, 2)]


def test_a_member_cannot_spend_one_limit_twice(crowd: Crowd[bool], wish: OrderRequest) -> None:
    Budget.objects.create(team=wish.team, member=wish.owner, micros=50_000)

    def click(number: int) -> bool:
        try:
            create.create(wish)
        except budget.OverBudget:
            return False
        return True

    assert sorted(crowd(4, click)) == [False, False, False, True]


def test_one_click_sent_many_times_at_once_is_one_job(
    crowd: Crowd[int], wish: OrderRequest
) -> None:
    clicked = replace(wish, key="click-1")
    assert len(set(crowd(5, lambda number: create.create(clicked).pk))) == 1
    assert crowd(1, lambda _: LedgerEntry.objects.count()) == [1]


def test_a_template_that_many_order_at_once_is_made_once(
    crowd: Crowd[int | None], wish: OrderRequest
) -> None:
    def order(number: int) -> int | None:
        return create.create(replace(dance, key=f"click-{number}")).needs_id

    picture = makers.asset(wish.team)
    makers.check(picture, wish.account, "animate-anyone-detect-gen2")
    dance = replace(
        wish,
        model="animate-anyone-gen2",
        files={"image_url": picture},
        chosen={},
        template_video=makers.asset(wish.team, "video", codec="h264"),
    )
    assert len(set(crowd(6, order))) == 1
    (made,) = crowd(1, lambda _: Job.objects.filter(model="animate-anyone-template-gen2").count())
    assert made == 1


def test_a_click_and_an_adoption_that_make_the_same_lane_do_not_wait_for_each_other(
    crowd: Crowd[str], wish: OrderRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    Lane.objects.all().delete()
    account, spec = wish.account, entries.get(wish.model)
    assert account is not None
    quote = prices.quote(
        spec, "1:1", Decimal(0), currency=wish.team.currency, region=account.region
    )
    made = threading.Event()

    def slow(account: Account, model: str) -> Lane:
        lane = insert_job.lane_for(account, model)
        made.set()
        time.sleep(0.5)
        return lane

    monkeypatch.setattr(adopted_job, "lane_for", slow)

    def one(number: int) -> str:
        if number:
            task = done("task-000900", 4.0)
            return adopted_job.insert_adopted(
                account, wish.owner, spec, quote, task, task.task_id
            ).state
        made.wait(10)
        return create.create(wish).state

    assert crowd(2, one) == ["queued", "running"]


def test_a_job_is_moved_by_one_of_many(crowd: Crowd[str], wish: OrderRequest) -> None:
    job = create.create(wish)
    told = crowd(
        4,
        lambda number: transitions.cancel(
            Job.objects.select_related("team", "lane", "account").get(pk=job.pk), wish.owner
        ),
    )
    assert sum("it cost nothing" in sentence for sentence in told) == 1
    rows = crowd(
        1,
        lambda _: (
            JobEvent.objects.filter(new="canceled").count(),
            LedgerEntry.objects.filter(kind="release").count(),
        ),
    )  # type: ignore[arg-type,return-value]
    assert rows == [(1, 1)]


def test_a_settlement_is_written_by_one_of_many(crowd: Crowd[int], wish: OrderRequest) -> None:
    job = create.create(wish)

    def settle(number: int) -> int:
        with transaction.atomic():
            return ledger.settle(Job.objects.get(pk=job.pk), ledger.Decimal("3.93"), "1:1")

    assert crowd(4, settle) == [45_073] * 4
    assert crowd(1, lambda _: LedgerEntry.objects.filter(kind="settle").count()) == [1]


@postgres
def test_jobs_that_end_with_others_lock_balances_in_one_order(
    crowd: Crowd[str], wish: OrderRequest, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two templates one is lost and settled, the other fails; with each a dance of somebody else
    ends."""
    account = wish.account
    first, second = sorted((owner, wish.owner), key=lambda user: str(user.pk))
    makes = []
    for task_id in ("task-000901", "task-000902"):
        maker = makers.job(
            wish.team,
            first,
            "animate-anyone-template-gen2",
            "running",
            account=account,
            task_id=task_id,
            attempt=1,
        )
        makers.job(wish.team, second, "animate-anyone-gen2", account=account, needs=maker)
        makes.append(maker)
    add = balances._add_all

    def slow(table: Any, rows: list[Any]) -> None:
        for row in sorted(rows, key=lambda row: [str(value) for value in row[0].values()]):
            add(table, [row])
            time.sleep(0.3)

    monkeypatch.setattr(balances, "_add_all", slow)

    def end(number: int) -> str:
        job = Job.objects.get(pk=makes[number].pk)
        if number:
            transitions.fail(job, "task-failed", NoAnswer())
        else:
            unseen_end.end_unseen(job, NoAnswer(), phrase("Nobody saw its end."))
        return str(job.state)

    assert crowd(2, end) == ["failed", "failed"]
    assert not list(balances.differences())


@postgres
def test_only_holds_wait_for_a_hold(crowd: Crowd[str], wish: OrderRequest) -> None:
    job, other = create.create(wish), create.create(wish)

    def cancel(number: int) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        return transitions.cancel(job, wish.owner)

    with transaction.atomic():
        ledger.hold(
            other, prices.Quote(1, ledger.Decimal(1), other.price), wish.team, wish.owner, attempt=2
        )
        assert "it cost nothing" in crowd(1, cancel)[0]


@postgres
def test_a_claim_passes_over_a_lane_that_somebody_writes(
    crowd: Crowd[list[int]], transactional_db: None, team: Team
) -> None:
    now = timezone.now()
    account = makers.account(team)
    busy, free = (
        Lane.objects.create(account=account, model=name, next_visit_at=now - timedelta(seconds=1))
        for name in ("emo-v1", "wan2.2-s2v")
    )
    with transaction.atomic():
        transitions.wake_lane(busy.pk)  # a click that is not committed yet
        began = time.monotonic()
        assert crowd(1, lambda _: [one.lane.pk for one in lane_lease.claim()]) == [[free.pk]]
        assert time.monotonic() - began < databases.LOCK / 2000


# ── what the server does with our connections ─────────────────────────────────────────────────────


@pytest.fixture
def hand(transactional_db: None) -> Iterator[Callable[[Callable[[], T]], T]]:
    """hand(work): `work()` in one thread that lives on and keeps its connection, as those of web
    and workers do."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda work: pool.submit(work).result(30)
        pool.submit(connections.close_all).result(30)


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end(pid: int) -> None:
    """End a connection from the server's side, and come back when it is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert cursor.fetchone()[0]


def shown(name: str, line: Any = connection) -> str:
    with line.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])


@postgres
def test_the_server_knows_what_we_expect_of_it(db: None) -> None:
    line = connections["default"].copy()
    line.settings_dict["OPTIONS"] = databases.connections(
        {"ENGINE": line.settings_dict["ENGINE"]}, ["manage.py", "worker"]
    )["OPTIONS"]
    names = (
        "application_name",
        "default_transaction_isolation",
        "synchronous_commit",
        "idle_in_transaction_session_timeout",
        "lock_timeout",
    )
    try:
        assert [shown(name, line) for name in (*names, "statement_timeout")] == [
            "footlight worker",
            "read committed",
            "on",
            "1min",
            "15s",
            "30s",
        ]
    finally:
        line.close()


@postgres
def test_a_transaction_that_was_forgotten_is_ended(
    hand: Callable[[Callable[[], Any]], Any], transactional_db: None
) -> None:
    def forget() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '100ms'")
        try:
            with transaction.atomic():
                Team.objects.count()
                time.sleep(1)
                Team.objects.count()
        except DatabaseError as error:
            return str(error)
        return "nothing happened"

    def go_on() -> int:
        close_old_connections()  # as every page and every visit begins
        return Team.objects.count()

    assert "idle-in-transaction" in hand(forget)
    assert hand(go_on) == 0


@postgres
def test_the_next_page_survives_a_killed_connection(
    hand: Callable[[Callable[[], Any]], Any], owner: User, team: Team
) -> None:
    app = get_wsgi_application()
    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    factory = RequestFactory()
    factory.cookies = client.cookies

    def page() -> str:
        status = []
        answer = app(
            factory._base_environ(PATH_INFO=f"/t/{team.slug}/", REQUEST_METHOD="GET"),
            lambda line, headers, _=None: status.append(line),
        )
        b"".join(answer)
        answer.close()
        return str(status[0])

    assert hand(page) == "200 OK"
    before = hand(backend)
    end(before)
    assert hand(page) == "200 OK"
    assert hand(backend) != before


@postgres
def test_the_heart_beats_on_after_a_killed_connection(
    hand: Callable[[Callable[[], Any]], Any], transactional_db: None
) -> None:
    pulse = Heartbeat(0)

    def beat() -> str:
        pulse.due = 0
        pulse.beat()
        return pulse.trouble

    assert hand(beat) == ""
    end(hand(backend))
    assert hand(beat) == ""


@postgres
def test_a_lease_is_renewed_on_a_new_connection(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "EVERY", 0.02)
    seen: list[int] = []
    until = time.monotonic() + 20
    with leases.renewing(lambda: seen.append(backend())):
        while not seen and time.monotonic() < until:
            time.sleep(0.01)
        first = seen[0]
        end(first)
        while seen[-1] == first and time.monotonic() < until:
            time.sleep(0.01)
    assert seen[-1] != first


@postgres
def test_what_came_of_long_work_can_be_written_though_the_connection_died_meanwhile(
    hand: Callable[[Callable[[], Any]], Any], transactional_db: None
) -> None:
    def work() -> bool:
        before = backend()
        with leases.renewing(lambda: None), ThreadPoolExecutor(1) as other:
            other.submit(end, before).result(30)
            other.submit(connections.close_all).result(30)
        return backend() != before

    assert hand(work)


# ── what only PostgreSQL refuses ──────────────────────────────────────────────────────────────────


def test_whatever_the_service_says_can_be_stored(db: None, team: Team) -> None:
    said = transport.read_json(
        rb'{"facts": {"a\u0000b": ["\ud83d", "\ud83d\ude00", 1e999, NaN, 12.5]}, '
        rb'"task_id": "t\u0000"}'
    )
    assert said == {"facts": {"a\ufffdb": ["\ufffd", "😀", None, None, 12.5]}, "task_id": "t\ufffd"}
    check = makers.check(
        makers.asset(team), makers.account(team), facts=said["facts"], message=said["task_id"]
    )
    assert Check.objects.get(pk=check.pk).facts == said["facts"]


def test_no_address_holds_what_cannot_be_asked_for(
    db: None, client_of: Callable[[User], Client], owner: User, team: Team
) -> None:
    makers.job(team, owner)
    client = client_of(owner)
    for path in (
        "jobs/%00/",
        "jobs/%00/row/",
        "library/%00/",
        "files/%00/thumb",
        "keys/accounts/%00/",
    ):
        assert client.get(f"/t/{team.slug}/{path}").status_code == 404, path
    for path in ("?q=%00", "library/?q=%00"):
        assert client.get(f"/t/{team.slug}/{path}").status_code == 200, path
    assert Membership.objects.count() == 1, "the transaction goes on"


def test_accounts_are_found_by_what_is_in_their_json(db: None, team: Team) -> None:
    """An empty list and a list are told apart by the database in the same way everywhere."""
    one, other = makers.account(team), makers.account(team)
    Account.objects.filter(pk=one.pk).update(different_from=[other.pk])
    assert list(Account.objects.exclude(different_from=[])) == [one]
