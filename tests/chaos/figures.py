"""The figures of a storm, once everything has ended."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

from studio.local.stack import manage_command
from tests.chaos.accounting import Accounts
from tests.chaos.crew import ROOT
from tests.chaos.provider import made_tasks
from tests.chaos.site import Site

if TYPE_CHECKING:
    from tests.chaos.storm import Storm

SUMS = (
    "jobs",
    "templates",
    "adopted",
    "uncertain",
    "uncertain_found",
    "uncertain_again",
    "retries",
    "broken_twice",
)


def figures_of(storm: Storm, stormed: float) -> dict[str, Any]:
    """What came of it, as numbers; `wrong` names everything that must not be, and is empty."""
    told = [json.loads(site.cast("audit")) for site in storm.sites]
    made = made_tasks(storm.provider.folder)
    accounts = Accounts(storm.sites, told, made, storm.provider.says("bill"))
    verified = [_verify(site) for site in storm.sites]
    wrong = accounts.wrong() + [line for line in verified if line]
    total = {name: sum(one[name] for one in told) for name in SUMS}
    lost = sum(len(one["open"]) + len(one["ended_badly"]) for one in told)
    twice = sum(accounts.paid_twice(site) for site in storm.sites)
    strays = [accounts.in_no_row(site, one) for site, one in zip(storm.sites, told, strict=True)]
    hurt = storm.victims.counts
    return {
        "accounts": storm.plan.accounts,
        "sites": storm.plan.sites,
        "one_key": storm.plan.one_key,
        "database": storm.plan.database,
        "seed": storm.plan.seed,
        **total,
        "lost": lost,
        "paid_twice": twice + sum(len(stray) for stray in strays),
        "tasks": len(made),
        "ledger_minus_bill_micros": accounts.settled - accounts.paid,
        "incomplete_videos": sum(len(one["broken_videos"]) for one in told),
        "verify": sum(bool(line) for line in verified),
        "seconds": round(time.monotonic() - storm.began, 1),
        "storm_seconds": round(stormed, 1),
        "kills": dict(hurt),
        "killed": sum(hurt.values()) - hurt["stopped"] - hurt["restored"],
        "seconds_between_kills": round(storm.plan.kill_every * storm.slowness, 2),
        "restarts": storm.restarts,
        "attempts_lost": storm.attempts_lost,
        "clicks_lost": sum(len(site.lost) for site in storm.sites),
        "restores_noticed": sum(site.person.noticed for site in storm.sites),
        "looks_of_people": sum(site.person.looks for site in storm.sites),
        "faults": dict(sorted(storm.provider.faults.items())),
        "injected": sum(storm.provider.faults.values()),
        "most_attempts": max(one["most_attempts"] for one in told),
        "wrong": wrong,
    }


def _verify(site: Site) -> str:
    done = subprocess.run(
        manage_command("verify"),
        cwd=ROOT,
        env=site.env,
        capture_output=True,
        text=True,
        timeout=900,
    )
    if done.returncode == 0:
        return ""
    return f"site {site.number}: verify: {done.stdout[-1000:]}{done.stderr[-1000:]}"
