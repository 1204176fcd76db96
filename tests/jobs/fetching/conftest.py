from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import fetching
from jobs.fetching import connections
from tests.jobs.fetching.scene import FILM
from tests.jobs.filmhost import FilmHost, running


@pytest.fixture
def host() -> Iterator[FilmHost]:
    with running(FILM) as made:
        yield made


@pytest.fixture
def part(tmp_path: Path) -> fetching.Part:
    return fetching.Part(tmp_path / "abc.part")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SILENCE", 0.3)
    monkeypatch.setattr(connections, "SLOWEST", 1000)
    monkeypatch.setattr(connections, "TICK", 0.02)
