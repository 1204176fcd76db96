"""A whole studio in a folder of its own, simulator and all, and the browser that looks at it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.local.stack import LOOPBACK, web_command

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "jobs" / "samples"
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 300_000  # milliseconds; a busy machine starts four processes and a browser
SPEED = 30  # of the simulator: a video of a few seconds is rendered in about one
# What whoever starts this may have set for a site of theirs.
TAKEN = (
    "REDIS_URL",
    "DATABASE_URL",
    "MODELSTUDIO_URL",
    "STORAGE_URL",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "DASHSCOPE_API_KEY",
    "EMAIL_URL",
    "DEBUG",
)


class NotUp(Exception):
    """The site, or what should fill it, did not come up. Its text ends with the log."""


@dataclass(frozen=True)
class Site:
    address: str
    log: Path
    data_dir: Path

    def simulator(self, what: str, **orders: Any) -> None:
        """Have the service misbehave: `what` is arm, random_faults or disarm (see
        jobs/simulator/service.py)."""
        stack = json.loads((self.data_dir / "run" / "stack.json").read_text())
        address = urllib.parse.urljoin(stack["modelstudio"], f"/simulator/{what}")
        with urllib.request.urlopen(
            urllib.request.Request(address, json.dumps(orders).encode(), method="POST"), timeout=20
        ):
            pass

    @property
    def env(self) -> dict[str, str]:
        """The environment of commands of this site."""
        return _env(self.data_dir)


def _env(data_dir: Path) -> dict[str, str]:
    own = {
        "DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "studio.settings",
        "PYTHONUNBUFFERED": "1",
    }
    return {name: value for name, value in os.environ.items() if name not in TAKEN} | own


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@contextmanager
def _served(words: list[str], address: str, log: Path, env: dict[str, str]) -> Iterator[None]:
    """The command runs and answers at `address`; NotUp when it does not."""
    with log.open("w") as out:
        process = subprocess.Popen(words, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + PATIENCE / 1000
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > end:
                raise NotUp(f"{words[1:4]} did not answer at {address}:\n{log.read_text()[-3000:]}")
            time.sleep(0.3)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    """A studio that nobody has signed up to, in `folder`."""
    port = _free_port()
    site = Site(f"http://{LOOPBACK}:{port}", folder / "dev.txt", folder / "data")
    words = [sys.executable, "manage.py", "dev", "--port", str(port), "--speed", str(SPEED)]
    with _served(words, site.address + "/readyz", site.log, site.env):
        yield site


@contextmanager
def debugging(site: Site) -> Iterator[str]:
    """The address of one more web of `site`, with DEBUG: the page of parts is only there."""
    port = _free_port()
    address = f"http://{LOOPBACK}:{port}"
    with _served(
        web_command(LOOPBACK, port),
        address + "/healthz",
        site.data_dir.parent / "debug.txt",
        site.env | {"DEBUG": "1"},
    ):
        yield address


def filled(site: Site) -> dict[str, Any]:
    """Fill `site` with a believable studio and tell what it holds (see tests/browser/seed.py)."""
    words = [sys.executable, "-m", "tests.browser.seed"]
    seeded = subprocess.run(
        words,
        cwd=ROOT,
        env=site.env,
        capture_output=True,
        text=True,
        timeout=PATIENCE / 1000,
        check=False,
    )
    if seeded.returncode:
        raise NotUp(
            "the studio could not be filled, exit "
            f"{seeded.returncode}:\n{seeded.stderr[-4000:]}\n{site.log.read_text()[-3000:]}"
        )
    told: dict[str, Any] = json.loads(seeded.stdout.splitlines()[-1])
    return told
