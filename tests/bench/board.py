"""The board, the spend page, a create page and the library of a team with many jobs against one
with few, and against a page without jobs, asked in turns in one process: time, SQL statements, SQL
time, and steps of SQLite's virtual machine.

Both teams have the same open jobs; what grows is what has ended, with its files, ledger entries and
events. The database copies them itself and the balances are written from them, so a million take
minutes. It runs on the database in DATABASE_URL.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench import stage
from tests.bench.growth import Cost, finished, multiply

if TYPE_CHECKING:
    from studio.models import Team, User

OPEN = 20
# Each page with what is asked of it.
PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "board": ("jobs:board", {}),
    "spend": ("jobs:spend", {}),
    "portrait": ("jobs:portrait", {}),
    "library": ("library", {}),
    "library_came_in": ("library", {"kind": "videos"}),
    "library_made": ("library", {"kind": "films"}),
    "library_templates": ("library", {"kind": "templates"}),
}
# What a page costs that shows nothing of jobs to somebody who is signed in.
EMPTY = "teams"


@dataclass
class Page:
    """One page of one team, and what asking for it took, in milliseconds."""

    url: str
    times: list[float] = field(default_factory=list)
    size: int = 0  # bytes of HTML

    def ask(self, client: Any) -> None:
        began = time.perf_counter()
        answer = client.get(self.url)
        self.times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.status_code
        self.size = len(answer.content)


def fill(team: Team, owner: User, number: int) -> None:
    """`number` jobs of `owner` that have succeeded and are paid, and OPEN that wait."""
    from jobs.common.states import Code, State
    from tests import makers

    files = {"image_url": makers.asset(team), "audio_url": makers.asset(team, "audio")}
    multiply(finished(team, owner, f"done-{number}"), number - 1)
    for _ in range(OPEN):
        makers.job(team, owner, state=State.QUEUED, code=Code.WAITING_TURN, files=files)


def cost_of(page: Page, client: Any) -> tuple[int, float, int]:
    """(SQL statements, milliseconds in them, steps of SQLite) of one look."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    cost = Cost()
    with CaptureQueriesContext(connection) as queries, cost.of(1):
        page.ask(client)
    sql = sum(float(query["time"]) for query in queries.captured_queries) * 1000
    return len(queries), sql, cost.steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=1000)
    parser.add_argument("--few", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=25)
    asked = parser.parse_args()
    with stage.site(database=stage.database_asked()):
        from django.conf import settings
        from django.test import Client
        from django.urls import reverse

        from jobs.billing import balances
        from studio.models import Team

        small, owner, _ = stage.company()
        large = Team.start("Studio South", owner)
        fill(small, owner, asked.few)
        began = time.monotonic()
        fill(large, owner, asked.many)
        balances.recount()
        told: dict[str, Any] = {"filled_s": time.monotonic() - began}
        client = Client(SERVER_NAME="localhost")
        client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
        empty = Page(reverse(EMPTY))
        empty.ask(client)
        for name, (view, query) in PAGES.items():
            empty.times.clear()
            few, many = (
                Page(reverse(view, args=[team.slug], query=query)) for team in (small, large)
            )
            for page in (few, many):
                page.ask(client)
                page.times.clear()
            for _round in range(asked.rounds):
                few.ask(client)
                many.ask(client)
                empty.ask(client)
            ratio, p95 = median(many.times) / median(few.times), stage.percentile(many.times, 95)
            told |= {
                f"{name}_median_ms_few": median(few.times),
                f"{name}_median_ms_many": median(many.times),
                f"{name}_p95_ms_many": p95,
                f"{name}_ratio": ratio,
                f"{name}_of_empty": median(many.times) / median(empty.times),
                f"{name}_html_kb": many.size / 1000,
            }
            for size, page in (("few", few), ("many", many)):
                statements, sql, steps = cost_of(page, client)
                told |= {
                    f"{name}_statements_{size}": statements,
                    f"{name}_sql_ms_{size}": sql,
                    f"{name}_steps_{size}": steps,
                }
        stage.say(
            bench="board",
            database=settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1],
            jobs_many=asked.many,
            jobs_few=asked.few,
            **told,
            machine_ms=stage.machine(),
        )


if __name__ == "__main__":
    main()
