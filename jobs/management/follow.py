"""Waiting for checks and jobs in a terminal, and saying what happens: bars on a terminal, plain
lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text

from jobs.common.states import LABELS, Code, State
from jobs.models import Check, Job

POLL_SECONDS = 0.3
CHECK_ENDS = (Check.State.PASSED, Check.State.REFUSED, Check.State.UNCERTAIN, Check.State.FAILED)
CHECK_WORDS = {
    Check.State.WAITING: "Waiting to be checked",
    Check.State.ASKING: "Checking",
    Check.State.PASSED: "Passed",
    Check.State.REFUSED: "Refused",
    Check.State.UNCERTAIN: "Sent, no answer",
    Check.State.FAILED: "Could not be checked",
}
# why it waits, where the state alone does not say it
WAITS = {
    Code.OVER_BUDGET: "Waiting: over budget",
    Code.ACCOUNT_PAUSED: "Waiting: the connection is paused",
    Code.NEEDS_TEMPLATE: "Waiting for its template",
    Code.BACKING_OFF: "Waiting: the service asked us to come later",
    Code.HELD_BACK: "Waiting: paused by hand",
    Code.MODEL_GONE: "Waiting: the model is not offered",
}
Row = TypeVar("Row", Check, Job)


class _Elapsed(ProgressColumn):
    """Time since the row was begun, standing still once it ended."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time if task.finished else task.elapsed
        return Text(str(timedelta(seconds=int(seconds or 0))), style="dim")


class ProgressDisplay:
    """Rows of (what, status, elapsed). There is no percentage, because nobody knows one."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars: Progress | None = None
        if console.is_terminal:
            columns = (
                SpinnerColumn(finished_text="●"),
                TextColumn("{task.description}", markup=False),
                _Elapsed(),
                TextColumn("{task.fields[status]}", markup=False),
            )
            self.bars = Progress(*columns, console=console)
        self._rows: dict[str, TaskID] = {}
        self._statuses: dict[str, str] = {}

    def __enter__(self) -> ProgressDisplay:
        if self.bars:
            self.bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bars:
            self.bars.stop()

    def show(self, what: str, status: str, *, ended: bool = False) -> None:
        """`what` is at `status` now. Only a change is printed where there is no terminal."""
        if self._statuses.get(what) == status and not ended:
            return
        changed = self._statuses.get(what) != status
        self._statuses[what] = status
        if self.bars is None:
            if changed:
                self.console.print(f"{what}: {status}", markup=False, soft_wrap=True)
            return
        if what not in self._rows:
            self._rows[what] = self.bars.add_task(what, total=1, status=status)
        self.bars.update(self._rows[what], status=status, completed=1 if ended else 0)


def status_of_check(check: Check) -> str:
    return CHECK_WORDS[Check.State(check.state)]


def status_of_job(job: Job) -> str:
    """One short line: the state, why it waits, the service's own word."""
    word = LABELS[State(job.state)][0]
    if job.state == State.QUEUED:
        return WAITS.get(Code(job.code), word)
    if job.state == State.RUNNING and job.provider_status:
        return f"{word} ({job.provider_status})"
    return word


def wait_check(check: Check, report: Callable[[str, bool], None]) -> Check:
    """Come back when the check has ended, one way or the other; `report(status, ended)` on the
    way."""
    return _wait(check, status_of_check, lambda c: c.state in CHECK_ENDS, report)


def wait_job(job: Job, report: Callable[[str, bool], None]) -> Job:
    """Come back when the job has ended, or rests until a person has mended its account;
    `report(status, ended)` on the way."""
    return _wait(job, status_of_job, lambda j: j.terminal or blocked(j) is not None, report)


def blocked(job: Job) -> Job | None:
    """The job that only a person can help: `job` itself, or the template job it waits for. None
    while things go on."""
    for at in (job, job.needs):
        paused = (
            at is not None
            and at.state == State.QUEUED
            and at.code in (Code.ACCOUNT_PAUSED, Code.HELD_BACK, Code.MODEL_GONE)
        )
        if at is not None and (
            paused or (at.state == State.UNCERTAIN and at.code == Code.SEVERAL_TASKS)
        ):
            return at
    return None


def wait_jobs(jobs: list[Job], report: Callable[[Job, str, bool], None]) -> None:
    """Come back when all of `jobs` have ended; they are fresh then."""
    while True:
        for job in jobs:
            if not job.terminal:
                job.refresh_from_db()
            report(job, status_of_job(job), job.terminal)
        if all(job.terminal for job in jobs):
            return
        time.sleep(POLL_SECONDS)


def _wait(
    row: Row,
    status_of: Callable[[Row], str],
    ended: Callable[[Row], bool],
    report: Callable[[str, bool], None],
) -> Row:
    while True:
        row.refresh_from_db()
        over = ended(row)
        report(status_of(row), over)
        if over:
            return row
        time.sleep(POLL_SECONDS)
