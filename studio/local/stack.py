"""Everything in one terminal: Redis, simulator, workers and web of one DATA_DIR."""

from __future__ import annotations

import fcntl
import http.client
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import urlsplit

import redis

from studio.local import processes, redis_server
from studio.local.child import Child, StopRequested, Supervisor
from studio.local.ports import Ports, write_json

LOOPBACK = "127.0.0.1"
FIRST_WEB_PORT = 8000
TICK = 0.2


class AlreadyRunning(Exception):
    """Another `dev` or `demo` runs on this DATA_DIR. Its text is a sentence for people."""


def manage_command(*words: object) -> list[str]:
    """The command line of one of our own commands."""
    return [sys.executable, "-m", "django", *(str(word) for word in words)]


class Stack:
    """The embedded stack of `data_dir`; use it as a context. `port` None means: the kept one, or
    choose.

    On entering: the lock is taken, what a killed run left is stopped. `start` starts the children,
    `run_until_stopped` keeps them alive until somebody asks to stop; on leaving all of them are
    stopped, and the address file is removed.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        say: Callable[[str, str], None],
        port: int | None = None,
        host: str = LOOPBACK,
        simulator: bool = True,
        speed: float = 1.0,
    ) -> None:
        self.data_dir, self.run_dir = data_dir, data_dir / "run"
        self.say, self.port, self.host, self.simulator, self.speed = (
            say,
            port,
            host,
            simulator,
            speed,
        )
        self.supervisor = Supervisor(say)
        self.env: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self._lock: IO[str] | None = None

    # ── before and after ──────────────────────────────────────────────────────────────────────────
    def __enter__(self) -> Stack:
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self._lock = (self.run_dir / "dev.lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise AlreadyRunning(
                f"Footlight already runs on {self.data_dir}. Use the one that runs, stop it first, "
                "or set another DATA_DIR."
            ) from None
        for name in processes.stop_stale(self.run_dir):
            self.say(name, "was left over from a run that was killed; it is stopped.")
        # A dead run's addresses would send commands to ports that by now belong to anybody.
        (self.run_dir / "stack.json").unlink(missing_ok=True)
        self.supervisor.handle_signals()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.supervisor.stop()
        (self.run_dir / "stack.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()

    # ── the children ──────────────────────────────────────────────────────────────────────────────
    def start(self) -> dict[str, str]:
        """Start everything and come back when all of it answers: {"redis", "web" and, with it,
        "modelstudio"}.

        What the user set in the environment (REDIS_URL, MODELSTUDIO_URL, PUBLIC_URL) is used
        instead and left alone. Raises NoRedisServer, PortTaken, StartFailed, StopRequested.
        """
        ports = Ports(self.run_dir / "ports.json")
        web = ports.choose("web", asked=self.port, first=FIRST_WEB_PORT, host=self.host)
        home = f"http://{url_host(self.host)}:{web}"
        redis_url = os.environ.get("REDIS_URL", "").strip() or self._start_redis(ports)
        self.addresses = {"redis": redis_url, "web": home}
        self.env |= {
            "REDIS_URL": redis_url,
            "PUBLIC_URL": os.environ.get("PUBLIC_URL", "").strip() or home,
        }
        others: list[Child] = []
        if self.simulator:
            port = ports.choose("simulator")
            url = f"http://{LOOPBACK}:{port}/api/v1"
            self.addresses["modelstudio"] = self.env["MODELSTUDIO_URL"] = url
            others.append(self._simulator(port))
        # REDIS_URL may hold a password.
        write_json(self.run_dir / "stack.json", self.addresses, mode=0o600)
        others.append(self._child("worker", manage_command("worker"), grace=20.0))
        command = web_command(self.host, web)
        others.append(self._child("web", command, ready=lambda: web_answers(home), grace=6.0))
        for child in others:
            child.env = self.env
        self.supervisor.add(*others, within=120.0)
        return self.addresses

    def _start_redis(self, ports: Ports) -> str:
        at = redis_server.listening(self.data_dir, lambda: ports.choose("redis"))
        command = redis_server.find().command(at, self.data_dir)
        self.supervisor.add(
            self._child("redis", command, ready=lambda: redis_answers(at.url), quiet=True)
        )
        return at.url

    def _simulator(self, port: int) -> Child:
        options: dict[str, object] = {
            "--port": port,
            "--host": LOOPBACK,
            "--speed": f"{self.speed:g}",
            "--data-dir": self.data_dir / "simulator",
        }
        command = manage_command("simulator", *(word for pair in options.items() for word in pair))
        return self._child("simulator", command, ready=lambda: port_listens(port), quiet=True)

    def _child(
        self,
        name: str,
        command: list[str],
        *,
        ready: Callable[[], bool] = lambda: True,
        grace: float = 5.0,
        quiet: bool = False,
    ) -> Child:
        base = {
            "DATA_DIR": str(self.data_dir),
            "DJANGO_SETTINGS_MODULE": "studio.settings",
            "PYTHONUNBUFFERED": "1",
        }
        self.env = base | self.env
        return Child(
            name, command, run_dir=self.run_dir, env=self.env, ready=ready, grace=grace, quiet=quiet
        )

    def run_until_stopped(self, done: Callable[[], bool] = lambda: False) -> None:
        """Keep the children alive until somebody asks to stop, or until `done()`."""
        with suppress(StopRequested):
            while not done():
                self.supervisor.check()
                time.sleep(TICK)


def url_host(host: str) -> str:
    """How this machine itself reaches what listens on `host`, as it stands in an address."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  (compared, not bound)
        return LOOPBACK
    return f"[{host}]" if ":" in host else host


def web_command(host: str, port: int) -> list[str]:
    """The web: one process."""
    return manage_command("web", "--host", host, "--port", port)


def redis_answers(url: str) -> bool:
    """A Redis answers at `url` and has finished loading its data."""
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def port_listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def web_answers(address: str) -> bool:
    """The web answers something other than an error of its own."""
    parts = urlsplit(address)
    line = http.client.HTTPConnection(parts.hostname or LOOPBACK, parts.port or 80, timeout=5)
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
