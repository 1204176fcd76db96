"""An honest visitor of a site under attack: pages a second and their p95, alone and beside 1,000
slow clients (headers, bodies, readers, half-open uploads in equal parts), 1,000 live followers, and
four decoders at work; memory of the web process.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from typing import Any

from tests.bench import stage
from tests.bench.decoders import busy
from tests.hostile.site import Target, target, under_attack, visit

SLOW = ("headers", "bodies", "readers", "uploads")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", type=int, default=1000)
    parser.add_argument("--followers", type=int, default=1000)
    parser.add_argument("--decoders", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20.0, help="of the visitor, each time")
    parser.add_argument("--settle", type=float, default=10.0, help="before the visitor comes")
    options = parser.parse_args()
    with target() as site:
        visit(site, 2)
        _say("alone", site, visit(site, options.seconds))
        groups = {
            "slow": [(kind, options.slow // len(SLOW)) for kind in SLOW],
            "followers": [("streams", options.followers)],
        }
        groups["both"] = groups["slow"] + groups["followers"]
        for name, attacks in groups.items():
            with ExitStack() as stack:
                for kind, count in attacks:
                    stack.enter_context(under_attack(site, kind, count))
                time.sleep(options.settle)
                _say(name, site, visit(site, options.seconds))
        with busy(options.decoders):
            _say("decoders", site, visit(site, options.seconds))
        _say("alone again", site, visit(site, options.seconds))


def _say(beside: str, site: Target, seen: dict[str, Any]) -> None:
    stage.say(bench="visitors", beside=beside, memory_mb=site.memory, **seen)


if __name__ == "__main__":
    main()
