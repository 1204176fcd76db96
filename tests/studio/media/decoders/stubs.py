"""What a decoder may meet, as functions that it is asked to call."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from pathlib import Path


def echo(word: str) -> str:
    return word


def hang() -> None:
    threading.Event().wait()


def spin() -> None:
    while True:
        pass


def swallow(megabytes: int) -> int:
    return len(bytearray(megabytes * 1024 * 1024))


def swallow_natively(path: str) -> None:
    from PIL import Image

    Image.new("RGB", (20_000, 20_000)).save(path)


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_once(path: str) -> str:
    """The first time; the second time it answers."""
    if not Path(path).exists():
        Path(path).touch()
        killed()
    return "second"


def crash() -> None:
    ctypes.string_at(0)


def bug() -> None:
    raise AssertionError("a bug of ours, or bytes that nobody thought of")


def chatter() -> str:
    print("what a library prints")
    os.write(1, b'{"value": "forged"}\n')
    return "said"


def fill(path: str) -> None:
    with open(path, "wb") as file:
        file.truncate(5 * 1024**3)


def until_there(path: str) -> str:
    while not Path(path).exists():
        threading.Event().wait(0.01)
    return "there"


def full() -> None:
    raise OSError(28, "No space left on device")


def environment() -> list[str]:
    return sorted(os.environ)


def pid_into(path: str) -> None:
    """Leave a note of who this is, and hang."""
    Path(path).write_text(f"{os.getpid()} {os.getppid()}")
    hang()
