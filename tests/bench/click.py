"""From a click to its submit: how long after `orders.create` begins, in a process like that of the
web pages, the POST is at the service, while a worker waits on free lanes. Every click is on a lane
of its own that has nothing to do.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import replace

from tests.bench import stage

DICE = random.Random(7)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=60)
    parser.add_argument(
        "--busy",
        type=int,
        default=0,
        help="other lanes that are looked at every five seconds meanwhile",
    )
    asked = parser.parse_args()
    with (
        stage.module("stub") as stub,
        stage.site(
            redis=True,
            database=stage.database_asked(),
            PUBLIC_URL="http://127.0.0.1:9",
            MEDIA_DELIVERY="public",
        ),
    ):
        from django.conf import settings
        from django.utils import timezone

        from jobs.orders import create
        from studio.models import Team
        from tests import makers
        from tests.bench.lanes import fill

        url = stage.line(stub)
        team, owner, account = stage.company(url)
        Team.objects.filter(pk=team.pk).update(waiting_limit=10_000)
        team.refresh_from_db()
        if asked.busy:
            fill(team, owner, url, asked.busy, 5.0, timezone.now())
        wish = stage.portrait_wish(team, owner, account)
        accounts = [
            makers.account(team, url, key=f"sk-click-{number}") for number in range(asked.clicks)
        ]
        clicked, created = [], []
        with stage.workers(steps=1):
            create.create(
                replace(wish, account=account)
            )  # the first of a process loads what the others find
            time.sleep(3)
            stage.asked_of(url, "/stub/reset", {})
            for free in accounts:
                time.sleep(DICE.uniform(0.3, 1.2))
                began = time.time()
                create.create(replace(wish, account=free))
                clicked.append(began)
                created.append(time.time() - began)
                end = began + 10
                while (
                    len(stage.asked_of(url, "/stub/report")["submits"]) < len(clicked)
                    and time.time() < end
                ):
                    time.sleep(0.05)
        submits = stage.asked_of(url, "/stub/report")["submits"]
        lost = len(clicked) - len(submits)
        took = [at - began for began, at in zip(clicked, submits, strict=False)]
        stage.say(
            bench="click",
            database=settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1],
            clicks=len(clicked),
            lost=lost,
            busy_lanes=asked.busy,
            sent_p50_s=stage.percentile(took, 50),
            sent_p95_s=stage.percentile(took, 95),
            create_p50_s=stage.percentile(created, 50),
            create_p95_s=stage.percentile(created, 95),
            machine_ms=stage.machine(),
        )


if __name__ == "__main__":
    main()
