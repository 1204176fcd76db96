"""The processes of a storm: each started tethered to us, found with all it started, killed, and
started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from studio.local import processes

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Part:
    """One program of the stack. `pause` is how long it stays dead after a kill (from, to, in
    seconds)."""

    name: str
    command: list[str]
    env: dict[str, str]
    folder: Path
    ready: Callable[[], bool] = lambda: True
    pause: tuple[float, float] = (0.2, 0.8)
    user: str | None = None
    once: bool = False  # it ends by itself when it has done its work

    process: subprocess.Popen[bytes] | None = None
    before_start: Callable[[], None] = lambda: None
    starts: int = 0
    due: float = 0.0
    done: bool = False
    _past: list[int] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it as the leader of a session of its own. From the main thread: the tether follows
        the thread that started it."""
        self.before_start()
        words = (
            [
                sys.executable,
                "-S",
                "-m",
                "studio.local.parent_watch",
                str(os.getpid()),
                *self.command,
            ]
            if self.user is None
            else self.command
        )
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                words,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user,
            )
        self._past.append(self.process.pid)
        self.starts += 1

    def pids(self) -> list[int]:
        """It and everything it started that is alive, the eldest first."""
        return (
            sorted(processes.session_members(self.process.pid)) if self.process is not None else []
        )

    def mind(self, wait: float) -> None:
        """Start it again `wait` seconds after its death was seen."""
        if self.alive or self.done:
            return
        if self.process is not None:
            if self.once and self.process.returncode == 0:
                self.done = True
                return
            self.process, self.due = None, time.monotonic() + wait
        if time.monotonic() >= self.due:
            self.start()

    def stop(self, grace: float = 10.0) -> None:
        """Kindly first; then nothing of it is left."""
        if self.alive and self.process is not None:
            self.process.send_signal(signal.SIGINT if self.user else signal.SIGTERM)
            try:
                self.process.wait(grace)
            except subprocess.TimeoutExpired:
                self.process.kill()
        for pid in self._past:
            processes.send_signal(processes.session_members(pid), signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def die(self) -> None:
        """kill -9 of it and of all it started, and it stays dead until the next `mind`."""
        for pid in self._past:
            processes.send_signal(processes.session_members(pid), signal.SIGKILL)
        if self.process is not None and not self.done:
            self.done = self.once and self.process.wait() == 0
            self.process.wait()
            self.process, self.due = None, 0.0

    def last_words(self, lines: int = 15) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def parent_of(pid: int) -> int:
    """Number of the process that started `pid`; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def age_of(pid: int) -> float:
    """Seconds since process `pid` began; 0 when it is gone."""
    try:
        began = int(
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        ) / os.sysconf("SC_CLK_TCK")
        return float(Path("/proc/uptime").read_text().split()[0]) - began
    except (OSError, IndexError, ValueError):
        return 0.0


def workers_of(supervisor: Part) -> tuple[list[int], list[int]]:
    """(RQ workers, their work horses) below a worker supervisor."""
    if supervisor.process is None:
        return [], []
    leader = supervisor.process.pid
    parents = {pid: parent_of(pid) for pid in supervisor.pids() if pid != leader}
    hands = [pid for pid, parent in parents.items() if parent == leader]
    return hands, [pid for pid, parent in parents.items() if parent in hands]


def kill(pid: int) -> bool:
    """kill -9; False when it was gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def faketime(seconds: float) -> dict[str, str]:
    """The environment of a process whose clock is `seconds` off; needs Debian's libfaketime."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise RuntimeError("no libfaketime: apt install libfaketime")
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": f"{seconds:+.0f}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
