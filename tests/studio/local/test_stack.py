"""The embedded stack as a whole: one per folder, addresses that stay, healing, and nothing left
behind."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.config import env
from studio.local import child as child_module
from studio.local import processes
from studio.local import stack as stacks
from studio.local.child import Child, StartFailed, StopRequested, Supervisor
from studio.local.ports import Ports, PortTaken, any_free_port, is_free
from studio.local.stack import AlreadyRunning, Stack

SLEEPER = ["sleep", "60"]


def until(what: Callable[[], object], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stack]:
    """A stack whose web is a small file server and whose worker sleeps; Redis is the real one."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    monkeypatch.setattr(Supervisor, "handle_signals", lambda self: None)
    monkeypatch.setattr(stacks, "manage_command", lambda *words: SLEEPER)
    monkeypatch.setattr(
        stacks,
        "web_command",
        lambda host, port: [sys.executable, "-m", "http.server", str(port), "--bind", host],
    )

    def one(**options: object) -> Stack:
        settings = {"port": None, "simulator": False, **options}
        return Stack(
            tmp_path / "data", say=lambda name, line: said.append(f"{name} {line}"), **settings
        )  # type: ignore[arg-type]

    return one


def test_a_stack_starts_heals_and_leaves_nothing(
    make: Callable[..., Stack], said: list[str]
) -> None:
    with make(port=any_free_port()) as stack:
        first = stack.start()
        assert env.running_stack(stack.data_dir) == first
        assert stacks.redis_answers(first["redis"])
        assert stacks.web_answers(first["web"])
        with pytest.raises(AlreadyRunning, match="already runs"), make():
            pass
        web = next(child for child in stack.supervisor.children if child.name == "web")
        assert web.process is not None
        os.kill(web.process.pid, signal.SIGKILL)

        def healed() -> bool:
            stack.supervisor.check()
            return web.alive and stacks.web_answers(first["web"])

        assert until(healed)
        assert any(line.startswith("web was ended by SIGKILL") for line in said)
        pids = [child.process.pid for child in stack.supervisor.children if child.process]
        assert len(pids) == 3
    assert not any(processes.process_identity(pid) for pid in pids)
    assert env.running_stack(stack.data_dir) == {}
    assert not list(stack.run_dir.glob("*.pid"))

    with make() as again:
        assert again.start() == first, "the addresses stay the same, also without being asked for"


def test_children_are_told_the_addresses_unless_the_user_chose_them(
    make: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = any_free_port()
    monkeypatch.setenv("PUBLIC_URL", "https://videos.example.com")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/3")
    with make(port=port) as stack:
        found = stack.start()
        assert [child.name for child in stack.supervisor.children] == ["worker", "web"], (
            "no Redis of our own beside the user's"
        )
        assert stack.env["REDIS_URL"] == found["redis"] == "redis://elsewhere/3"
        assert stack.env["PUBLIC_URL"] == "https://videos.example.com"
        assert "MODELSTUDIO_URL" not in stack.env


def test_the_simulator_takes_the_place_of_the_service(
    make: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "port_listens", lambda port: True)
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/3")
    with make(port=any_free_port(), simulator=True) as stack:
        found = stack.start()
        assert found["modelstudio"].startswith("http://127.0.0.1:")
        assert stack.env["MODELSTUDIO_URL"] == found["modelstudio"]
        assert all(
            child.env["MODELSTUDIO_URL"] == found["modelstudio"]
            for child in stack.supervisor.children
        )


def test_what_a_killed_run_left_is_stopped_first(
    make: Callable[..., Stack], said: list[str], tmp_path: Path
) -> None:
    left = Child("worker", SLEEPER, run_dir=tmp_path / "data" / "run")
    assert left.run_dir is not None
    left.run_dir.mkdir(parents=True)
    (left.run_dir / "stack.json").write_text('{"redis": "redis://127.0.0.1:1/0"}')
    left.start()
    try:
        with make() as stack:
            assert left.process is not None
            assert left.process.wait(5) == -signal.SIGTERM
            assert any("left over" in line for line in said)
            assert env.running_stack(stack.data_dir) == {}, (
                "a dead run's addresses are not believed"
            )
    finally:
        left.clear()


def test_a_stranger_with_a_number_of_ours_is_not_touched(tmp_path: Path) -> None:
    stranger = Child("other", SLEEPER, run_dir=tmp_path)
    stranger.start()
    try:
        assert stranger.process is not None
        pid = stranger.process.pid
        (tmp_path / "other.pid").write_text(
            json.dumps({"pid": pid, "birth": "another-boot/1", "command": []})
        )
        (tmp_path / "damaged.pid").write_text("{")
        assert processes.stop_stale(tmp_path) == []
        assert stranger.alive
        assert not list(tmp_path.glob("*.pid"))
    finally:
        stranger.clear()


# ── ports ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def taken() -> Iterator[int]:
    import socket

    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        yield somebody.getsockname()[1]


def test_a_port_is_kept_until_somebody_else_has_it(tmp_path: Path, taken: int) -> None:
    path = tmp_path / "ports.json"
    chosen = Ports(path).choose("redis")
    assert Ports(path).choose("redis") == chosen
    path.write_text(json.dumps({"redis": taken}))
    assert Ports(path).choose("redis") != taken
    path.write_text("{ damaged")
    assert is_free(Ports(path).choose("redis"))


def test_the_first_port_is_left_to_who_has_it(tmp_path: Path, taken: int) -> None:
    port = Ports(tmp_path / "ports.json").choose("web", first=taken)
    assert port != taken
    assert is_free(port)
    with pytest.raises(PortTaken, match=f"Port {taken} is taken"):
        Ports(tmp_path / "ports.json").choose("web", asked=taken)


def test_two_children_never_get_one_port(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    port = ports.choose("redis")
    ports.saved["simulator"] = port
    assert ports.choose("simulator") != port


# ── children ──────────────────────────────────────────────────────────────────────────────────────
def test_a_child_that_cannot_start_is_reported_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "FIRST_WAIT", 0.01)
    supervisor = Supervisor(lambda name, line: None)
    with pytest.raises(StartFailed, match="no such luck"):
        supervisor.add(
            Child(
                "web",
                [sys.executable, "-c", "raise SystemExit('no such luck')"],
                run_dir=tmp_path,
                ready=lambda: False,
            )
        )
    supervisor.stop()


def test_a_stubborn_child_is_killed_with_all_it_started(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = (
        "import os, signal, subprocess, sys, time, pathlib\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], "
        "process_group=0)\n"
        f"pathlib.Path({str(ready)!r}).write_text(str(grandchild.pid))\n"
        "time.sleep(60)\n"
    )
    supervisor = Supervisor(lambda name, line: None)
    supervisor.add(
        Child(
            "worker",
            [sys.executable, "-c", script],
            run_dir=tmp_path,
            grace=0.2,
            ready=lambda: ready.exists() and bool(ready.read_text()),
        )
    )
    grandchild = int(ready.read_text())
    assert processes.process_identity(grandchild)
    supervisor.stop()
    assert until(lambda: not processes.process_identity(grandchild))


def test_a_child_that_keeps_dying_waits_longer_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "FIRST_WAIT", 0.05)
    lines: list[str] = []
    supervisor = Supervisor(lambda name, line: lines.append(line))
    child = Child("web", ["sh", "-c", "exit 3"], run_dir=tmp_path)
    supervisor.children.append(child)
    child.start()

    def died_twice() -> bool:
        supervisor.check()
        return child.failures >= 2

    assert until(died_twice)
    supervisor.stop()
    assert "ended with code 3; it starts again in 0.05 s." in lines[0]
    assert any("again in 0.1 s." in line for line in lines)


def test_lines_are_shown_whole_and_once(tmp_path: Path) -> None:
    child = Child("web", [], run_dir=tmp_path)
    assert child.new_lines() == []
    assert child.log is not None
    child.log.write_text("one\ntw")
    assert child.new_lines() == ["one"]
    with child.log.open("a") as out:
        out.write("o\n")
    assert child.new_lines() == ["two"]
    assert child.new_lines() == []


def test_asking_to_stop_ends_the_watching() -> None:
    supervisor = Supervisor(lambda name, line: None)
    supervisor._on_signal(signal.SIGTERM, None)
    with pytest.raises(StopRequested):
        supervisor.check()
    assert not supervisor.stop_now
    supervisor._on_signal(signal.SIGTERM, None)
    assert supervisor.stop_now
