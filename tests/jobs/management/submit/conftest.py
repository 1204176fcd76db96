"""What the tests of submit stand on."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command

from jobs.common import wakeup
from jobs.management import follow
from studio.models import Team, User
from tests import files
from tests.jobs.management.submit.checks import KEYS


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bells of checks that were rung; nobody answers them."""
    rung: list[int] = []
    monkeypatch.setattr(wakeup, "enqueue_check", rung.append)
    monkeypatch.setattr(wakeup, "worker_heard", lambda: True)
    return rung


@pytest.fixture
def submit(team: Team, creator: User, account: object, asked: list[int]) -> Any:
    def run(model: str, *words: str, **options: Any) -> tuple[dict[str, Any], int]:
        out, code = io.StringIO(), 0
        try:
            call_command(
                "submit",
                model,
                *words,
                **{"team": "north", "by": creator.email, **options},
                stdout=out,
            )
        except SystemExit as end:
            code = int(end.code or 0)
        lines = out.getvalue().splitlines()
        assert len(lines) == 1
        said = json.loads(lines[0])
        assert set(said) == KEYS
        return said, code

    return run


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Things that happen, one for each time the command waits."""
    steps: list[Any] = []
    monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=lambda seconds: steps.pop(0)()))
    return steps


@pytest.fixture
def portrait(tmp_path: Path) -> str:
    return str(files.write(tmp_path, "Mia.jpg", files.jpeg(600, 600)))


@pytest.fixture
def speech(tmp_path: Path) -> str:
    return str(files.write(tmp_path, "hello.wav", files.wav(2.0)))
