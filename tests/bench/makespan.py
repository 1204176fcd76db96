"""N jobs on one lane: how much longer they take together than their work, what that costs in calls, and how late a film is here.

Work times are scattered by ±20 % around what the lane learns. The service runs in this process and shares its processors, so
lateness is what it is with a busy neighbour.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from jobs.simulator import Simulator
from jobs.simulator.work import Clock
from tests.bench import stage


@dataclass(slots=True)
class Scattered(Clock):
    """Work that takes up to a fifth more or less than it should; the same each time."""

    dice: random.Random = field(default_factory=lambda: random.Random(10))

    def work_ms(self, seconds: float) -> float:
        # dataclass(slots=True) makes the class anew, which the short form of super() does not survive
        return Clock.work_ms(self, seconds) * self.dice.uniform(0.8, 1.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--speed", type=float, default=4.0, help="of the service: 1 takes 39 s a film")
    asked = parser.parse_args()
    with stage.site(redis=True, MEDIA_DELIVERY="temporary"), Simulator(speed=asked.speed, rate_speed=1.0) as service:
        service.works.clock = Scattered(asked.speed, 1.0)
        _measure(service, asked.jobs)


def _measure(service: Simulator, number: int) -> None:
    from django.db import connections
    from django.utils import timezone

    from jobs import lanes, runner, tasks
    from jobs.models import Job
    from jobs.states import TERMINAL, State

    team, owner, account = stage.company(service.url)
    wish = stage.portrait_wish(team, owner, account)
    steps = ThreadPoolExecutor(2, thread_name_prefix="step")

    def run(function: Callable[..., None], *args: int) -> None:
        try:
            function(*args)
        finally:
            connections.close_all()

    # Films are brought home by threads instead of RQ's processes, woken at the same moment.
    tasks._enqueue = lambda queue, function, *args: steps.submit(run, function, *args)  # type: ignore[assignment]
    began = timezone.now()
    for _ in range(number):
        runner.create(wish)
    last = time.monotonic()

    def over() -> bool:
        nonlocal last
        if time.monotonic() - last < 1:
            return False
        last = time.monotonic()
        return not Job.objects.exclude(state__in=TERMINAL).exists()

    lanes.work(60 + number * 60.0, stop=over)
    steps.shutdown()
    made = {task.task_id: task for task in service.tasks}
    ended = list(Job.objects.filter(state=State.SUCCEEDED))
    work = sum(((task.end_ms or 0) - (task.scheduled_ms or 0)) / 1000 for task in made.values() if task.end_ms)
    finishes = [job.finished_at for job in ended if job.finished_at is not None]
    late = sorted(at.timestamp() - (made[job.task_id].end_ms or 0) / 1000 for job, at in zip(ended, finishes, strict=True))
    whole = (max(finishes) - began).total_seconds()
    at_service = (max(task.end_ms or 0 for task in made.values()) / 1000) - began.timestamp()
    stage.say(
        bench="makespan",
        jobs=number,
        lost=number - len(ended),
        tasks=len(made),
        posts=service.count("submit"),
        answers_429=sum(1 for call in service.calls if call.status == 429),
        work_s=work,
        work_each_s=work / len(made),
        makespan_s=whole,
        ratio=whole / work,
        ratio_at_service=at_service / work,
        status_queries_per_job=service.count("get") / number,
        late_p50_s=stage.percentile(late, 50),
        late_p95_s=stage.percentile(late, 95),
    )


if __name__ == "__main__":
    main()
