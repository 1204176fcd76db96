"""What an order costs beside the ledger of its month: time of `orders.create` and statements beside
10², 10⁴ and more entries of the same team, person and month, and steps of SQLite's virtual machine,
which nothing else changes; then orders a second, and how long one
takes, with 1, 8 and 32 processes that order at once.

Entries are copied by the database itself and the balances written from them. Times are the median
of `--clicks`, in units of the machine's speed just before, which other programs change.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench import stage
from tests.bench.growth import Cost, finished, multiply

if TYPE_CHECKING:
    from studio.models import User

FORK = multiprocessing.get_context("fork")


def beside(wish: Any, clicks: int) -> tuple[float, Cost]:
    """Milliseconds of an order by the clock, and what it cost."""
    from jobs.orders import create

    for _ in range(5):
        create.create(wish)
    cost, clock = Cost(), []
    for _ in range(clicks):
        began = time.perf_counter()
        with cost.of(1):
            create.create(wish)
        clock.append((time.perf_counter() - began) * 1000)
    return median(clock), cost


def cancel_all(owner: User) -> None:
    """Nothing waits, so that the next orders find the same queue as the first ones did."""
    from jobs.common.states import State
    from jobs.engine import transitions
    from jobs.models import Job

    for job in Job.objects.filter(state=State.QUEUED).select_related("team"):
        transitions.cancel(job, owner)


def _order_many(wish: Any, number: int, start: Any, said: Any) -> None:
    """A process that orders `number` times, once all are there."""
    from django.db import connections

    from jobs.orders import create

    connections["default"] = connections["default"].copy()
    connections["default"].ensure_connection()
    took = []
    start.wait(300)
    for _ in range(number):
        began = time.perf_counter()
        create.create(wish)
        took.append(time.perf_counter() - began)
    said.put(took)
    said.close()
    said.join_thread()
    os._exit(0)


def at_once(wish: Any, processes: int, orders: int) -> tuple[float, list[float]]:
    """Orders a second of that many processes, and what each order took."""
    from django.db import connections

    connections.close_all()
    start, said = FORK.Barrier(processes + 1), FORK.Queue()
    each = max(1, orders // processes)
    crowd = [
        FORK.Process(target=_order_many, args=(wish, each, start, said)) for _ in range(processes)
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
        from jobs.models import Budget, LedgerEntry
        from studio.models import Team

        team, owner, account = stage.company()
        Team.objects.filter(pk=team.pk).update(waiting_limit=1_000_000)
        team.refresh_from_db()
        # With limits the room is tested, which is what grew.
        for member in (None, owner):
            Budget.objects.create(team=team, member=member, micros=10**15)
        wish = stage.portrait_wish(team, owner, account)
        first = finished(team, owner)
        balances.recount()
        told: dict[str, Any] = {}
        few: tuple[float, float] | None = None
        for number in sorted(asked.entries):
            multiply(first, max(0, (number - LedgerEntry.objects.count()) // 2))
            balances.recount()
            machine = stage.machine()
            clock, cost = beside(wish, asked.clicks)
            machine = (machine + stage.machine()) / 2
            even = median(cost.spent) * stage.QUICK / machine
            steps = cost.steps / cost.visits
            few = few or (even, steps)
            told |= {
                f"order_ms_{number}": clock,
                f"order_cpu_quick_ms_{number}": even,
                f"order_statements_{number}": cost.statements / cost.visits,
                f"order_steps_{number}": steps,
                f"order_ratio_{number}": even / few[0],
                f"order_steps_ratio_{number}": steps / few[1] if few[1] else 0.0,
            }
            cancel_all(owner)
        for processes in asked.processes:
            rate, took = at_once(wish, processes, asked.orders)
            cancel_all(owner)
            told |= {
                f"orders_per_s_{processes}": rate,
                f"order_p50_s_{processes}": stage.percentile(took, 50),
                f"order_p95_s_{processes}": stage.percentile(took, 95),
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
