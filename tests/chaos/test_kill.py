"""kill -9 of any process at any moment of a run of ten jobs; `dev` again: ten artefacts, ten tasks,
and a ledger that equals the service's bill to the millionth."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("KILLS", "8"))


class Stack:
    """`manage.py dev` on a DATA_DIR of its own, and everything that it started."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.env = {
            name: value
            for name, value in os.environ.items()
            if name not in ("REDIS_URL", "MODELSTUDIO_URL", "DATABASE_URL")
        }
        self.env |= {"DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "manage.py", "dev", "--port", str(self.port), "--speed", "60"]
        with (self.data / "dev.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ours(self) -> list[int]:
        """Every process whose environment names our DATA_DIR, `dev` included."""
        mark, found = f"DATA_DIR={self.data}".encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (
                    mark in (folder / "environ").read_bytes().split(b"\0")
                    and int(folder.name) != os.getpid()
                ):
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def run(self, what: str, timeout: float = 240) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos.ten", what],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def audit(self) -> dict[str, object]:
        return dict(json.loads(self.run("audit")))

    def service(self, what: str) -> list[Any]:
        base = json.loads((self.data / "run" / "stack.json").read_text())[
            "modelstudio"
        ].removesuffix("/api/v1")
        with urlopen(f"{base}/simulator/{what}", timeout=10) as answer:
            return list(json.load(answer)[what])

    def stop(self) -> None:
        if self.running():
            assert self.process is not None
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
        for pid in self.ours():
            os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="finds its processes through /proc"
)
def test_ten_jobs_survive_any_kill(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", str(random.randrange(10**6))))
    print(f"SEED={seed}")
    dice = random.Random(seed)
    stack = Stack(tmp_path)
    try:
        stack.start()
        wait_for(
            lambda: (tmp_path / "run" / "stack.json").exists() and web_answers(stack.port), 120
        )
        stack.run("make")
        killed = []
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.3, 4.0))
            # dev itself is one of them; its children follow it and the next start goes on
            pids = [pid for pid in stack.ours() if Path(f"/proc/{pid}").exists()]
            if pids:
                victim = dice.choice(pids)
                killed.append(name_of(victim))
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if not stack.running():
                time.sleep(0.5)
                stack.start()
        print("killed:", killed)
        audit: dict[str, object] = {}

        def all_ended() -> bool:
            nonlocal audit
            if not stack.running():
                stack.start()
            audit = stack.audit()
            return bool(audit["ended"])

        wait_for(all_ended, 420, every=3)
        wait_for(lambda: web_answers(stack.port), 60)
        print(audit)
        assert audit["states"] == ["succeeded"] * 10
        assert audit["whole_videos"] == 9  # and the template, which is an id
        tasks = stack.service("tasks")
        assert sorted(str(task["task_id"]) for task in tasks) == audit["tasks"], (
            "a task too many is paid twice"
        )
        bill = stack.service("bill")
        assert audit["held"] == 0
        assert audit["settled"] == sum(int(line[5]) for line in bill)
    finally:
        stack.stop()


def name_of(pid: int) -> str:
    try:
        return " ".join(
            word for word in Path(f"/proc/{pid}/cmdline").read_text().split("\0") if word
        )[-60:]
    except OSError:
        return "gone"


def web_answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(condition: object, seconds: float, every: float = 0.3) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it took too long"
        time.sleep(every)
