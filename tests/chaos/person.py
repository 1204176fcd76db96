"""Whoever runs a site of a storm: compares after a restore, decides about jobs in doubt with what
the provider really made, and adopts what was lost."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from studio.local.stack import manage_command
from tests.chaos import databases
from tests.chaos.crew import ROOT

if TYPE_CHECKING:
    from tests.chaos.site import Site

PAUSE = 2.0  # seconds between two looks


class Person:
    """`unnoticed` restores have lost attempts, and no account of the site waits yet."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.unnoticed = self.noticed = self.comparisons = self.looks = 0
        self.provider = Path()
        self._due = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Does what there is to do, in a process beside the storm."""
        if self.busy or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + PAUSE
        database = self.site.database
        if database.count(databases.WAITING):
            self.noticed += self.unnoticed
            self.unnoticed = 0
            self.comparisons += 1
            self._start("reconcile", manage_command("reconcile"))
        elif database.count(databases.UNDECIDED):
            self.decide()

    @property
    def busy(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def decide(self) -> None:
        self.looks += 1
        words = ("-m", "tests.chaos.cast", "decide", str(self.provider))
        self._start("decide", [sys.executable, *words])

    def _start(self, name: str, command: list[str]) -> None:
        log = self.site.logs / f"{name}-of-{self.site.number}.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self.site.env, stdout=out, stderr=subprocess.STDOUT
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
