"""The promises as code: what must hold of every row and every file, whatever was killed when.

Each invariant reads one statement, row by row, so it needs little memory and sees one moment even
while the site works. It yields a sentence with the ids for everything that is broken; `manage.py
verify` prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from jobs.engine.invariant_tally import Tally
from jobs.engine.invariants_jobs import events_record_every_move, nothing_is_stuck, one_job_per_task
from jobs.engine.invariants_ledger import balances_hold, entries_fit
from jobs.engine.invariants_money import (
    budgets_hold,
    holds_of_checks,
    holds_of_jobs,
    settled_as_used,
)
from jobs.engine.invariants_results import results_are_whole
from jobs.engine.invariants_storage import storage_is_counted


@dataclass
class Report:
    """Sentences about what is broken, those about what is as promised but worth a look, and how
    many things each invariant looked at."""

    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)


def broken(deep: bool = False) -> list[str]:
    """A sentence for every broken invariant; [] when all hold. `deep` decodes every video to its
    last frame."""
    return report(deep=deep).broken


def report(deep: bool = False) -> Report:
    """`broken()`, with what was looked at."""
    found = Report()
    for name, invariant in INVARIANTS.items():
        tally = Tally(deep)
        found.broken += invariant(tally)
        found.notes += tally.notes
        found.checked[name] = tally.seen
    return found


INVARIANTS: dict[str, Callable[[Tally], Iterator[str]]] = {
    "tasks": one_job_per_task,
    "jobs": holds_of_jobs,
    "checks": holds_of_checks,
    "settlements": settled_as_used,
    "ledger entries": entries_fit,
    "balances": balances_hold,
    "budget entries": budgets_hold,
    "results": results_are_whole,
    "sums of storage": storage_is_counted,
    "open jobs": nothing_is_stuck,
    "events": events_record_every_move,
}
