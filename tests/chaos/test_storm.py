"""A short storm on each database: nothing lost, nothing paid twice, the ledger is the service's
bill, every video is whole.

Two sites share the accounts of the provider, six people order a dance from one new video at once,
and one database becomes that of seconds before. JOBS, SITES, DANCES, RESTORES, SUPERVISORS,
STORM_SECONDS (how long there are kills, on a usual machine) and SEED change it.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from tests.chaos import databases, storm
from tests.chaos.plan import Plan

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(
        not Path("/proc/self/environ").exists(), reason="finds its processes through /proc"
    ),
]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_short_storm(tmp_path: Path, database: str) -> None:
    if database == "postgres" and not databases.postgres_possible():
        pytest.skip("no PostgreSQL: neither DATABASE_URL nor its binaries")
    seed = int(os.environ.get("SEED", str(random.randrange(10**6))))
    jobs = int(os.environ.get("JOBS", "24"))
    seconds = float(os.environ.get("STORM_SECONDS", "60"))
    crew = int(os.environ.get("SUPERVISORS", "2"))
    plan = Plan(
        jobs,
        2,
        sites=int(os.environ.get("SITES", "2")),
        one_key=seed % 2 == 1,
        dances=int(os.environ.get("DANCES", "3")),
        restores=int(os.environ.get("RESTORES", "1")),
        supervisors=crew,
        database=database,
        seed=seed,
        pages=jobs // 3,
        doubtful=False,
        pause=0.5,
        storm_seconds=seconds,
        patience=900.0,
        stopped=seconds,
    )
    figures = storm.run(plan, tmp_path)
    print(json.dumps(figures))
    assert figures["wrong"] == []
    assert (
        figures["lost"],
        figures["paid_twice"],
        figures["incomplete_videos"],
        figures["ledger_minus_bill_micros"],
    ) == (0, 0, 0, 0)
    # Where programs start slowly, few are old enough to die.
    assert figures["killed"] + figures["kills"].get("stopped", 0) >= 3
    assert {"cut-before@submit", "cut-after@submit"} <= set(figures["faults"])
    assert figures["uncertain"] >= 2
    assert figures["verify"] == 0
