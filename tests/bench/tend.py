"""A process that does nothing but tend lanes of the present site, for benchmarks that want to know
what that costs.

`python -m tests.bench.tend --seconds 30 --every 5`: says "ready", waits for a line, warms up, tends
for so long and prints what it took. `--every` looks at every task so many seconds after the last
look, instead of when its end is near.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import django

from tests.bench import stage

if TYPE_CHECKING:
    from jobs.models import Job


def peak() -> int:
    """The most resident bytes that this process ever had."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--warm", type=float, default=0.0, help="seconds before what counts")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--every", type=float, default=0.0)
    parser.add_argument(
        "--stub",
        default="",
        help="base address of the stub, whose notes begin anew after the warming",
    )
    asked = parser.parse_args()
    django.setup()
    logging.disable(logging.INFO)
    from jobs.engine import dispatcher, retry

    if asked.every:

        def steady(job: Job, now: datetime) -> float:
            return float(asked.every)

        retry.next_look = steady
    print("ready", flush=True)
    sys.stdin.readline()
    if asked.warm:
        dispatcher.work(asked.warm, threads=asked.threads)
    if asked.stub:
        stage.asked_of(asked.stub, "/stub/reset", {})
    began, cpu = time.monotonic(), time.process_time()
    visits = dispatcher.work(asked.seconds, threads=asked.threads)
    told = {
        "visits": visits,
        "cpu_s": time.process_time() - cpu,
        "seconds": time.monotonic() - began,
        "memory": stage.memory(),
        "peak": peak(),
        "pid": os.getpid(),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
