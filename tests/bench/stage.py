"""What every benchmark stands on: a migrated SQLite site in a folder of its own that goes away, and a few ways to sum up numbers.

Each benchmark is run by hand (`python -m tests.bench.NAME`), prints one JSON line, and is never a test: times belong to a machine.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import django
from django.core.management import call_command

if TYPE_CHECKING:
    from jobs.models import Account
    from studio.models import Asset, Team, User

SAMPLES = Path(__file__).resolve().parents[2] / "jobs" / "samples"
NO_REDIS = "redis://127.0.0.1:1/0"
UNWANTED = ("DATABASE_URL", "STORAGE_URL", "ALLOWED_HOSTS", "DEBUG", "PUBLIC_URL", "MODELSTUDIO_URL", "DASHSCOPE_API_KEY", "EMAIL_URL")


@contextmanager
def site(*, redis: bool = False, **environment: str) -> Iterator[Path]:
    """Django set up on an empty, migrated site in a temporary DATA_DIR, which is the value; with `redis` the embedded server runs too.

    Nothing of Django may be imported before. `environment` is set on top.
    """
    with tempfile.TemporaryDirectory(prefix="footlight-bench-", ignore_cleanup_errors=True) as folder:
        data_dir = Path(folder)
        for name in UNWANTED:
            os.environ.pop(name, None)
        os.environ |= {"DJANGO_SETTINGS_MODULE": "studio.settings", "DATA_DIR": folder, "REDIS_URL": NO_REDIS, **environment}
        process = None
        if redis:
            process, os.environ["REDIS_URL"] = _redis(data_dir)
        try:
            django.setup()
            logging.disable(logging.INFO)
            call_command("migrate", verbosity=0, interactive=False)
            yield data_dir
        finally:
            if process is not None:
                process.terminate()
                process.wait(5)


def _redis(data_dir: Path) -> tuple[subprocess.Popen[bytes], str]:
    from studio.local import server

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(server.find().command(port, data_dir))
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    return process, f"redis://127.0.0.1:{port}/0"


def company(url: str = "") -> tuple[Team, User, Account]:
    """A team, its owner and its account, which calls `url`."""
    from studio.models import Team, User
    from tests import makers

    owner = User.objects.create_user("aiko@example.com", "correct horse", first_name="Aiko")
    team = Team.start("Studio North", owner)
    return team, owner, makers.account(team, url)


def sample(name: str, team: Team, owner: User) -> Asset:
    """A sample file, kept the way an upload is."""
    from studio import store

    return store.keep(SAMPLES / name, team=team, owner=owner, name=name)[0]


def portrait_wish(team: Team, owner: User, account: Account) -> Any:
    """A talking portrait of the sample files whose check has passed: a `Wish`."""
    from jobs.runner import Wish
    from tests import makers

    portrait = sample("portrait.jpg", team, owner)
    makers.check(portrait, account, chosen={"ratio": "1:1"})
    files = {"image_url": portrait, "audio_url": sample("speech.mp3", team, owner)}
    return Wish(team, owner, "emo-v1", files, {"ratio": "1:1"}, account=account)


def percentile(values: Sequence[float], percent: int) -> float:
    """The `percent`th percentile, between neighbours by their distance."""
    return values[0] if len(values) == 1 else quantiles(values, n=100, method="inclusive")[percent - 1]


def machine() -> float:
    """Processor milliseconds of a million additions here, so that times from two machines can be compared (about 50 on a quick one)."""
    began, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number
    return (time.process_time() - began) * 1000


# ── memory and disk ─────────────────────────────────────────────────────────────────────────────────────────────────


def memory() -> int:
    """Resident bytes of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _disk(folder: Path) -> int:
    """Bytes on disk of all files below `folder`, whose files may go while we count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total


class Watch:
    """The most that memory (beyond what was there before) and files in `folder` came to while `work` ran, looked at every `pause` seconds."""

    def __init__(self, folder: Path, pause: float = 0.005) -> None:
        self.folder, self.pause = folder, pause
        self.memory = self.disk = 0
        self._over = threading.Event()

    def run(self, work: Callable[[], Any]) -> Any:
        before = memory()

        def look() -> None:
            while not self._over.is_set():
                self.memory = max(self.memory, memory() - before)
                self.disk = max(self.disk, _disk(self.folder))
                self._over.wait(self.pause)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            return work()
        finally:
            self._over.set()
            thread.join()


def say(**numbers: Any) -> None:
    """The one line."""
    print(json.dumps({name: round(value, 3) if isinstance(value, float) else value for name, value in numbers.items()}), flush=True)
