"""One decoder: a process of its own that starts a child for each file (`child`)."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from studio.media.decoders.limits import Message

ROOT = Path(__file__).resolve().parents[3]
GRACE = 15.0  # seconds beyond the limit of a call until the decoder itself counts as lost
ANSWER = 8 * 1024 * 1024  # bytes of an answer that are read at most
# Nothing of the site's own environment: what is not there cannot be taken.
PASSED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME", "SYSTEMROOT")


class Lost(Exception):
    """The decoder itself is gone, or does not answer."""


class Decoder:
    """A decoder process. One call at a time; starts when first asked, and again when it has gone
    for being idle."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, request: Message) -> Message:
        """The answer to `request`. Lost when there is none."""
        line = json.dumps(request).encode() + b"\n"
        if self.process is None or self.process.poll() is not None:
            self.close()
            self.process = _started()
        process = self.process
        try:
            if process.stdin is None:
                raise Lost
            process.stdin.write(line)
            process.stdin.flush()
        except OSError as error:
            raise Lost from error
        return self._answer(process, time.monotonic() + request["clock"] + GRACE)

    @staticmethod
    def _answer(process: subprocess.Popen[bytes], deadline: float) -> Message:
        if process.stdout is None:
            raise Lost
        handle, read = process.stdout.fileno(), bytearray()
        while not read.endswith(b"\n"):
            ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            block = os.read(handle, 65536) if ready else b""
            read += block
            if not block or len(read) > ANSWER:
                raise Lost
        try:
            answer = json.loads(read)
        except ValueError as error:
            raise Lost from error
        if not isinstance(answer, dict):
            raise Lost
        return answer

    def close(self) -> None:
        """End it with what it works on."""
        process, self.process = self.process, None
        if process is not None:
            if process.returncode is None:  # else its number may be another's by now
                with suppress(ProcessLookupError):  # the child that it forked is of its group
                    os.killpg(process.pid, signal.SIGKILL)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was not read any more
                        pipe.close()
            process.wait()


def _started() -> subprocess.Popen[bytes]:
    env = {name: os.environ[name] for name in PASSED if name in os.environ}
    # One arena of memory instead of one a thread: each reserves 64 MB of the address space.
    env |= {"PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "2", "PYTHONUTF8": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "studio.media.decoders.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
        cwd=os.sep,
        start_new_session=True,  # Ctrl-C on a terminal is for who asked, not for a video under way
    )
