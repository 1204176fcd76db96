"""What every benchmark stands on: a migrated site in a folder and a database of its own that go
away, processes beside it, and a few ways to sum up numbers.

Each benchmark is run by hand (`python -m tests.bench.NAME`), prints one JSON line, and is never a
test: times belong to a machine. With DATABASE_URL set to a PostgreSQL server those of the engine
use a new database there, else SQLite.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import django
import requests
from django.core.management import call_command

if TYPE_CHECKING:
    from jobs.models import Account
    from studio.models import Asset, Team, User

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "jobs" / "samples"
NO_REDIS = "redis://127.0.0.1:1/0"
UNWANTED = (
    "DATABASE_URL",
    "STORAGE_URL",
    "ALLOWED_HOSTS",
    "DEBUG",
    "PUBLIC_URL",
    "MODELSTUDIO_URL",
    "DASHSCOPE_API_KEY",
    "EMAIL_URL",
)


@contextmanager
def site(*, redis: bool = False, database: str = "", **environment: str) -> Iterator[Path]:
    """Django set up on an empty, migrated site in a temporary DATA_DIR, which is the value; with
    `redis` the embedded server runs too.

    `database` is the address of a PostgreSQL server on which a database is made and dropped again;
    SQLite without. Nothing of Django may be imported before. `environment` is set on top, and
    processes that are started meanwhile inherit it.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="footlight-bench-", ignore_cleanup_errors=True)
        )
        for name in UNWANTED:
            os.environ.pop(name, None)
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "studio.settings",
            "DATA_DIR": folder,
            "REDIS_URL": NO_REDIS,
            **environment,
        }
        if database:
            os.environ["DATABASE_URL"] = stack.enter_context(_database(database))
        if redis:
            os.environ["REDIS_URL"] = stack.enter_context(_redis(Path(folder)))
        django.setup()
        logging.disable(logging.INFO)
        call_command("migrate", verbosity=0, interactive=False)
        stack.callback(_disconnect)
        yield Path(folder)


def _disconnect() -> None:
    from django.db import connections

    connections.close_all()


def database_asked() -> str:
    """The PostgreSQL server that the caller's DATABASE_URL names; "" for SQLite. Ask before `site`,
    which forgets it."""
    asked = os.environ.get("DATABASE_URL", "")
    return asked if asked.startswith("postgres") else ""


@contextmanager
def _database(server: str) -> Iterator[str]:
    """The address of a new database on `server`, dropped at the end with whoever is still
    connected."""
    import psycopg

    name = f"footlight_bench_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def _redis(data_dir: Path) -> Iterator[str]:
    from studio.local import redis_server
    from tests.redis_on_port import on_port

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running(redis_server.find().command(on_port(port), data_dir), stdout=subprocess.DEVNULL):
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"


# ── processes beside us ───────────────────────────────────────────────────────────────────────────


@contextmanager
def running(
    command: Sequence[str], *, patience: float = 20.0, **more: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process that is asked to stop at the end, and its whole group ended when it has not after
    `patience` seconds; also when we are asked to stop ourselves, so that nothing is left behind."""
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    process = subprocess.Popen(command, text=True, start_new_session=True, cwd=ROOT, **more)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def module(name: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`python -m tests.bench.NAME` with its pipes; it must print a line when it is ready."""
    command = [
        sys.executable,
        "-m",
        f"tests.bench.{name}",
        *(str(argument) for argument in arguments),
    ]
    with running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process


def line(process: subprocess.Popen[str]) -> str:
    """The next line that a process prints."""
    assert process.stdout is not None
    told = process.stdout.readline().strip()
    if not told:
        raise SystemExit(f"{process.args!r} ended without a word (exit {process.poll()})")
    return told


@contextmanager
def workers(shifts: int = 1, steps: int = 2) -> Iterator[subprocess.Popen[str]]:
    """`manage.py worker` of the present site, once a shift of it is under way."""
    from jobs import tasks
    from jobs.common import wakeup

    command = [
        sys.executable,
        "manage.py",
        "worker",
        "--shifts",
        str(shifts),
        "--steps",
        str(steps),
    ]
    with running(command, stdout=subprocess.DEVNULL) as process:
        for _ in range(3000):
            if wakeup.unless_away(lambda: list(wakeup.redis().scan_iter(f"{tasks.RUNNING_KEYS}*"))):
                break
            time.sleep(0.1)
        else:
            raise SystemExit("the worker began no shift within five minutes")
        yield process


def asked_of(url: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """The JSON of a GET, or of a POST of `body`, beside the contract of a service whose base
    address is `url`."""
    with requests.Session() as session:
        session.trust_env = False
        address = url.removesuffix("/api/v1") + path
        answer = (
            session.get(address, timeout=60)
            if body is None
            else session.post(address, json=body, timeout=60)
        )
    answer.raise_for_status()
    return answer.json()


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────


def company(url: str = "") -> tuple[Team, User, Account]:
    """A team, its owner and its account, which calls `url`."""
    from studio.models import Team, User
    from tests import makers

    owner = User.objects.create_user("aiko@example.com", "correct horse", first_name="Aiko")
    team = Team.start("Studio North", owner)
    return team, owner, makers.account(team, url)


def sample(name: str, team: Team, owner: User) -> Asset:
    """A sample file, kept the way an upload is."""
    from studio.files import file_store

    return file_store.keep(SAMPLES / name, team=team, owner=owner, name=name)[0]


def portrait_wish(team: Team, owner: User, account: Account) -> Any:
    """A talking portrait of the sample files whose check has passed: an `OrderRequest`."""
    from jobs.models import Check
    from jobs.orders.order_request import OrderRequest
    from tests import makers

    portrait = sample("portrait.jpg", team, owner)
    if not Check.objects.filter(team=team, sha256=portrait.sha256).exists():
        makers.check(portrait, account, chosen={"ratio": "1:1"})
    files = {"image_url": portrait, "audio_url": sample("speech.mp3", team, owner)}
    return OrderRequest(team, owner, "emo-v1", files, {"ratio": "1:1"}, account=account)


def percentile(values: Sequence[float], percent: int) -> float:
    """The `percent`th percentile, between neighbours by their distance."""
    return (
        values[0] if len(values) == 1 else quantiles(values, n=100, method="inclusive")[percent - 1]
    )


QUICK = 50.0  # what `machine` says on a quick machine


def machine() -> float:
    """Processor milliseconds of a million additions here, so that times from two machines can be
    compared (about 50 on a quick one)."""
    began, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number
    return (time.process_time() - began) * 1000


# ── memory and disk ───────────────────────────────────────────────────────────────────────────────


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
    """The most that memory (beyond what was there before) and files in `folder` came to while
    `work` ran, looked at every `pause` seconds."""

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
    print(
        json.dumps(
            {
                name: round(value, 3) if isinstance(value, float) else value
                for name, value in numbers.items()
            }
        ),
        flush=True,
    )
