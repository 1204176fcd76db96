"""What a visit of a busy lane costs when its account has 10, 1,000 and 1,000,000 finished jobs
behind it: processor time and statements.

Rounds of looks (what most visits are) and whole visits are measured apart. The rows are inserted by
the database itself, copied from one finished job with all that belongs to it. Processor time is
given in units of the machine's speed just before, which other programs change; on SQLite the steps
of its virtual machine are counted too, which nothing changes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from tests.bench import stage

if TYPE_CHECKING:
    from django.db.models import Model

    from jobs.models import Job, Lane
    from studio.models import Team, User

CHUNK = 100_000
LANES = 20
STEPS = 10  # of SQLite's virtual machine between two counts


def finished(team: Team, owner: User, task_id: str = "done") -> Job:
    """One video that is done and paid, with files, events, an attempt and ledger lines: what the
    many are copied from."""
    from django.utils import timezone

    from jobs.common.states import Outcome, State
    from jobs.models import Attempt, JobEvent, LedgerEntry
    from studio.common.translatable import phrase
    from tests import makers

    now = timezone.now()
    video = makers.asset(team, "video", owner=owner, origin="result")
    job = makers.job(
        team,
        owner,
        state=State.SUCCEEDED,
        attempt=1,
        task_id=task_id,
        result=video,
        finished_at=now,
        provider_status="SUCCEEDED",
    )
    Attempt.objects.create(job=job, number=1, began_at=now, task_id=task_id, outcome=Outcome.DONE)
    JobEvent.objects.bulk_create(
        [
            JobEvent(team=team, job=job, new=state, text=phrase("Moved"))
            for state in ("queued", "running", "succeeded")
        ]
    )
    hold = LedgerEntry.objects.get(job=job)
    paid = {
        name: getattr(hold, name)
        for name in ("member", "currency", "model", "price", "units", "month")
    }
    LedgerEntry.objects.create(
        team=team, job=job, kind="settle", held=-job.quote_micros, settled=job.quote_micros, **paid
    )
    return job


def multiply(job: Job, number: int) -> None:
    """`number` more jobs like `job`, and of each of the rows that belong to it."""
    from jobs.models import Attempt, Job, JobEvent, JobInput, LedgerEntry

    first = (Job.objects.order_by("-pk").values_list("pk", flat=True)[0]) + 1
    begin = 0
    while begin < number:
        count = min(CHUNK, number - begin)
        begins = first + begin
        _copies(
            Job,
            job.pk,
            begins,
            count,
            {"id": "n", "public_id": _text("f", "n"), "task_id": _text("t", "n")},
        )
        for model in (JobInput, JobEvent, Attempt, LedgerEntry):
            rows: Any = model._default_manager
            for pk in rows.filter(job_id=job.pk).values_list("pk", flat=True):
                own = {"id": None, "job_id": "n"} | (
                    {"task_id": _text("a", "n")} if model is Attempt else {}
                )
                _copies(model, pk, begins, count, own)
        begin += count
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('jobs_job', 'id'), (SELECT max(id) FROM "
                "jobs_job))"
            )
            cursor.execute(
                "VACUUM ANALYZE"
            )  # which autovacuum does on a site; SQLite plans without numbers there


def _text(prefix: str, column: str) -> str:
    return f"'{prefix}' || {column}"


def _copies(
    model: type[Model], pk: int, first: int, count: int, own: dict[str, str | None]
) -> None:
    """Copies of one row for n = first …; `own` has an expression of n for columns that differ, None
    for one that the database fills in."""
    from django.db import connection

    table = model._meta.db_table
    columns = [
        str(field.column)
        for field in model._meta.concrete_fields
        if own.get(str(field.column), "") is not None
    ]
    told = ", ".join(own.get(column) or f't."{column}"' for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    if connection.vendor == "postgresql":
        series = f"generate_series({first}, {first + count - 1}) AS s(n)"
    else:
        series = (
            f"(WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < "
            f"{first + count - 1}) SELECT n FROM s) AS s"
        )
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({names}) SELECT {told} FROM "{table}" AS t CROSS JOIN '
            f"{series} WHERE t.id = {pk}"
        )


def busy(team: Team, owner: User, first: Job, lanes: int) -> list[Lane]:
    """Lanes of the account of `first` and of others, each with a task that runs, one that waits at
    the service and two that wait here."""
    from django.utils import timezone

    from jobs.common.states import Code, State
    from jobs.models import Lane
    from tests import makers

    now, found = timezone.now(), []
    for number in range(lanes):
        account = first.account if number == 0 else makers.account(team)
        files: dict[str, Any] = {row.name: row.asset for row in first.inputs.all()}
        for task in range(2):
            out: dict[str, Any] = {
                "task_id": f"out-{number}-{task}",
                "provider_status": "RUNNING",
                "provider_started_at": now,
                "looked_at": now,
                "attempt": 1,
            }
            makers.job(
                team,
                owner,
                state=State.RUNNING,
                account=account,
                files=files,
                submitted_at=now,
                next_look_at=now,
                **out,
            )
        for _ in range(2):
            job = makers.job(
                team,
                owner,
                state=State.QUEUED,
                code=Code.WAITING_TURN,
                account=account,
                files=files,
            )
        found.append(Lane.objects.get(pk=job.lane_id))
    return found


class Cost:
    """What was spent while measuring `visits` visits: processor milliseconds of each, statements,
    and steps of SQLite's machine."""

    def __init__(self) -> None:
        self.spent: list[float] = []
        self.statements = self.steps = self.visits = 0

    @contextmanager
    def of(self, visits: int) -> Iterator[None]:
        from django.db import connection

        def note(
            execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
        ) -> Any:
            self.statements += len(params) if many else 1
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            if connection.vendor == "sqlite":
                connection.connection.set_progress_handler(self._step, STEPS)
            began = time.process_time()
            yield
            self.spent.append((time.process_time() - began) * 1000 / visits)
            if connection.vendor == "sqlite":
                connection.connection.set_progress_handler(None, 0)
        self.visits += visits

    def _step(self) -> int:
        self.steps += STEPS
        return 0


def rounds(lanes: list[Lane], number: int) -> Cost:
    """`number` rounds over all `lanes`, every head due for a look."""
    from jobs.engine import lane_lease as claims
    from jobs.engine import lane_round

    cost = Cost()
    for _ in range(number):
        _all_due(lanes)
        with cost.of(len(lanes)):
            seen = lane_round.survey(claims.claim(len(lanes)))
            assert len(seen) == len(lanes)
            assert not any(one.needs_visit for one in seen)
            rest = lane_round.take_in([lane_round.ask(one, False) for one in seen])
        assert not rest
    return cost


def whole(lanes: list[Lane], number: int) -> Cost:
    """The same of whole visits of the first of `lanes`."""
    from jobs.engine import lane_lease as claims
    from jobs.engine import lane_visit

    cost = Cost()
    for _ in range(number):
        _all_due(lanes[:1])
        with cost.of(1):
            (claimed,) = claims.claim(1)
            lane_visit.visit(claimed)
    return cost


def _all_due(lanes: list[Lane]) -> None:
    from django.utils import timezone

    from jobs.common.states import State
    from jobs.models import Job, Lane

    now, ids = timezone.now(), [lane.pk for lane in lanes]
    Lane.objects.exclude(pk__in=ids).update(next_visit_at=None)
    Job.objects.filter(lane__in=ids, state=State.RUNNING).update(next_look_at=now)
    Lane.objects.filter(pk__in=ids).update(next_visit_at=now, lease_until=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, nargs="*", default=[1000, 1_000_000])
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=40)
    asked = parser.parse_args()
    with stage.site(database=stage.database_asked()), pytest.MonkeyPatch.context() as patch:
        from django.conf import settings

        from jobs.common.states import State
        from jobs.models import Job
        from tests.service import Service, task, uses

        team, owner, _ = stage.company()
        service = Service()
        service.get = lambda task_id: task(task_id, "RUNNING")  # type: ignore[method-assign]
        with contextmanager(uses)(patch, service):
            first = finished(team, owner)
            multiply(first, asked.few - 1)
            lanes = busy(team, owner, first, LANES)
            told: dict[str, Any] = {}
            few: dict[str, float] = {}
            for number in (asked.few, *sorted(asked.many)):
                missing = number - Job.objects.filter(state=State.SUCCEEDED).count()
                began = time.monotonic()
                multiply(first, missing)
                told[f"filled_{number}_s"] = time.monotonic() - began
                for name, measure, of in (
                    ("round", rounds, lanes),
                    ("alone", rounds, lanes[:1]),
                    ("whole", whole, lanes),
                ):
                    measure(of, 5)
                    machine = stage.machine()
                    cost = measure(of, asked.rounds)
                    machine = (machine + stage.machine()) / 2
                    middle = median(cost.spent) * stage.QUICK / machine
                    told |= {
                        f"{name}_ms_{number}": median(cost.spent),
                        f"{name}_quick_ms_{number}": middle,
                    }
                    told |= {
                        f"{name}_statements_{number}": cost.statements / cost.visits,
                        f"{name}_steps_{number}": cost.steps / cost.visits,
                    }
                    told[f"{name}_ratio_{number}"] = middle / few.setdefault(name, middle)
        stage.say(
            bench="growth",
            database=settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1],
            **told,
            machine_ms=stage.machine(),
        )


if __name__ == "__main__":
    main()
