"""The pure functions of static/js, tested by Node's own test runner (tests/js)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = sorted((ROOT / "tests" / "js").glob("*.test.mjs"))


def test_the_pure_functions_of_the_scripts_hold() -> None:
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("Node is missing, so the scripts are not tested.")
        pytest.skip("Node is missing, so the scripts are not tested (apt install nodejs).")
    assert TESTS
    ran = subprocess.run(
        [node, "--test", *map(str, TESTS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
