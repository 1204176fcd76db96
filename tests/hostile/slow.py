"""Slow clients of every kind, a thousand of each, and an honest visitor beside them.

One JSON line for each: the visitor's p95 beside them and alone, right before; how /healthz did, and
what became of the attackers.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from tests.bench import stage
from tests.hostile.site import target, under_attack, visit

KINDS = ("idle", "headers", "bodies", "readers", "uploads", "forms", "streams")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=20.0, help="of the visitor, each time")
    parser.add_argument("--settle", type=float, default=10.0, help="seconds before he comes")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    options = parser.parse_args()
    with target() as site:
        visit(site, 2)
        for kind in options.kinds:
            count = options.streams if kind == "streams" else options.clients
            alone = visit(site, options.seconds)
            with under_attack(site, kind, count) as told:
                time.sleep(options.settle)
                beside = visit(site, options.seconds)
                memory = site.memory
            say(kind, count, alone, beside, memory, told)


def say(
    kind: str,
    count: int,
    alone: dict[str, Any],
    beside: dict[str, Any],
    memory: float,
    told: dict[str, Any],
) -> None:
    stage.say(
        attack=kind,
        clients=count,
        p95_alone=alone["p95"],
        p95=beside["p95"],
        ratio=beside["p95"] / alone["p95"],
        pages=beside["pages"],
        healthz_p95=beside["healthz_p95"],
        healthz_max=beside["healthz_max"],
        wrong=beside["wrong"],
        memory_mb=memory,
        attackers=told,
    )


if __name__ == "__main__":
    main()
