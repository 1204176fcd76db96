from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import download
from jobs.download import connection
from tests.jobs.download.fetching import VIDEO
from tests.jobs.download.video_host import VideoHost, running


@pytest.fixture
def host() -> Iterator[VideoHost]:
    with running(VIDEO) as made:
        yield made


@pytest.fixture
def part(tmp_path: Path) -> download.PartialFile:
    return download.PartialFile(tmp_path / "abc.part")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(connection, "MIN_BYTES", 1000)
    monkeypatch.setattr(connection, "TICK", 0.02)
