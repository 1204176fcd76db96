"""A decoder that hangs, eats memory, crashes or is killed is a sentence; the next file is read as
if nothing had been."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.media import MediaError, decoders
from studio.media.decoders import DecoderEnded, Limits, pool
from studio.media.decoders.pool import Pool
from tests import files

STUBS = "tests.studio.media.decoders.stubs"
MEGABYTE = 1024 * 1024
SHORT = Limits(1, 60.0)
limited = pytest.mark.skipif(
    sys.platform == "darwin", reason="macOS does not limit the memory of a process"
)


@pytest.fixture
def own() -> Iterator[Pool]:
    """A pool of one decoder, for this test alone."""
    made = Pool(1, 1000)
    yield made
    made.close()


def gone(pid: int) -> bool:
    """Whether the process ends within seconds."""
    for _ in range(1000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        threading.Event().wait(0.01)
    return False


def ended(own: Pool, call: str, limits: Limits = SHORT, **args: Any) -> DecoderEnded:
    with pytest.raises(DecoderEnded) as caught:
        own.run(f"{STUBS}:{call}", args, limits)
    assert own.run(f"{STUBS}:echo", {"word": "next"}, Limits(5, 60.0)) == "next"
    return caught.value


def test_a_decoder_that_hangs_is_ended_by_the_clock(own: Pool) -> None:
    error = ended(own, "hang", Limits(60, 0.3))
    assert (error.reason, error.code) == ("time", "too-heavy")
    assert "Cut it shorter" in error.sentence


def test_a_decoder_that_works_and_works_is_ended_by_its_processor_time(own: Pool) -> None:
    assert ended(own, "spin").reason == "time"


@limited
def test_memory_has_a_limit_in_python_and_in_the_libraries(own: Pool, tmp_path: Path) -> None:
    small = Limits(20, 60.0, 400 * MEGABYTE)
    for call, args in (
        ("swallow", {"megabytes": 500}),
        ("swallow_natively", {"path": str(tmp_path / "p.png")}),
    ):
        error = ended(own, call, small, **args)
        assert error.reason == "memory"
        assert "(400 MB)" in error.sentence


@limited
def test_a_picture_that_needs_more_memory_than_there_is_is_not_called_damaged(
    own: Pool, tmp_path: Path
) -> None:
    path = files.write(tmp_path, "p.png", files.png(5000, 5000))
    small = Limits(20, 60.0, 200 * MEGABYTE)
    args = {"path": str(path), "target": str(tmp_path / "t"), "angle": 3.0}
    with pytest.raises(DecoderEnded) as caught:
        own.run("studio.media.edits:edit_picture", args, small)
    assert caught.value.reason == "memory"


def test_a_kill_by_somebody_else_is_forgiven_once(own: Pool, tmp_path: Path) -> None:
    args = {"path": str(tmp_path / "was here")}
    assert own.run(f"{STUBS}:killed_once", args, SHORT) == "second"
    error = ended(own, "killed")
    assert (error.reason, error.code) == ("killed", "decoder-lost")
    assert "Try again in a minute" in error.sentence


def test_the_decoder_itself_may_be_killed(own: Pool) -> None:
    """While it waits, and while it works: then the file is tried with another one."""
    assert own.run(f"{STUBS}:echo", {"word": "a"}, SHORT) == "a"
    waiting = own.idle[0].process
    assert waiting is not None
    os.kill(waiting.pid, signal.SIGKILL)
    waiting.wait()
    assert own.run(f"{STUBS}:echo", {"word": "b"}, SHORT) == "b"


def test_what_a_killed_decoder_worked_on_ends_too(own: Pool, tmp_path: Path) -> None:
    note, errors = tmp_path / "pid", []

    def ask() -> None:
        try:
            own.run(f"{STUBS}:pid_into", {"path": str(note)}, Limits(60, 3.0))
        except DecoderEnded as error:
            errors.append(error.reason)

    asking = threading.Thread(target=ask)
    asking.start()
    while not (note.exists() and note.read_text()):
        threading.Event().wait(0.01)
    child, parent = map(int, note.read_text().split())
    os.kill(parent, signal.SIGKILL)
    asking.join()
    assert errors == ["time"], "the second try hangs as the first did"
    assert gone(child), "it outlived its limit"


def test_a_crash_is_the_files_fault_and_so_is_a_bug(own: Pool) -> None:
    for call in ("crash", "bug"):
        error = ended(own, call)
        assert (error.reason, error.code) == ("crashed", "broken")


def test_what_is_printed_is_no_answer(own: Pool) -> None:
    assert own.run(f"{STUBS}:chatter", {}, SHORT) == "said"


def test_no_file_grows_without_end_and_a_full_disk_is_told_as_such(
    own: Pool, tmp_path: Path
) -> None:
    for call, args, number in (
        ("fill", {"path": str(tmp_path / "large")}, errno.EFBIG),
        ("full", {}, errno.ENOSPC),
    ):
        with pytest.raises(OSError) as caught:
            own.run(f"{STUBS}:{call}", args, SHORT)
        assert caught.value.errno == number


def test_a_decoder_knows_nothing_of_the_site(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "x" * 50)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-canary")
    names = own.run(f"{STUBS}:environment", {}, SHORT)
    assert not {"SECRET_KEY", "DASHSCOPE_API_KEY", "FIELD_KEYS", "DATABASE_URL"} & set(names)
    assert set(names) <= {"HOME", "LANG", "LC_ALL", "LC_CTYPE", "MALLOC_ARENA_MAX", "PATH"} | {
        "PYTHONPATH",
        "PYTHONUTF8",
        "TMPDIR",
    }


def test_a_decoder_ends_with_who_asked(own: Pool) -> None:
    assert own.run(f"{STUBS}:echo", {"word": "a"}, SHORT) == "a"
    process = own.idle[0].process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == 0


def test_an_interrupted_call_leaves_no_answer_for_the_next(own: Pool, tmp_path: Path) -> None:
    """RQ ends a job that takes too long from within, wherever it stands."""
    note = tmp_path / "pid"

    def alarm(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, 3.0)
        with pytest.raises(TimeoutError):
            own.run(f"{STUBS}:pid_into", {"path": str(note)}, Limits(60, 60.0))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert own.idle == []
    assert gone(int(note.read_text().split()[0])), "it worked on for nobody"
    assert own.run(f"{STUBS}:echo", {"word": "mine"}, SHORT) == "mine"


def test_errors_of_media_keep_their_kind(tmp_path: Path) -> None:
    path = files.write(tmp_path, "s.wav", files.wav(1.0))
    with pytest.raises(MediaError) as caught:
        decoders.cut_sound(path, tmp_path / "t.wav", 5.0, 6.0)
    assert caught.value.code == "bad-range"
    assert caught.value.sentence.values["seconds"] == "1.00"
    with pytest.raises(FileNotFoundError):
        decoders.verify_video(tmp_path / "nothing")


def test_pages_hold_few_turns_and_the_rest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Pool(2, 1000, page_turns=1)
    monkeypatch.setattr(pool, "_pool", own)
    with own.page_turn(), pytest.raises(DecoderEnded) as caught:
        decoders.run(f"{STUBS}:echo", {"word": "a"}, SHORT, "7")
    assert (caught.value.reason, caught.value.code) == ("busy", "decoder-busy")
    with own.page_turn(), decoders.turn("7"):  # who took a turn before holds no page up
        assert decoders.run(f"{STUBS}:echo", {"word": "a"}, SHORT) == "a"
        assert own.line.seated == [], "what follows, storing, holds nobody up"
    own.close()
