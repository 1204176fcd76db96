"""Children of a supervisor: they do not outlive it, are restarted when they die, and are stopped in
order."""

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

ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_WAIT, LONGEST_WAIT = 0.25, 10.0
HEALTHY_AFTER = 20.0  # seconds after which a child counts as healthy again
LOG_LIMIT = 4 * 1024 * 1024


class StopRequested(Exception):
    """Somebody asked to stop while something was being waited for."""


class StartFailed(Exception):
    """A child does not come up. Its text is a sentence for people and the last lines that the child
    wrote."""


@dataclass
class Child:
    """One program. `ready` says whether it answers; `grace` is how long it may take to end (s).

    With `run_dir` it leads a session of its own, is written down there, and writes to <name>.log;
    without, it stays in the session of its parent and writes where the parent writes.
    """

    name: str
    command: list[str]
    run_dir: Path | None = None
    env: dict[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    grace: float = 5.0
    quiet: bool = False  # its lines go to the log only

    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started: float = 0.0
    restart_at: float = 0.0
    log_position: int = 0
    earlier_pids: list[int] = field(default_factory=list)  # numbers it had before it died

    @property
    def log(self) -> Path | None:
        return self.run_dir / f"{self.name}.log" if self.run_dir else None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        words = [
            sys.executable,
            "-S",
            "-m",
            "studio.local.parent_watch",
            str(os.getpid()),
            *self.command,
        ]
        env = {**os.environ, **self.env}
        if self.run_dir is None or self.log is None:
            self.process = subprocess.Popen(
                words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, process_group=0
            )
        else:
            if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
                self.log_position = 0
            with self.log.open("ab") as out:
                self.log_position = self.log_position or out.tell()
                # A session of its own: Ctrl-C of the terminal reaches the supervisor alone, which
                # stops all in order.
                self.process = subprocess.Popen(
                    words,
                    cwd=ROOT,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            processes.write_pid_file(
                self.run_dir / f"{self.name}.pid", self.process.pid, self.command
            )
        self.started = time.monotonic()

    def restart_if_dead(self) -> str:
        """Restart it when it died and its pause is over; a sentence when something happened, else
        ""."""
        now = time.monotonic()
        if self.alive:
            if self.failures and now - self.started > HEALTHY_AFTER:
                self.failures = 0
            return ""
        if self.process is not None:
            said = describe_exit(self.process.returncode)
            self.earlier_pids.append(self.process.pid)
            self.process = None
            wait = min(FIRST_WAIT * 2**self.failures, LONGEST_WAIT)
            self.failures += 1
            self.restart_at = now + wait
            return f"{said}; it starts again in {wait:g} s."
        if now >= self.restart_at:
            self.start()
        return ""

    def new_lines(self) -> list[str]:
        """Whole lines written to the log since the last look."""
        if self.log is None or not self.log.exists():
            return []
        with self.log.open("rb") as source:
            source.seek(self.log_position)
            text = source.read()
        whole = text[: text.rfind(b"\n") + 1]
        self.log_position += len(whole)
        return whole.decode(errors="replace").splitlines()

    def ask_to_stop(self) -> None:
        if self.alive and self.process:
            self.process.send_signal(signal.SIGTERM)

    def ended(self) -> bool:
        return not self.alive

    def clear(self) -> None:
        """After its end, or instead of it: nothing that it started is left."""
        if self.process is not None:
            if self.run_dir is not None:
                processes.send_signal(processes.session_members(self.process.pid), signal.SIGKILL)
            elif self.alive:
                self.process.kill()
            self.process.wait()
            self.process = None
        if self.run_dir is not None:
            for pid in self.earlier_pids:
                if not processes.process_identity(pid):  # else the number is somebody else's by now
                    processes.send_signal(processes.session_members(pid), signal.SIGKILL)
            (self.run_dir / f"{self.name}.pid").unlink(missing_ok=True)
        self.earlier_pids.clear()


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


class Supervisor:
    """The children of one supervisor. Everything runs in the main thread (see parent_watch)."""

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self.children: list[Child] = []
        self.say = say  # (name of the child, line)
        self.stopping = False
        self.stop_now = False

    def handle_signals(self) -> None:
        """SIGINT, SIGTERM and SIGHUP ask to stop; a second one says at once."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: object) -> None:
        self.stop_now = self.stopping
        self.stopping = True

    def add(self, *children: Child, within: float = 60.0) -> None:
        """Start `children` together; returns when all answer. Raises StopRequested, or StartFailed
        when one does not answer."""
        self.children += children
        for child in children:
            child.start()
        end = time.monotonic() + within
        for child in children:
            while not (child.alive and child.ready()):
                self.check()
                if time.monotonic() > end or child.failures >= 4:
                    raise StartFailed(f"{child.name} does not come up. {self.log_tail(child)}")
                time.sleep(0.05)

    def log_tail(self, child: Child) -> str:
        if child.log is None or not child.log.exists():
            return ""
        with child.log.open("rb") as source:
            source.seek(max(0, child.log.stat().st_size - 4000))
            lines = source.read().decode(errors="replace").strip().splitlines()[-8:]
        return f"The end of {child.log}:\n" + "\n".join(lines)

    def check(self) -> None:
        """Show what every child wrote, restart those that died. StopRequested when somebody
        asked."""
        for child in self.children:
            self._show(child)
            said = child.restart_if_dead()
            if said:
                self.say(child.name, said)
        if self.stopping:
            raise StopRequested

    def _show(self, child: Child) -> None:
        for line in child.new_lines():
            if not child.quiet:
                self.say(child.name, line)

    def stop(self) -> None:
        """Stop everybody, last come first; whoever takes longer than its grace is killed with all
        it started."""
        self.stopping = True
        for child in reversed(self.children):
            child.ask_to_stop()
            end = time.monotonic() + child.grace
            while not child.ended() and time.monotonic() < end and not self.stop_now:
                time.sleep(0.03)
            child.clear()
            self._show(child)
        self.children.clear()
