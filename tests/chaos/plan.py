"""How large a storm is, and where that is said: the environment of `python -m tests.chaos.storm`
and of its test."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos import databases


@dataclass(frozen=True, slots=True)
class Plan:
    """`jobs` portraits a site; `pages` of them are made through the real pages, the others by a
    process with the runner."""

    jobs: int = 200
    accounts: int = 4
    supervisors: int = 3
    database: str = "sqlite"
    seed: int = 1
    kill_every: float = 1.0
    speed: float = 30.0
    pages: int = 40
    doubtful: bool = (
        True  # with submits that made no task and say nothing, at random; else exactly one of them
    )
    pause: float = 0.3  # between two clicks
    storm_until: float = 0.85  # the share of jobs that have ended when kills and faults stop;
    storm_seconds: float = 1800.0  # the kills stop earlier, this long after the first job was sent
    patience: float = 1800.0  # seconds for everything
    stopped: float = 120.0  # seconds that a worker is stopped (SIGSTOP) at most, and goes on then
    clock_off: float = 0.0  # seconds that the clock of the last supervisor is off (libfaketime)
    sites: int = 1  # installs with a database of their own, on the same accounts of the provider
    one_key: bool = False  # the sites share their keys, too; else each has keys of its own
    dances: int = 0  # processes of each site that order a dance from one new video at once
    restores: int = 0  # times that the database of a site becomes the one of seconds before


def from_environment(environ: Mapping[str, str] = os.environ) -> Plan:
    """The storm that somebody asks for by hand."""

    def number(name: str, otherwise: float) -> float:
        return float(environ.get(name, otherwise))

    jobs = int(number("JOBS", 200))
    possible = "postgres" if databases.postgres_possible() else "sqlite"
    return Plan(
        jobs=jobs,
        accounts=int(number("ACCOUNTS", 4)),
        supervisors=int(number("SUPERVISORS", 3)),
        database=environ.get("DATABASE", possible),
        seed=int(number("SEED", random.randrange(10**6))),
        kill_every=number("KILL_EVERY", 1.0),
        speed=number("SPEED", 30),
        pages=int(number("PAGES", jobs // 5)),
        doubtful=environ.get("DOUBTFUL", "1") == "1",
        storm_seconds=number("STORM_SECONDS", 1800),
        stopped=number("STOPPED", 120),
        clock_off=number("CLOCK_OFF", 0),
        patience=number("PATIENCE", 3600),
        sites=int(number("SITES", 2)),
        one_key=environ.get("ONE_KEY", "0") == "1",
        dances=int(number("DANCES", 6)),
        restores=int(number("RESTORES", 1)),
    )
