"""Other users of the machine read nothing of DATA_DIR."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.config import private_files

ROOT = Path(__file__).resolve().parents[3]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _left_by_an_older_version(data: Path) -> list[Path]:
    """Everything of a DATA_DIR, with the modes of umask 022."""
    made = [
        data / name
        for name in (
            "keys.json",
            "footlight.sqlite3",
            "footlight.sqlite3-wal",
            "run/web.log",
            "run/stack.json",
            "tmp/upload-x",
            "redis/valkey-9/appendonlydir/appendonly.aof.1.incr.aof",
            "files/1/ab.mp4",
        )
    ]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o644)
    for folder in [data, *(path for path in data.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    return made


def test_what_an_older_version_left_open_is_closed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    made = _left_by_an_older_version(data)
    assert len(private_files.open_to_others(data)) > 10
    assert private_files.mend(data) == []
    assert private_files.open_to_others(data) == []
    assert _mode(data) == _mode(data / "files") == 0o700
    for path in made[:-1]:
        assert _mode(path) == 0o600, path


def test_a_folder_of_many_files_costs_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "files" / "1").mkdir(parents=True)
    for number in range(50):
        (tmp_path / "files" / "1" / str(number)).touch()
    asked: list[Path] = []
    seen = private_files._is_open
    monkeypatch.setattr(private_files, "_is_open", lambda path: asked.append(path) or seen(path))
    private_files.mend(tmp_path)
    assert len(asked) < 10


@pytest.mark.parametrize("which", ["sticky", "home", "above home"])
def test_a_folder_that_others_need_is_not_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o1777 if which == "sticky" else 0o755)
    home = {"sticky": tmp_path / "me", "home": data, "above home": data / "me"}[which]
    monkeypatch.setattr("pathlib.Path.home", lambda: home)
    assert private_files.mend(data) == [data]
    assert _mode(data) & 0o077


def test_check_says_what_is_open(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    tmp_path.chmod(0o700)
    assert private_files.check() == []
    (tmp_path / "keys.json").touch()
    (tmp_path / "keys.json").chmod(0o640)
    (found,) = private_files.check()
    assert found.id == "footlight.W001"
    assert "keys.json and 0 more can be read by other users" in found.msg
    assert "chmod -R go=" in found.msg


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_belongs_to_somebody_else_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    file = tmp_path / "keys.json"
    file.touch(0o600)
    file.chmod(0o600)
    os.chown(file, 65534, 65534)
    assert private_files.mend(tmp_path) == [file]


def test_what_a_process_of_ours_writes_is_its_own(tmp_path: Path) -> None:
    """Whatever the shell's umask is: the made keys, the database with its log, stored files."""
    program = (
        "import django; django.setup()\n"
        "from django.core.files.base import ContentFile\n"
        "from django.core.files.storage import default_storage\n"
        "from django.core.management import call_command\n"
        "from django.db import connection\n"
        "call_command('migrate', verbosity=0)\n"
        "default_storage.save('1/x.jpg', ContentFile(b'x'))\n"
        "connection.cursor().execute('SELECT 1')\n"
        "from studio.config import private_files\n"
        "from django.conf import settings\n"
        "for path in settings.DATA_DIR.rglob('*'):\n"
        "    print(oct(path.stat().st_mode & 0o77), path)\n"
    )
    data = tmp_path / "data"
    env = {**os.environ, "DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "studio.settings"}
    for name in ("DATABASE_URL", "STORAGE_URL", "SECRET_KEY"):
        env.pop(name, None)
    done = subprocess.run(
        ["sh", "-c", 'umask 022; exec "$0" -c "$1"', sys.executable, program],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name in ("keys.json", "footlight.sqlite3", "footlight.sqlite3-wal", "1/x.jpg"):
        assert any(line.endswith(name) for line in lines), name
    assert [line for line in lines if not line.startswith("0o0 ")] == []
    assert _mode(data) == 0o700
