"""Processes of ours: who is who after a crash, and how to end one with everything it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
_LINUX = sys.platform.startswith("linux")


def process_identity(pid: int) -> str:
    """When process `pid` was born, as a word that no other process with this number ever has; ""
    when it is gone.

    A number is given again after a while and after a restart of the machine, so a number alone says
    nothing.
    """
    if _LINUX:
        fields = _fields(pid)
        if not fields or fields[0] == "Z":
            return ""
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{fields[19]}"
    found = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(None, 1)
    return "" if len(found) < 2 or found[0].startswith("Z") else found[1].strip()


def _fields(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on (the name before it may hold spaces and
    brackets)."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def session_members(leader: int) -> list[int]:
    """Every living process of the session that `leader` began, itself included."""
    if _LINUX:
        rows = (
            (int(entry.name), _fields(int(entry.name)))
            for entry in _PROC.iterdir()
            if entry.name.isdigit()
        )
        return [
            pid for pid, fields in rows if fields and fields[3] == str(leader) and fields[0] != "Z"
        ]
    found = subprocess.run(
        ["ps", "-axo", "pid=,pgid=,stat="], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    words = [line.split() for line in found]
    return [
        int(pid)
        for pid, group, state in (w for w in words if len(w) == 3)
        if int(group) == leader and not state.startswith("Z")
    ]


def send_signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def write_pid_file(path: Path, pid: int, command: list[str]) -> None:
    """Write down that `pid` is ours."""
    path.write_text(json.dumps({"pid": pid, "birth": process_identity(pid), "command": command}))


def stop_stale(run_dir: Path, grace: float = 5.0) -> list[str]:
    """End what an earlier run that was killed left behind (`run_dir`/*.pid), and say which; the
    notes are removed.

    Only a process that was born when the note says is touched, and what belongs to its session.
    """
    left: dict[str, int] = {}
    for path in sorted(run_dir.glob("*.pid")):
        try:
            seen = json.loads(path.read_text())
            pid, born = int(seen["pid"]), str(seen["birth"])
        except (ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            continue
        now = process_identity(pid)
        same_boot = (
            not _LINUX
            or born.split("/")[0] == (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        )
        # While a session has members its number is not given again, so a missing leader's members
        # are still ours.
        if born and (now == born or (not now and same_boot and session_members(pid))):
            left[path.stem] = pid
        path.unlink(missing_ok=True)
    for pid in left.values():
        send_signal(session_members(pid), signal.SIGTERM)
    end = time.monotonic() + grace
    while time.monotonic() < end and any(session_members(pid) for pid in left.values()):
        time.sleep(0.05)
    for pid in left.values():
        send_signal(session_members(pid), signal.SIGKILL)
    return list(left)
