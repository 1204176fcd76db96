"""Children of a supervisor: started tethered, restarted when they die, stopped in order."""

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
STEADY = 20.0  # seconds after which a child counts as healthy again
LOG_LIMIT = 4 * 1024 * 1024


class Stopped(Exception):
    """Somebody asked to stop while something was being waited for."""


class Broken(Exception):
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
    deaths: int = 0
    started: float = 0.0
    due: float = 0.0
    read: int = 0
    past: list[int] = field(default_factory=list)  # numbers it had before it died

    @property
    def log(self) -> Path | None:
        return self.run_dir / f"{self.name}.log" if self.run_dir else None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        words = [sys.executable, "-S", "-m", "studio.local.tether", str(os.getpid()), *self.command]
        env = {**os.environ, **self.env}
        if self.run_dir is None or self.log is None:
            self.process = subprocess.Popen(
                words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, process_group=0
            )
        else:
            if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
                self.read = 0
            with self.log.open("ab") as out:
                self.read = self.read or out.tell()
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
            processes.note(self.run_dir / f"{self.name}.pid", self.process.pid, self.command)
        self.started = time.monotonic()

    def mind(self) -> str:
        """Restart it when it died and its pause is over; a sentence when something happened, else
        ""."""
        now = time.monotonic()
        if self.alive:
            if self.deaths and now - self.started > STEADY:
                self.deaths = 0
            return ""
        if self.process is not None:
            said = how(self.process.returncode)
            self.past.append(self.process.pid)
            self.process = None
            wait = min(FIRST_WAIT * 2**self.deaths, LONGEST_WAIT)
            self.deaths += 1
            self.due = now + wait
            return f"{said}; it starts again in {wait:g} s."
        if now >= self.due:
            self.start()
        return ""

    def news(self) -> list[str]:
        """Whole lines written to the log since the last look."""
        if self.log is None or not self.log.exists():
            return []
        with self.log.open("rb") as source:
            source.seek(self.read)
            text = source.read()
        whole = text[: text.rfind(b"\n") + 1]
        self.read += len(whole)
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
                processes.send(processes.session(self.process.pid), signal.SIGKILL)
            elif self.alive:
                self.process.kill()
            self.process.wait()
            self.process = None
        if self.run_dir is not None:
            for pid in self.past:
                if not processes.birth(pid):  # else the number is somebody else's by now
                    processes.send(processes.session(pid), signal.SIGKILL)
            (self.run_dir / f"{self.name}.pid").unlink(missing_ok=True)
        self.past.clear()


def how(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


class Troupe:
    """The children of one supervisor. Everything runs in the main thread (see tether.tie)."""

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self.children: list[Child] = []
        self.say = say  # (name of the child, line)
        self.stopping = False
        self.hurry = False

    def listen(self) -> None:
        """SIGINT, SIGTERM and SIGHUP ask to stop; a second one says at once."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked)

    def _asked(self, number: int, frame: object) -> None:
        self.hurry = self.stopping
        self.stopping = True

    def add(self, *children: Child, within: float = 60.0) -> None:
        """Start `children` together and come back when all answer. Stopped, or Broken when one does
        not."""
        self.children += children
        for child in children:
            child.start()
        end = time.monotonic() + within
        for child in children:
            while not (child.alive and child.ready()):
                self.look()
                if time.monotonic() > end or child.deaths >= 4:
                    raise Broken(f"{child.name} does not come up. {self.last_words(child)}")
                time.sleep(0.05)

    def last_words(self, child: Child) -> str:
        if child.log is None or not child.log.exists():
            return ""
        with child.log.open("rb") as source:
            source.seek(max(0, child.log.stat().st_size - 4000))
            lines = source.read().decode(errors="replace").strip().splitlines()[-8:]
        return f"The end of {child.log}:\n" + "\n".join(lines)

    def look(self) -> None:
        """One look at every child: show what they say, restart who died. Stopped when somebody
        asked."""
        for child in self.children:
            self._show(child)
            said = child.mind()
            if said:
                self.say(child.name, said)
        if self.stopping:
            raise Stopped

    def _show(self, child: Child) -> None:
        for line in child.news():
            if not child.quiet:
                self.say(child.name, line)

    def stop(self) -> None:
        """Stop everybody, last come first; whoever takes longer than its grace is killed with all
        it started."""
        self.stopping = True
        for child in reversed(self.children):
            child.ask_to_stop()
            end = time.monotonic() + child.grace
            while not child.ended() and time.monotonic() < end and not self.hurry:
                time.sleep(0.03)
            child.clear()
            self._show(child)
        self.children.clear()
