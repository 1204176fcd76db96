"""The service of a storm: the simulator as a process that is killed like the others, its faults,
and what it really made and billed, which only a storm can know."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from studio.local.stack import LOOPBACK, manage_command, port_listens
from tests.chaos import weather
from tests.chaos.crew import Part
from tests.chaos.plan import Plan

Wish = tuple[str, ...]  # what a task is made of: the model, then its files


@dataclass(frozen=True, slots=True)
class MadeTask:
    """A task as the service has it, and of which site (the port of its web server) it is."""

    task_id: str
    status: str
    port: int
    wish: Wish
    key: str


def wish_of(model: str, inputs: dict[str, Any]) -> Wish:
    """Two orders are one wish when this is the same. A file counts as the last part of its address,
    which begins with its hash; a template not at all, since a database of before lacks it."""
    addresses = (value for value in inputs.values() if str(value).startswith("http"))
    return (model, *sorted(value.rsplit("/", 1)[-1] for value in addresses))


def made_tasks(folder: Path) -> list[MadeTask]:
    """Every task of the simulator whose data is in `folder`, oldest first."""
    file = folder / "simulator.sqlite3"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as line:
        rows = line.execute(
            "select task_id, status, model, body, api_key from task order by seq"
        ).fetchall()
    return [_made(*row) for row in rows]


def _made(task_id: str, status: str, model: str, body: str, key: str) -> MadeTask:
    inputs = json.loads(body)["input"]
    ports = {
        urlsplit(value).port
        for value in inputs.values()
        if isinstance(value, str) and value.startswith("http")
    }
    assert len(ports) == 1, f"task {task_id} is made of files of {ports}"
    return MadeTask(task_id, status, ports.pop() or 0, wish_of(model, inputs), key)


class Provider:
    """`part` is its process. `faults` counts what struck since the beginning."""

    def __init__(
        self, plan: Plan, folder: Path, port: int, env: dict[str, str], logs: Path
    ) -> None:
        self.plan, self.folder, self.port = plan, folder, port
        self.url = f"http://{LOOPBACK}:{port}"
        self.faults: Counter[str] = Counter()
        self.stormy = False
        self._struck: Counter[str] = Counter()
        keys = [
            word
            for site in range(1, plan.sites)
            for account in range(plan.accounts)
            for word in ("--key", f"{key_of(plan, site, account)}={key_of(plan, 0, account)}")
        ]
        words = manage_command(
            "simulator",
            "--port",
            port,
            "--host",
            LOOPBACK,
            "--speed",
            plan.speed,
            "--data-dir",
            folder,
            *keys,
        )
        self.part = Part("simulator", words, env, logs, ready=lambda: port_listens(port))

    def storm(self) -> None:
        """Let it draw faults, each start of it with dice of its own."""
        self.order(
            "random_faults",
            seed=self.plan.seed * 1000 + self.part.starts,
            rate=0.0,
            faults=weather.faults(doubtful=self.plan.doubtful),
        )
        # At least one of each of the two that money is about; what is armed dies with the service.
        for fault, times in (("cut-before", 1), ("cut-after", 2)):
            if not self.faults[f"{fault}@submit"]:
                self.order("arm", fault=fault, where="submit", times=times)
        self.stormy = True

    def calm(self) -> None:
        self.stormy = False
        self.note_faults()
        self.order("disarm")

    def order(self, what: str, **words: Any) -> None:
        answer = requests.post(f"{self.url}/simulator/{what}", json=words, timeout=10)
        assert answer.status_code == 200, answer.text

    def says(self, what: str) -> list[Any]:
        answer = requests.get(f"{self.url}/simulator/{what}", timeout=60).json()
        return list(answer[what])

    def note_faults(self) -> None:
        """Add what struck since the last look; the counts begin anew with each start."""
        try:
            told = requests.get(f"{self.url}/simulator/faults", timeout=5).json()["faults"]
        except (requests.RequestException, ValueError):
            return
        struck = Counter(told)
        if any(struck[name] < count for name, count in self._struck.items()):
            self._struck = Counter()
        self.faults += struck - self._struck
        self._struck = struck


def key_of(plan: Plan, site: int, account: int) -> str:
    """The key that `site` has for the provider's `account`."""
    own = "" if plan.one_key or site == 0 else f"-of-site-{site}"
    return f"sk-storm-{account}{own}"
