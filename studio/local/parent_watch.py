"""`python -m studio.local.parent_watch PARENT COMMAND…`: run COMMAND so that it does not outlive
the process PARENT.

On Linux the kernel sends SIGTERM to COMMAND when PARENT is gone, even after a kill -9, and nothing
stays in between. Elsewhere this process stays, looks every second whether PARENT is still there,
and passes signals on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1


def tie_to_parent(parent: int) -> bool:
    """SIGTERM to this process when `parent` dies; kept over exec. False where the kernel cannot do
    it.

    The signal follows the thread that started this process, so children must be started from the
    main thread.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        tied = bool(
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) == 0
        )
    except (OSError, AttributeError):
        return False
    if tied and os.getppid() != parent:
        # It died before the kernel was told, so no signal will ever come.
        raise SystemExit(128 + signal.SIGTERM)
    return tied


def watch_parent(parent: int, command: list[str]) -> int:
    """Run `command` as a child, stop it when `parent` is gone; its exit code."""
    child = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: child.send_signal(got))
    while child.poll() is None:
        if os.getppid() != parent:
            child.terminate()
        time.sleep(1 if os.getppid() == parent else 5)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def main(words: list[str]) -> int:
    if len(words) < 2 or not words[0].isdigit():
        sys.stderr.write("usage: python -m studio.local.parent_watch PARENT COMMAND…\n")
        return 2
    parent, command = int(words[0]), words[1:]
    if not tie_to_parent(parent):
        return watch_parent(parent, command)
    try:
        os.execvp(command[0], command)  # noqa: S606  (the supervisor's own command)
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}.\n")
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
