"""The simulator as a process of its own for benchmarks: work takes a fifth more or less than it
should, and a video is rendered once and copied afterwards, so that the service leaves the
processors to those who are measured.

`python -m tests.bench.service --length 20` prints its base address and serves until SIGTERM. Beside
what the simulator answers: `GET /simulator/seen` counts, per key, the calls by endpoint and the
answers with 429.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.simulator import Simulator, render_talking
from jobs.simulator.answers import Reply, json_reply
from jobs.simulator.request import Request
from jobs.simulator.task_runner import Clock

VIDEO_SECONDS = 4.607  # of the sample speech, whose video this is
SCATTER = 0.2


@dataclass(slots=True)
class Scattered(Clock):
    """Work that takes up to a fifth more or less than it should; the same each time."""

    dice: random.Random = field(default_factory=lambda: random.Random(10))

    def work_ms(self, seconds: float) -> float:
        # dataclass(slots=True) makes the class anew, which the short form of super() does not
        # survive
        return Clock.work_ms(self, seconds) * self.dice.uniform(1 - SCATTER, 1 + SCATTER)


class Service(Simulator):
    def _control(self, request: Request) -> Reply | None:
        if request.path != "/simulator/seen":
            return super()._control(request)
        seen: dict[str, Counter[str]] = {}
        for call in self.calls:
            of_key = seen.setdefault(call.key, Counter())
            of_key[call.endpoint] += 1
            of_key["429"] += call.status == 429
        return json_reply({"seen": seen})


class Once:
    """Renders as the simulator does, but every video of the same kind only once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._render = render_talking.render

    def __call__(self, to: Path, *what: Any, **how: Any) -> None:
        kept = self.folder / "rendered.mp4"
        with self._lock:
            if not kept.exists():
                self._render(kept, *what, **how)
        shutil.copyfile(kept, to)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--length",
        type=float,
        default=20.0,
        help="seconds of work of one video of the sample speech",
    )
    asked = parser.parse_args()
    done = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: done.set())
    service = Service(work_per_second=asked.length / VIDEO_SECONDS)
    service.runner.clock = Scattered(1.0, 1.0, asked.length / VIDEO_SECONDS)
    render_talking.render = Once(service.data_dir)  # type: ignore[assignment]
    with service:
        print(service.url, flush=True)
        done.wait()


if __name__ == "__main__":
    main()
