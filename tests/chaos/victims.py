"""Who is hurt next in a storm: killed with -9, or stopped for a while and continued."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from tests.chaos.crew import Part, age_of, kill, workers_of
from tests.chaos.databases import PostgreSQL
from tests.chaos.plan import Plan
from tests.chaos.site import Site

# How often which kind of process is the one that dies; work horses are what a real crash hits most.
WEIGHTS = {
    "horse": 5,
    "hand": 3,
    "supervisor": 2,
    "web": 2,
    "redis": 1,
    "backend": 3,
    "wisher": 1,
    "simulator": 0.3,
}
STOPS = 0.35  # of the workers that would be killed, those that are stopped for a while instead
# On SQLite a stopped writer stops every other one: shorter than they wait for each other.
STOPPED_ON_SQLITE = 4.0


class Victims:
    """`youth` is the age in seconds below which nobody dies: else, where programs start slowly,
    nothing would ever be done. `wipe`: Redis, killed last, begins anew."""

    def __init__(self, plan: Plan, dice: random.Random) -> None:
        self.plan, self.dice, self.youth = plan, dice, 0.0
        self.counts: Counter[str] = Counter()
        self.wipe = False
        self._asleep: dict[int, float] = {}  # stopped processes, and when they go on

    def strike(self, site: Site, shared: dict[str, Part], *, may_wipe: bool) -> bool:
        """Hurt one process of `site`, or of what it shares by kind ("redis", "simulator"). True
        when that was the simulator."""
        found = self._candidates(site, shared)
        if not found:
            return False
        kind = self.dice.choices(list(found), [WEIGHTS[kind] for kind in found])[0]
        if kind in ("horse", "hand") and self.dice.random() < STOPS:
            self._stop(self.dice.choice(found[kind]))
            return False
        if kind == "backend":
            done = site.database.end_a_backend(self.dice)
            self.counts.update([done] if done else [])
            return False
        if kind == "redis":
            self.wipe = self.dice.random() < 0.4 and may_wipe
        if kill(self.dice.choice(found[kind])):
            self.counts["redis wiped" if kind == "redis" and self.wipe else kind] += 1
        return kind == "simulator"

    def _candidates(self, site: Site, shared: dict[str, Part]) -> dict[str, Sequence[int]]:
        """Process numbers by kind, of those that are old enough."""
        found: dict[str, list[int]] = {"horse": [], "hand": [], "supervisor": []}
        for part in site.supervisors:
            hands, horses = workers_of(part)
            found["hand"] += hands
            found["horse"] += horses
            found["supervisor"] += _alive(part)
        found |= {name: _alive(part) for name, part in (*shared.items(), ("web", site.web))}
        found["wisher"] = [pid for part in site.wishers for pid in _alive(part)]
        grown = {
            kind: [
                pid
                for pid in pids
                if age_of(pid) > (self.youth / 8 if kind == "horse" else self.youth)
            ]
            for kind, pids in found.items()
        }
        if isinstance(site.database, PostgreSQL):
            grown["backend"] = [0]
        return {kind: pids for kind, pids in grown.items() if pids}

    def _stop(self, pid: int) -> None:
        """It sleeps in the middle of whatever it does, perhaps longer than its leases, and goes
        on."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            on_sqlite = self.plan.database == "sqlite"
            longest = STOPPED_ON_SQLITE if on_sqlite else self.plan.stopped
            self._asleep[pid] = time.monotonic() + self.dice.uniform(2, max(3, longest))
            self.counts["stopped"] += 1

    def wake(self, *, everybody: bool = False) -> None:
        for pid, due in list(self._asleep.items()):
            if everybody or time.monotonic() >= due:
                del self._asleep[pid]
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


def _alive(part: Part) -> list[int]:
    return [part.process.pid] if part.alive and part.process else []
