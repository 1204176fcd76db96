"""Slow clients, briefly: a hundred of each kind, and nobody else notices. In full:
`python -m tests.hostile.slow`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.hostile
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def seen() -> dict[str, dict[str, Any]]:
    words = ["--clients", "100", "--streams", "150", "--seconds", "4", "--settle", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.slow", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["attack"]: one for one in found}


KINDS = ("idle", "headers", "bodies", "readers", "uploads", "forms", "streams")


@pytest.mark.parametrize("kind", KINDS)
def test_pages_go_on_beside(seen: dict[str, dict[str, Any]], kind: str) -> None:
    """No page is refused or lost. Times belong to a machine; what held four page threads for ever
    let no page through at all."""
    found = seen[kind]
    assert found["wrong"] == 0
    assert found["pages"] >= 6
    assert found["attackers"]["at_once"] >= 90, "there was an attack"


def test_followers_all_follow(seen: dict[str, dict[str, Any]]) -> None:
    assert seen["streams"]["attackers"]["HTTP/1.1 200"] >= 150
