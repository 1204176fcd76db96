"""What an order costs beside the ledger of its month: time of `orders.create` and statements beside
10², 10⁴ and more entries of the same team, person and month, a team for each, in turns;
steps of SQLite's virtual machine, or blocks that PostgreSQL touched, which nothing else changes;
then orders a second, and how long one takes, with 1, 8 and 32 processes that order at once, beside
a plain loop of as many processes that locks a row, writes it and commits.

Entries are copied by the database itself and the balances written from them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench import stage
from tests.bench.growth import Cost, finished, multiply

if TYPE_CHECKING:
    from studio.models import User

FORK = multiprocessing.get_context("fork")


@dataclass
class Beside:
    """A team with `number` entries in the ledger of this month."""

    number: int
    wish: Any
    cost: Cost = field(default_factory=Cost)
    clock: list[float] = field(default_factory=list)  # milliseconds
    blocks: int = 0

    def order(self) -> None:
        from jobs.orders import create

        before = touched()
        began = time.perf_counter()
        with self.cost.of(1):
            create.create(self.wish)
        self.clock.append((time.perf_counter() - began) * 1000)
        self.blocks += touched() - before


def touched() -> int:
    """Blocks of tables and indexes that this database was asked for so far; 0 on SQLite."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit, 0) + "
            "coalesce(idx_blks_read, 0)) FROM pg_statio_user_tables"
        )
        return int(cursor.fetchone()[0] or 0)


def team_beside(number: int) -> Beside:
    """A team whose ledger has `number` entries; with limits, since they test the room, which is
    what grew."""
    from jobs.models import Budget
    from studio.models import Team, User
    from tests import makers

    owner = User.objects.create_user(f"of{number}@example.com")
    team = Team.start(f"Beside {number}", owner)
    Team.objects.filter(pk=team.pk).update(waiting_limit=1_000_000)
    team.refresh_from_db()
    for member in (None, owner):
        Budget.objects.create(team=team, member=member, micros=10**15)
    wish = stage.portrait_wish(team, owner, makers.account(team))
    multiply(finished(team, owner, f"done-{number}"), max(0, number // 2 - 1))
    return Beside(number, wish)


def cancel_all(owner: User) -> None:
    """Nothing waits, so that the next orders find the same queue as the first ones did."""
    from jobs.common.states import State
    from jobs.engine import transitions
    from jobs.models import Job

    for job in Job.objects.filter(state=State.QUEUED).select_related("team"):
        transitions.cancel(job, owner)


def _ordered(wish: Any) -> None:
    from jobs.orders import create

    create.create(wish)


def _plain(wish: Any) -> None:
    """Lock the team's row, write it, commit: the least that an exact budget can do."""
    from django.db import transaction

    from studio.models import Team

    with transaction.atomic():
        team = Team.objects.select_for_update(no_key=True).get(pk=wish.team.pk)
        Team.objects.filter(pk=team.pk).update(waiting_limit=team.waiting_limit + 1)


def _many(what: Any, wish: Any, number: int, start: Any, said: Any) -> None:
    """A process that does it `number` times, once all are there."""
    from django.db import connections

    connections["default"] = connections["default"].copy()
    connections["default"].ensure_connection()
    took = []
    start.wait(300)
    for _ in range(number):
        began = time.perf_counter()
        what(wish)
        took.append(time.perf_counter() - began)
    said.put(took)
    said.close()
    said.join_thread()
    os._exit(0)


def at_once(what: Any, wish: Any, processes: int, number: int) -> tuple[float, list[float]]:
    """How many a second that many processes do, and what each took."""
    from django.db import connections

    connections.close_all()
    start, said = FORK.Barrier(processes + 1), FORK.Queue()
    each = max(1, number // processes)
    crowd = [
        FORK.Process(target=_many, args=(what, wish, each, start, said)) for _ in range(processes)
    ]
    for process in crowd:
        process.start()
    start.wait(300)
    began = time.perf_counter()
    took = [seconds for _ in crowd for seconds in said.get(timeout=600)]
    whole = time.perf_counter() - began
    for process in crowd:
        process.join()
    return len(took) / whole, took


def figures(one: Beside, few: Beside) -> dict[str, Any]:
    """What an order costs beside that many entries, and by how much more than beside the fewest."""
    number, cost, least = one.number, one.cost, few.cost
    return {
        f"order_ms_{number}": median(one.clock),
        f"order_cpu_ms_{number}": median(cost.spent),
        f"order_statements_{number}": cost.statements / cost.visits,
        f"order_steps_{number}": cost.steps / cost.visits,
        f"order_blocks_{number}": one.blocks / cost.visits,
        f"order_ratio_{number}": median(one.clock) / median(few.clock),
        f"order_cpu_ratio_{number}": median(cost.spent) / median(least.spent),
        f"order_steps_ratio_{number}": cost.steps / least.steps if least.steps else 0.0,
        f"order_blocks_ratio_{number}": one.blocks / few.blocks if few.blocks else 0.0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="*", default=[100, 10_000])
    parser.add_argument("--clicks", type=int, default=60)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 8, 32])
    parser.add_argument("--orders", type=int, default=160)
    asked = parser.parse_args()
    with stage.site(database=stage.database_asked()):
        from django.conf import settings

        from jobs.billing import balances
        from studio.models import User

        teams = [team_beside(number) for number in sorted(asked.entries)]
        balances.recount()
        for click in range(asked.clicks + 5):
            if click == 5:  # the first ones warm up
                for one in teams:
                    one.cost, one.clock, one.blocks = Cost(), [], 0
            for one in teams:
                one.order()
        told: dict[str, Any] = {}
        for one in teams:
            told |= figures(one, teams[0])
        wish = teams[0].wish
        for user in User.objects.all():
            cancel_all(user)
        for processes in asked.processes:
            rate, took = at_once(_ordered, wish, processes, asked.orders)
            cancel_all(wish.owner)
            plain, _ = at_once(_plain, wish, processes, asked.orders)
            told |= {
                f"orders_per_s_{processes}": rate,
                f"order_p50_s_{processes}": stage.percentile(took, 50),
                f"order_p95_s_{processes}": stage.percentile(took, 95),
                f"plain_per_s_{processes}": plain,
                f"plain_by_order_{processes}": plain / rate,
            }
        told["balances_that_are_no_sums"] = len(list(balances.differences()))
        stage.say(
            bench="order",
            database=settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1],
            **told,
            machine_ms=stage.machine(),
        )


if __name__ == "__main__":
    main()
