"""Runs the changes of a mutation run within one pytest session (`-p tests.mutation.plugin`).

mutmut starts pytest anew for each change, which collects the tests and makes the tables again.
Here the tests are collected and run once; then each change gets a fork of this process, with the
tables in its memory, and runs the tests that reach the changed function until one fails.

Reads `todo.json`, the names and digests of the changes, and adds a line to the file that
MUTATION_RESULTS names for each.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.format_utils import mangled_name_from_mutant_name

CHILDREN = int(os.environ.get("MUTATION_CHILDREN", "2"))
# A change that makes a loop endless: seconds of processor and of the clock, beside what its tests
# take without it.
CHECKED_EVERY = 50  # changes
CPU_SECONDS, CLOCK_SECONDS = 20, 240
OUT_OF_TIME, NOTICED, MISSED, NO_TESTS = 36, 1, 0, 33
FAILED = Path("failed.txt")  # which test failed without a change
# Servers that forks would share, and what they write into it.
SHARED = {"redis_url", "live_server"}


@dataclass(slots=True)
class Child:
    digest: str
    ends: float


class Forks:
    """The hooks of one session."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.failed = False
        self.unchanged = NOTICED
        self.noted: list[tuple[str, int]] = []
        self.round = 0
        self.reaching: dict[str, list[pytest.Item]] = defaultdict(list)
        self.cost: dict[str, float] = {}
        self.running: dict[int, Child] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [one for one in items if SHARED.isdisjoint(getattr(one, "fixturenames", ()))]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not session.items or session.config.option.collectonly:
            return False
        self._learn(session)
        self._require_no_false_alarm(session)
        for number, (name, digest) in enumerate(json.loads(Path("todo.json").read_text()), 1):
            if number % CHECKED_EVERY == 0:
                self._require_no_false_alarm(session)
            items = self.reaching.get(mangled_name_from_mutant_name(name), [])
            if not items:
                self._note(digest, NO_TESTS)
                continue
            while len(self.running) >= CHILDREN:
                self._wait()
            self._fork(session, name, digest, items)
        self._require_no_false_alarm(session)
        return True

    def _learn(self, session: pytest.Session) -> None:
        """Run every test once, and note which functions it reaches. One that fails is left out."""
        items = session.items
        reached: dict[pytest.Item, set[str]] = {}
        set_mutant_under_test("stats")
        for number, item in enumerate(items):
            state()._stats.clear()
            self.failed, began = False, time.process_time()
            self._run(item, items[(number + 1) % len(items)])
            self.cost[item.nodeid] = time.process_time() - began
            if self.failed:
                print(f"left out, it fails without a change: {item.nodeid}", file=sys.stderr)
            else:
                reached[item] = set(state()._stats)
        set_mutant_under_test("")
        # What reaches little says most of it, and takes least.
        for item in sorted(reached, key=lambda item: (len(reached[item]), self.cost[item.nodeid])):
            for function in reached[item]:
                self.reaching[function].append(item)

    def _require_no_false_alarm(self, session: pytest.Session) -> None:
        """In a fork in which nothing is changed no test fails, or nothing that was noted since the
        last time means anything. Otherwise that is written down."""
        while self.running:
            self._wait()
        items = list(
            {item.nodeid: item for reach in self.reaching.values() for item in reach}.values()
        )
        self._fork(session, "no.change", "", items[self.round % 10 :: 10] or items)
        self._wait()
        if self.unchanged != MISSED:
            self._leave_out(FAILED.read_text() if FAILED.exists() else "")
            return
        with self.results.open("a") as results:
            results.writelines(f"{code} {digest}\n" for digest, code in self.noted)
        self.noted.clear()
        self.round += 1

    def _leave_out(self, nodeid: str) -> None:
        """A test that fails in a fork without a change says nothing, and neither does what was
        noted since the last time, which is tried again in a later run."""
        if not nodeid:
            raise pytest.UsageError("a fork in which nothing is changed does not end well")
        print(f"left out, it fails in a fork without a change: {nodeid}", file=sys.stderr)
        for function, items in self.reaching.items():
            self.reaching[function] = [item for item in items if item.nodeid != nodeid]
        FAILED.unlink()
        self.noted.clear()

    @staticmethod
    def _run(item: pytest.Item, next_item: pytest.Item) -> None:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=next_item)

    def _fork(
        self, session: pytest.Session, name: str, digest: str, items: list[pytest.Item]
    ) -> None:
        takes = sum(self.cost[item.nodeid] for item in items)
        child = os.fork()
        if child:
            self.running[child] = Child(digest, time.monotonic() + CLOCK_SECONDS + 20 * takes)
            return
        try:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            limit = int(CPU_SECONDS + 4 * takes)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
            set_mutant_under_test(name)
            self.failed = False
            session._setupstate.teardown_exact(items[0])
            for item, after in zip(items, [*items[1:], items[0]], strict=True):
                self._run(item, after)
                if self.failed:
                    if not digest:
                        FAILED.write_text(item.nodeid)
                    os._exit(NOTICED)
            os._exit(MISSED)
        except BaseException:
            # A change that ends the session is noticed, too.
            os._exit(NOTICED)

    def _wait(self) -> None:
        """Until one of the children has ended."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid in self.running:
                digest = self.running.pop(pid).digest
                code = os.waitstatus_to_exitcode(status)
                self._note(digest, code if code >= 0 else OUT_OF_TIME)
                return
            for other, child in self.running.items():
                if time.monotonic() > child.ends:
                    os.kill(other, signal.SIGKILL)
            time.sleep(0.01)

    def _note(self, digest: str, code: int) -> None:
        if digest:
            self.noted.append((digest, code))
        else:
            self.unchanged = code


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Forks(Path(os.environ["MUTATION_RESULTS"])), "mutation-forks")
