"""A tethered program does not outlive its parent, however the parent ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.local import processes
from studio.local.child import ROOT

# Writes its own number, then waits.
CHILD = (
    "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); "
    "time.sleep(60)"
)
PARENT = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {tether!r}, str(os.getpid()),
    sys.executable, "-c", {child!r}, {note!r}])
time.sleep(60)
"""
PLAIN = (
    "import sys; from studio.local import parent_watch; sys.exit(parent_watch.main(sys.argv[1:]))"
)
# As on a system whose kernel does not tell.
WATCHING = (
    "import sys; from studio.local import parent_watch; "
    "parent_watch.tie_to_parent = lambda parent: False; sys.exit(parent_watch.main(sys.argv[1:]))"
)


@pytest.mark.parametrize(
    "tether",
    [
        pytest.param(
            PLAIN, marks=pytest.mark.skipif(sys.platform != "linux", reason="a Linux call")
        ),
        WATCHING,
    ],
)
def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path, tether: str) -> None:
    note = tmp_path / "pid"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(tether=tether, child=CHILD, note=str(note))], cwd=ROOT
    )
    try:
        pid = int(_text(note))
        assert processes.process_identity(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        end = time.monotonic() + 10
        while processes.process_identity(pid) and time.monotonic() < end:
            time.sleep(0.02)
        assert not processes.process_identity(pid)
    finally:
        parent.kill()
        parent.wait()


def test_a_tether_to_a_parent_that_is_gone_starts_nothing(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    done = subprocess.run(
        [sys.executable, "-m", "studio.local.parent_watch", str(gone.pid), "touch", str(note)],
        cwd=ROOT,
        check=False,
        timeout=20,
    )
    assert done.returncode != 0
    assert not note.exists()


def test_the_command_takes_the_place_of_the_tether() -> None:
    words = [sys.executable, "-m", "studio.local.parent_watch", str(os.getpid())]
    done = subprocess.run(
        [*words, sys.executable, "-c", "raise SystemExit(7)"], cwd=ROOT, check=False
    )
    assert done.returncode == 7
    missing = subprocess.run(
        [*words, "/no/such/program"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert missing.returncode == 127
    assert "cannot be started" in missing.stderr
    assert subprocess.run(words, cwd=ROOT, check=False, capture_output=True).returncode == 2


def _text(path: Path) -> str:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.02)
    raise AssertionError("the child never started")
