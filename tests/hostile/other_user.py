"""`python -m tests.hostile.other_user DATA_DIR REDIS_URL CANARY…`, as root: what the user nobody
can read of a running site, or run as it. Prints JSON: {"read": [paths], "told": [where a canary
is], "redis": [addresses that answer]}.

Everything is imported before the user changes: the interpreter itself may be closed to nobody.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

PROC = Path("/proc")


def become(name: str) -> None:
    who = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(who.pw_gid)
    os.setuid(who.pw_uid)


def readable(folder: Path, known: list[Path]) -> list[str]:
    """What can be opened: of `known`, whatever is found from `folder` on, by name or by looking."""
    found: list[str] = []
    for path in [*known, *_walk(folder)]:
        try:
            with path.open("rb") as file:
                file.read(1)
            found.append(str(path))
        except OSError:
            continue
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for root, _folders, files in os.walk(folder):
        yield from (Path(root) / name for name in files)


def told(canaries: list[str]) -> list[str]:
    """Where one of `canaries` stands in what is readable of every process."""
    found = []
    for process in PROC.iterdir():
        if not process.name.isdigit() or int(process.name) in (os.getpid(), os.getppid()):
            continue
        for part in ("cmdline", "environ"):
            try:
                text = (process / part).read_bytes().decode(errors="replace")
            except OSError:
                continue
            if "tests.hostile" in text or "pytest" in text:
                continue  # this very test, which had to be told them
            found += [f"{process.name}/{part}" for one in canaries if one in text]
    return found


def answering(url: str) -> list[str]:
    """Whether the Redis of the site lets this user in, who does not know its password."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "unix":
            line = socket.socket(socket.AF_UNIX)
            line.connect(unquote(parts.path))
        else:
            line = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=2)
        with line:
            line.settimeout(2)
            line.sendall(b"PING\r\n")
            answer = line.recv(100)
    except OSError:
        return []
    return [] if answer.startswith(b"-NOAUTH") else [url]


def main(words: list[str]) -> None:
    folder, url, canaries = Path(words[0]), words[1], words[2:]
    known = list(_walk(folder))
    assert known, "root sees what is to be closed to others"
    socket.getaddrinfo("127.0.0.1", 1)  # loads what names are looked up with
    become("nobody")
    print(
        json.dumps(
            {"read": readable(folder, known), "told": told(canaries), "redis": answering(url)}
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
