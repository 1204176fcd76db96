"""The program of a decoder: `python -m studio.media.decoders.child`.

Reads requests from its standard input, a line of JSON each, and answers each with a line. It
decodes nothing itself: for every file it forks a child under that file's limits, so that nothing
of one file is there when the next is read. Ends when its input ends or nothing was asked for
IDLE seconds.

{"call": "module:function", "args": {…}, "processor": s, "clock": s, "memory": bytes} is answered
with {"value": …}, {"code", "sentence"} for a MediaError, {"errno"} for a disk that is full, or
{"ended": "time" | "memory" | "crashed" | "killed"}; and with what it took: "seconds" (of
processor time) and "rss" (bytes, the most).
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from importlib import import_module

from studio.common.translatable import packed
from studio.media.decoders.limits import WRITTEN, Message
from studio.media.facts import MediaError

IDLE = 300.0  # seconds
LATE = 2  # seconds until what does not heed a limit is killed
NICE = 10  # pages go first
ANSWER = 8 * 1024 * 1024  # bytes
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
CRASHES = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGABRT,
    signal.SIGILL,
    signal.SIGFPE,
    signal.SIGSYS,
}


def main() -> None:
    # What every call needs, loaded once: a fork costs a few milliseconds, these imports 300.
    import_module("studio.media.preparation")
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    os.nice(NICE)
    read = bytearray()
    while True:
        while b"\n" in read:
            line, _, rest = bytes(read).partition(b"\n")
            read = bytearray(rest)
            _write(answers, json.dumps(_served(json.loads(line), answers)).encode() + b"\n")
        ready, _, _ = select.select([0], [], [], IDLE)
        block = os.read(0, 65536) if ready else b""
        if not block:
            return
        read += block


def _served(request: Message, answers: int) -> Message:
    """The answer to one request, from a child of its own."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.close(answers)
        _work(request, writer)
    os.close(writer)
    data, over = _read(reader, pid, time.monotonic() + request["clock"])
    os.close(reader)
    _, status, used = os.wait4(pid, 0)
    answer = _judged(data, status, over)
    # Linux counts in kilobytes, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    answer["seconds"] = round(used.ru_utime + used.ru_stime, 3)
    answer["rss"] = used.ru_maxrss * unit
    return answer


def _read(reader: int, pid: int, deadline: float) -> tuple[bytes, bool]:
    """What the child writes until it ends, and whether its time was over. Ends it, and us, when
    whoever asked is gone."""
    data = bytearray()
    while True:
        left = deadline - time.monotonic()
        ready, _, _ = select.select([reader, 0], [], [], max(0.0, left))
        if not ready or left <= 0 or len(data) > ANSWER:
            os.kill(pid, signal.SIGKILL)
            return b"", True
        if 0 in ready:  # nothing is asked before the last answer, so this is the end of our input
            os.kill(pid, signal.SIGKILL)
            os._exit(0)
        block = os.read(reader, 65536)
        if not block:
            return bytes(data), False
        data += block


def _judged(data: bytes, status: int, over: bool) -> Message:
    if over:
        return {"ended": "time"}
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number in (signal.SIGXCPU, signal.SIGALRM):
            return {"ended": "time"}
        return {"ended": "crashed" if number in CRASHES else "killed"}
    try:
        answer = json.loads(data)
    except ValueError:
        return {"ended": "crashed"}
    return answer if isinstance(answer, dict) else {"ended": "crashed"}


def _work(request: Message, writer: int) -> None:
    """In the child: do it and write the answer. Does not return."""
    try:
        _limit(request)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        try:
            answer = {"value": _called(request["call"], request["args"])}
        except MemoryError:
            answer = {"ended": "memory"}
        except MediaError as error:
            answer = {"code": error.code, "sentence": packed(error.sentence)}
        except OSError as error:
            sys.excepthook(*sys.exc_info())
            answer = {"errno": error.errno or 5}
        _write(writer, json.dumps(answer).encode())
        os._exit(0)
    except MemoryError:
        _write(writer, b'{"ended": "memory"}')
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def _called(call: str, args: Message) -> object:
    module, _, name = call.partition(":")
    value = getattr(import_module(module), name)(**args)
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _limit(request: Message) -> None:
    """Take on the limits of this call, for good."""
    processor = request["processor"]
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, processor, processor + LATE),
        (resource.RLIMIT_AS, request["memory"], request["memory"]),
        (resource.RLIMIT_FSIZE, WRITTEN, WRITTEN),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):  # macOS does not limit address space
            sys.stderr.write(f"a decoder has no limit of kind {kind}\n")
    # Libraries start as many threads as there are processors, several times over, and each takes of
    # the address space: a video was refused on two processors, and none would pass on sixteen.
    if hasattr(os, "sched_setaffinity"):
        with suppress(OSError):  # a container may forbid it
            os.sched_setaffinity(0, {random.choice(sorted(os.sched_getaffinity(0)))})  # noqa: S311
    # Should the one that watches over it be killed, it still ends: at once where the system can.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(request["clock"]) + LATE)


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


if __name__ == "__main__":
    main()
