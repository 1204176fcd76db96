"""Benches and storms are run by hand: that one of them does not start would be found by nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("bench", "chaos", "browser", "hostile")


def test_programs_that_are_run_by_hand_can_be_imported() -> None:
    """In a process that no settings are made for, as they are started."""
    names = [
        f"tests.{folder}.{path.stem}"
        for folder in FOLDERS
        for path in sorted((ROOT / "tests" / folder).glob("*.py"))
        if not path.stem.startswith(("__", "test_", "conftest"))
    ]
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(f"import {name}" for name in names)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
