"""Processor time of one visit of a busy lane (claim, look at what runs, see that the window is full, say when to come back), against
a service that answers at once; and what it costs more when the lane has many finished jobs behind it.

The two tables are measured in turns: few, many, few again.
"""

from __future__ import annotations

import argparse
import time
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from tests.bench import stage

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from jobs.models import Lane


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--visits", type=int, default=150)
    asked = parser.parse_args()
    with stage.site(), pytest.MonkeyPatch.context() as patch:
        from django.utils import timezone

        from jobs.models import Job, JobEvent, JobInput, LedgerEntry
        from jobs.states import Group, State
        from tests import makers
        from tests.bench.board import fill
        from tests.service import Service, uses

        team, owner, account = stage.company()
        service = Service()
        with contextmanager(uses)(patch, service):
            fill(team, owner, asked.few + 5, 5)  # five wait
            lane = Job.objects.filter(team=team)[0].lane
            ready = timezone.now()
            for _ in range(2):  # and the window is full: one runs, one waits at the service
                task_id = service.made().task_id
                makers.job(
                    team,
                    owner,
                    state=State.RUNNING,
                    account=account,
                    task_id=task_id,
                    provider_status="PENDING",
                    submitted_at=ready,
                    next_look_at=ready,
                )
            _visits(lane, 20)
            before = _visits(lane, asked.visits)
            last = Job.objects.order_by("-id").values_list("pk", flat=True)[0]
            fill(team, owner, asked.many - asked.few, 0)
            # the maker's first row waits, which would make this lane longer than the other
            Job.objects.filter(pk__gt=last, state=State.QUEUED).update(state=State.SUCCEEDED, code="", group=Group.DONE)
            _visits(lane, 20)
            many = _visits(lane, asked.visits)
            asks = service.count("get")
            finished = Job.objects.filter(state=State.SUCCEEDED).count()
            added: list[QuerySet[Any]] = [model.objects.filter(job_id__gt=last) for model in (JobEvent, JobInput, LedgerEntry)]
            for rows in (*added, Job.objects.filter(pk__gt=last)):
                rows._raw_delete(rows.db)  # the ledger refuses any other way
            _visits(lane, 20)
            after = _visits(lane, asked.visits)
        few = median(before + after)
        stage.say(
            bench="visit",
            visits=asked.visits,
            looks_each=asks / (2 * asked.visits + 40),
            cpu_ms_few=few,
            cpu_ms_many=median(many),
            cpu_ms_p95_many=stage.percentile(many, 95),
            finished_few=asked.few,
            finished_many=finished,
            ratio=median(many) / few,
            machine_ms=stage.machine(),
        )


def _visits(lane: Lane, number: int) -> list[float]:
    """Processor milliseconds of each of `number` visits, with both tasks due for a look."""
    from django.utils import timezone

    from jobs import lanes
    from jobs.models import Job, Lane
    from jobs.states import State

    spent = []
    for _ in range(number):
        now = timezone.now()
        Job.objects.filter(lane=lane, state=State.RUNNING).update(next_look_at=now)
        Lane.objects.filter(pk=lane.pk).update(next_visit_at=now, lease_until=None)
        began = time.process_time()
        (claimed,) = lanes.claim()
        lanes.visit(claimed)
        spent.append((time.process_time() - began) * 1000)
    return spent


if __name__ == "__main__":
    main()
