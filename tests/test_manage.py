"""What stands in the way of every command is said in a sentence, not in a stack trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "The database has no tables yet"),
        ({"REDIS_URL": "redis+sentinel://x"}, "neither Sentinel nor Cluster"),
        ({"DATABASE_URL": "postgres://u:secret@127.0.0.1:1/x"}, "The database cannot be used"),
    ],
)
def test_a_site_that_cannot_work_says_why(tmp_path: Path, wrong: dict[str, str], said: str) -> None:
    ours = ("DATABASE_URL", "REDIS_URL", "DEBUG", "ALLOWED_HOSTS", "DJANGO_SETTINGS_MODULE")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "manage.py", "verify"],
        cwd=ROOT,
        env=env | {"DATA_DIR": str(tmp_path)} | wrong,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(said) or said in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
