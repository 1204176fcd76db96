"""Files that are small and would take a machine for hours, through a running site. In full:
`python -m tests.hostile.bombs`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.hostile
ROOT = Path(__file__).resolve().parents[2]
BRIEF = ("day.flac", "night.mp3", "larger.png", "moving.gif", "video.mp4")


def test_pages_go_on_beside_bombs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.bombs", "--seconds", "4", "--only", *BRIEF],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["as_expected"], seen["answers"]
    assert seen["wrong"] == 0
