from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import download
from jobs.download import connections
from tests.jobs.download.filmhost import FilmHost, running
from tests.jobs.download.scene import FILM


@pytest.fixture
def host() -> Iterator[FilmHost]:
    with running(FILM) as made:
        yield made


@pytest.fixture
def part(tmp_path: Path) -> download.Part:
    return download.Part(tmp_path / "abc.part")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SILENCE", 0.3)
    monkeypatch.setattr(connections, "SLOWEST", 1000)
    monkeypatch.setattr(connections, "TICK", 0.02)
