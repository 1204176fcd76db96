"""The board of a team with many jobs against one with few, asked in turns in one process: time, SQL
statements, SQL time.

Both teams have the same open jobs; what grows is what has ended, with its files, ledger entries and
events.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench import stage

if TYPE_CHECKING:
    from studio.models import Team

OPEN = 20
BATCH = 2000


def fill(team: Team, owner: Any, number: int, open_jobs: int) -> None:
    """`number` jobs of `owner`, the newest `open_jobs` of them waiting, the others succeeded and
    paid."""
    from django.utils import timezone

    from jobs.common.states import Code, State, group_of
    from jobs.models import Job, JobEvent, JobInput, LedgerEntry
    from studio.common.translatable import phrase
    from studio.models.people import public_id
    from tests import makers

    film = makers.asset(team, "video", thumb="thumb.webp", owner=owner, origin="result")
    files = {
        "image_url": makers.asset(team, "image", thumb="thumb.webp"),
        "audio_url": makers.asset(team, "audio"),
    }
    first = makers.job(team, owner, state=State.QUEUED, code=Code.WAITING_TURN, files=files)
    hold = LedgerEntry.objects.get(job=first)
    jobs_before = number - 1
    fixed = {
        name: getattr(first, name)
        for name in (
            "account",
            "lane",
            "model",
            "parameters",
            "variant",
            "milliseconds",
            "price",
            "currency",
        )
    }
    paid = {
        name: getattr(hold, name)
        for name in ("member", "currency", "model", "price", "units", "month")
    }
    micros, now = first.quote_micros, timezone.now()
    for begin in range(0, jobs_before, BATCH):
        rows = []
        for count in range(begin, min(begin + BATCH, jobs_before)):
            waits = count >= number - open_jobs
            state, code = (State.QUEUED, Code.WAITING_TURN) if waits else (State.SUCCEEDED, "")
            more = (
                {}
                if waits
                else {
                    "result": film,
                    "finished_at": now,
                    "settled_micros": micros,
                    "task_id": f"task-{first.pk}-{count}",
                }
            )
            rows.append(
                Job(
                    team=team,
                    owner=owner,
                    public_id=public_id(),
                    title=f"Take {count}",
                    state=state,
                    code=code,
                    group=group_of(state, code),
                    quote_micros=micros,
                    **fixed,
                    **more,
                )
            )
        made = Job.objects.bulk_create(rows)
        JobInput.objects.bulk_create(
            [
                JobInput(job=job, name=name, asset=asset)
                for job in made
                for name, asset in files.items()
            ]
        )
        JobEvent.objects.bulk_create(
            [
                JobEvent(team=team, job=job, new=job.state, text=phrase("Moved"))
                for job in made
                for _ in range(5)
            ]
        )
        entries = [
            LedgerEntry(team=team, job=job, kind="hold", held=micros, **paid) for job in made
        ]
        ends = [job for job in made if job.state == State.SUCCEEDED]
        entries += [
            LedgerEntry(team=team, job=job, kind="settle", held=-micros, settled=micros, **paid)
            for job in ends
        ]
        LedgerEntry.objects.bulk_create(entries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=1000)
    parser.add_argument("--few", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=25)
    asked = parser.parse_args()
    with stage.site():
        from django.db import connection
        from django.test import Client
        from django.test.utils import CaptureQueriesContext
        from django.urls import reverse

        from studio.models import Team

        small, owner, _ = stage.company()
        large = Team.start("Studio South", owner)
        fill(small, owner, asked.few, OPEN)
        fill(large, owner, asked.many, OPEN)
        client = Client(SERVER_NAME="localhost")
        client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
        pages = {
            asked.few: reverse("jobs:board", args=[small.slug]),
            asked.many: reverse("jobs:board", args=[large.slug]),
        }
        for page in pages.values():
            assert client.get(page).status_code == 200
        times: dict[int, list[float]] = {number: [] for number in pages}
        for _round in range(asked.rounds):
            for number, page in pages.items():
                began = time.perf_counter()
                answer = client.get(page)
                times[number].append((time.perf_counter() - began) * 1000)
                assert answer.status_code == 200
        statements, sql = {}, {}
        for number, page in pages.items():
            with CaptureQueriesContext(connection) as queries:
                client.get(page)
            statements[number] = len(queries)
            sql[number] = sum(float(query["time"]) for query in queries.captured_queries) * 1000
        stage.say(
            bench="board",
            jobs_many=asked.many,
            jobs_few=asked.few,
            median_ms_many=median(times[asked.many]),
            median_ms_few=median(times[asked.few]),
            p95_ms_many=stage.percentile(times[asked.many], 95),
            ratio=median(times[asked.many]) / median(times[asked.few]),
            statements_many=statements[asked.many],
            statements_few=statements[asked.few],
            sql_ms_many=sql[asked.many],
            machine_ms=stage.machine(),
        )


if __name__ == "__main__":
    main()
