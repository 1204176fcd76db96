"""Ports: chosen once and kept, so that addresses stay the same after a restart."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any


class PortTaken(Exception):
    """The port that was asked for belongs to somebody else. Its text is a sentence for people."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Nobody listens on `port` of `host` and this process may."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without it a port whose old connections are still ending counts as taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
    return True


def any_free_port(host: str = "127.0.0.1") -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Ports:
    """The ports of one DATA_DIR, in `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.saved: dict[str, int] = {}
        try:
            found = json.loads(path.read_text())
            self.saved = {str(name): int(port) for name, port in found.items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            self.saved = {}

    def choose(
        self,
        name: str,
        *,
        asked: int | None = None,
        first: int | None = None,
        host: str = "127.0.0.1",
    ) -> int:
        """The port of `name`: `asked` (PortTaken when it is), else the kept one, else one of the
        ten from `first`, else any."""
        if asked is not None:
            if not is_free(asked, host):
                raise PortTaken(
                    f"Port {asked} is taken by another program. Stop it, or choose another with "
                    "--port; without --port one is chosen."
                )
            port = asked
        else:
            wished = [self.saved[name]] if name in self.saved else []
            wished += list(range(first, first + 10)) if first is not None else []
            others = {kept for other, kept in self.saved.items() if other != name}
            port = next(
                (wish for wish in wished if wish not in others and is_free(wish, host)), 0
            ) or any_free_port(host)
        self.saved[name] = port
        write_json(self.path, self.saved)
        return port


def write_json(path: Path, data: dict[str, Any], mode: int = 0o644) -> None:
    """`data` as JSON in `path`, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as out:
        json.dump(data, out)
    draft.replace(path)
