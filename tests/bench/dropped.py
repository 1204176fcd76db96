"""One submit whose answer is cut off after the service did its work, once or every time: how many
tasks exist, how many POSTs were sent."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

from tests.bench import stage

PATIENCE = 180.0


def submit(url: str, key: str) -> str:
    """One job on an account of its own; says how its doubt ended."""
    from jobs.common.states import State
    from jobs.models import Job
    from jobs.orders import create
    from studio.models import Team, User
    from tests import makers

    if not Team.objects.exists():
        stage.company(url)
    team, owner = Team.objects.get(), User.objects.get()
    account = makers.account(team, url, key=key)
    job = create.create(replace(stage.portrait_wish(team, owner, account), account=account))
    began, doubted = time.monotonic(), False
    while time.monotonic() - began < PATIENCE:
        time.sleep(0.2)
        job = Job.objects.get(pk=job.pk)
        doubted = doubted or job.state == State.UNCERTAIN
        if job.state == State.RUNNING:
            break
    return (
        f"{'in doubt, then ' if doubted else ''}{job.state} after {time.monotonic() - began:.1f} s"
    )


def seen(service: str, key: str, ended: str) -> dict[str, Any]:
    """What the service has of `key`."""
    tasks = [
        task
        for task in stage.asked_of(service, "/simulator/tasks")["tasks"]
        if task["account"] == key
    ]
    posts = stage.asked_of(service, "/simulator/seen")["seen"].get(key, {}).get("submit", 0)
    return {"tasks": len(tasks), "posts": posts, "ended": ended}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--times", type=int, default=1, help="how many submits in a row are cut off"
    )
    asked = parser.parse_args()
    # Long enough that the task is still there to be found.
    with stage.module("service", "--length", 120) as process:
        service = stage.line(process)
        with (
            stage.site(redis=True, database=stage.database_asked(), MEDIA_DELIVERY="temporary"),
            stage.workers(),
        ):
            stage.asked_of(
                service,
                "/simulator/arm",
                {"fault": "cut-after", "where": "submit", "times": asked.times},
            )
            stage.say(
                bench="dropped",
                cut=asked.times,
                **seen(service, "sk-ours", submit(service, "sk-ours")),
            )


if __name__ == "__main__":
    main()
