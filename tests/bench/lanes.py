"""Many lanes tended by one process: each account has one lane with one running task, looked at
every five seconds.

How late the looks are, what a visit costs in processor time, and how much memory the process has;
the service is a stub in a process of its own that answers within milliseconds, so what is measured
is ours.
"""

from __future__ import annotations

import argparse
import json
import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.bench import stage

if TYPE_CHECKING:
    from studio.models import Team, User

BATCH = 500


def fill(team: Team, owner: User, url: str, number: int, every: float, now: datetime) -> None:
    """`number` accounts, each with a key and a lane whose one task runs and is due within the next
    `every` seconds."""
    from jobs.common.states import State, group_of
    from jobs.models import Account, ApiKey, Job, Lane
    from studio.models.people import public_id
    from tests import makers

    first = makers.job(team, owner, account=makers.account(team, url))
    fixed = {
        name: getattr(first, name)
        for name in (
            "model",
            "parameters",
            "variant",
            "milliseconds",
            "price",
            "currency",
            "quote_micros",
        )
    }
    Job.objects.filter(pk=first.pk).update(state=State.CANCELED, group=group_of(State.CANCELED, ""))
    Lane.objects.filter(pk=first.lane_id).update(next_visit_at=None)
    for begin in range(0, number, BATCH):
        numbers = range(begin, min(begin + BATCH, number))
        due = {n: now + timedelta(seconds=every * n / number) for n in numbers}
        accounts = Account.objects.bulk_create(
            [
                Account(
                    team=team,
                    label=f"Account {n}",
                    base_url=url,
                    private_network=True,
                    health=Account.Health.OK,
                )
                for n in numbers
            ]
        )
        ApiKey.objects.bulk_create(
            [ApiKey.make(account, f"sk-bench-{account.pk}") for account in accounts]
        )
        lanes = Lane.objects.bulk_create(
            [
                Lane(account=account, model=first.model, next_visit_at=due[n])
                for n, account in zip(numbers, accounts, strict=True)
            ]
        )
        Job.objects.bulk_create(
            [
                Job(
                    team=team,
                    owner=owner,
                    account=lane.account,
                    lane=lane,
                    public_id=public_id(),
                    title=f"Take {n}",
                    state=State.RUNNING,
                    group=group_of(State.RUNNING, ""),
                    attempt=1,
                    task_id=f"task-{n}",
                    provider_status="RUNNING",
                    submitted_at=now,
                    provider_started_at=now,
                    next_look_at=due[n],
                    **fixed,
                )
                for n, lane in zip(numbers, lanes, strict=True)
            ]
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=1000)
    parser.add_argument("--every", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--warm", type=float, default=15.0)
    parser.add_argument("--threads", type=int, default=16)
    asked = parser.parse_args()
    machine = stage.machine()
    with stage.module("stub") as stub, stage.site(redis=True, database=stage.database_asked()):
        from django.conf import settings
        from django.utils import timezone

        url = stage.line(stub)
        team, owner, _ = stage.company(url)
        options = {
            "seconds": asked.seconds,
            "warm": asked.warm,
            "threads": asked.threads,
            "every": asked.every,
            "stub": url,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        with stage.module("tend", *words) as worker:
            stage.line(worker)
            fill(team, owner, url, asked.lanes, asked.every, timezone.now())
            assert worker.stdin is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
            took = json.loads(stage.line(worker))
        seen = stage.asked_of(url, "/stub/report")
        late = [max(0.0, gap - asked.every) for gap in seen["gaps"]]
        wanted = asked.lanes * took["seconds"] / asked.every
        stage.say(
            bench="lanes",
            database=settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1],
            lanes=asked.lanes,
            late_p50_s=stage.percentile(late, 50) if late else math.nan,
            late_p95_s=stage.percentile(late, 95) if late else math.nan,
            late_max_s=max(late, default=math.nan),
            tended=seen["tasks"],
            looks_share=seen["gets"] / wanted,
            queries_per_s=seen["gets"] / took["seconds"],
            visits=took["visits"],
            cpu_ms_per_visit=took["cpu_s"] * 1000 / max(1, took["visits"]),
            cpu_ms_per_query=took["cpu_s"] * 1000 / max(1, seen["gets"]),
            cpu_ms_per_visit_quick=took["cpu_s"]
            * 1000
            / max(1, took["visits"])
            * stage.QUICK
            / machine,
            cpu_share=took["cpu_s"] / took["seconds"],
            memory_mb=took["memory"] / 1e6,
            memory_peak_mb=took["peak"] / 1e6,
            machine_ms=machine,
        )


if __name__ == "__main__":
    main()
