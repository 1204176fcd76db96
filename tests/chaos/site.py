"""One install of a storm: its folder, database, web server, supervisors, and whoever orders. Redis
and the provider are shared with the other sites."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from studio.local.stack import LOOPBACK, manage_command, web_answers, web_command
from tests.chaos import databases
from tests.chaos.clicker import Clicker
from tests.chaos.crew import ROOT, Part, faketime
from tests.chaos.person import Person
from tests.chaos.plan import Plan
from tests.chaos.provider import key_of

SKIP = "skip.json"  # in the folder of a site: titles that nobody orders again


class Site:
    """`number` 0 is the first. `env` has what all sites share."""

    def __init__(
        self,
        plan: Plan,
        number: int,
        folder: Path,
        port: int,
        env: dict[str, str],
        first: Site | None,
    ) -> None:
        self.plan, self.number, self.port = plan, number, port
        self.data, self.logs = folder / f"data-{number}", folder / "logs"
        self.data.mkdir(exist_ok=True)
        self.web_url = f"http://{LOOPBACK}:{port}"
        self.lost: set[str] = set()  # titles of jobs that a restore took away
        self.told: dict[str, Any] = {}
        self.database: databases.SQLite | databases.PostgreSQL = databases.make(
            plan.database, self.data, self.logs, first.database if first is not None else None
        )
        keys = [key_of(plan, number, account) for account in range(plan.accounts)]
        self.env = env | {
            "DATA_DIR": str(self.data),
            "PUBLIC_URL": self.web_url,
            "STORM_KEYS": ",".join(keys),
        }
        if self.database.url:
            self.env["DATABASE_URL"] = self.database.url
        off = self.env | faketime(plan.clock_off) if plan.clock_off else self.env
        web = web_command(LOOPBACK, port)
        self.web = self._part("web", web, ready=lambda: web_answers(self.web_url))
        self.supervisors = [
            self._part(f"worker-{n}", manage_command("worker")) for n in range(plan.supervisors)
        ]
        if plan.clock_off and number == 0:
            self.supervisors.append(self._part("worker-off", manage_command("worker"), env=off))
        self.wishers: list[Part] = []
        self.person = Person(self)

    def _part(self, name: str, command: list[str], **more: Any) -> Part:
        env = more.pop("env", self.env)
        return Part(f"{name}-of-{self.number}", command, env, self.logs, **more)

    @property
    def parts(self) -> list[Part]:
        return [self.web, *self.supervisors, *self.wishers]

    # ── before the storm ──────────────────────────────────────────────────────────────────────────

    def migrate(self) -> None:
        self.database.up()
        self.run(manage_command("migrate", "-v", "0"))

    def open(self) -> None:
        """People, accounts and files; the stack is up."""
        plan = self.plan
        self.told = json.loads(self.cast("open", plan.jobs, plan.dances))

    def order_all(self, start: float) -> None:
        """Somebody at a browser, one with the runner, and dances that are ordered together at
        `start` (epoch seconds)."""
        plan = self.plan
        runner = plan.jobs - plan.pages
        words = [sys.executable, "-m", "tests.chaos.cast"]
        self.wishers = [self._part("wisher", [*words, "wish", "0", str(runner)], once=True)]
        self.wishers += [
            self._part(f"dance-{n}", [*words, "dance", str(n), str(int(start))], once=True)
            for n in range(plan.dances)
        ]
        for part in self.wishers:
            part.start()
        self.clicker = Clicker(self.web_url, self.told, list(range(runner, plan.jobs)), plan.pause)
        self.clicker.start()

    # ── a restore ─────────────────────────────────────────────────────────────────────────────────

    def restore(self) -> int:
        """The database becomes its copy, and everything of the site starts again: nobody orders
        again what is lost, since nobody knows that it is. Returns how many attempts are lost."""
        with self.clicker.between_clicks:
            for part in reversed(self.parts):
                part.die()
            titles, latest = self.database.titles(), self.database.latest_attempt()
            self.database.restore()
            lost = titles - self.database.titles()
            self.lost |= lost
            self.clicker.made_before |= titles
            (self.data / SKIP).write_text(json.dumps(sorted(titles | self.lost)))
            return latest - self.database.latest_attempt()

    # ── asking it ─────────────────────────────────────────────────────────────────────────────────

    def run(self, command: list[str], timeout: float = 900) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=timeout
        )
        assert done.returncode == 0, (
            f"{command[-3:]} ended with {done.returncode}: {done.stderr[-3000:]}"
        )
        return done.stdout

    def cast(self, *words: object) -> str:
        asked = [sys.executable, "-m", "tests.chaos.cast", *(str(word) for word in words)]
        return self.run(asked).strip().splitlines()[-1]

    @property
    def all_ordered(self) -> bool:
        return not self.clicker.is_alive() and all(part.done for part in self.wishers)

    def wishes(self) -> list[str]:
        """The titles of all that was ordered and not lost."""
        wanted = [f"Take {n}" for n in range(self.plan.jobs)]
        wanted += [f"Dance {n}" for n in range(self.plan.dances)]
        return sorted(set(wanted) - self.lost)
