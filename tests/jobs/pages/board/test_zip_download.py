"""The results of a set in one zip: what is in it, and its length, known before it is sent."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zipstream.ng
from django.core.files.storage import default_storage

from jobs.common.states import State
from jobs.models import Job
from jobs.pages.board import zip_download
from studio.models import Team, User
from tests import makers

MEGABYTE = 1024 * 1024


def results(team: Team, creator: User, contents: dict[str, bytes]) -> list[Job]:
    """A job for each title, with its content as the result."""
    jobs = []
    for title, content in contents.items():
        film = makers.asset(team, "video", content, origin="result")
        jobs.append(makers.job(team, creator, state=State.SUCCEEDED, title=title, result=film))
    return jobs


def stored(job: Job) -> Path:
    assert job.result is not None
    return Path(default_storage.path(str(job.result.file.name)))


def unpacked(archive: zip_download.Archive) -> zipfile.ZipFile:
    """The archive as the standard library reads it, after its length was compared."""
    content = b"".join(archive)
    assert len(archive) == len(content)
    found = zipfile.ZipFile(io.BytesIO(content))
    assert found.testzip() is None
    return found


def large_file(size: int) -> Any:
    """A job whose result is a sparse file of `size` bytes."""
    name = f"{size} bytes"
    path = Path(default_storage.path(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    result = SimpleNamespace(
        extension="mp4", file=SimpleNamespace(name=name), created_at=datetime.now(UTC)
    )
    return SimpleNamespace(pk=size, title="Large", result=result)


@pytest.mark.django_db
def test_the_zip_has_every_film_once_under_a_name_of_its_own(team: Team, creator: User) -> None:
    contents = {"Take 1/2": b"a" * 70_000, "take 1_2": b"b" * 10, "Lost": b"c"}
    jobs = results(team, creator, contents)
    stored(jobs[2]).unlink()
    with unpacked(zip_download.archive_of(jobs)) as archive:
        assert archive.namelist() == ["Take 1_2.mp4", "take 1_2 (2).mp4", "missing.txt"]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read("Take 1_2.mp4") == contents["Take 1/2"]
        assert archive.read("take 1_2 (2).mp4") == contents["take 1_2"]
        assert "Lost.mp4" in archive.read("missing.txt").decode()


@pytest.mark.django_db
def test_an_entry_is_dated_when_its_result_came_and_can_be_read_by_others(
    team: Team, creator: User
) -> None:
    jobs = results(team, creator, {"Ein Märchen": b"a", "B": b"b"})
    for job, year in zip(jobs, (2024, 2025), strict=True):
        assert job.result is not None
        job.result.created_at = datetime(year, 3, 31, 23, 59, 58, tzinfo=UTC)
    content = b"".join(zip_download.archive_of(jobs))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert [info.date_time for info in archive.infolist()] == [
            (2024, 3, 31, 23, 59, 58),
            (2025, 3, 31, 23, 59, 58),
        ]
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o644}
        # Programs that unpack while they receive know only the header of the entry.
        for info, year in zip(archive.infolist(), (2024, 2025), strict=True):
            clock, day = struct.unpack_from("<HH", content, info.header_offset + 10)
            assert (clock, day) == (23 << 11 | 59 << 5 | 29, (year - 1980) << 9 | 3 << 5 | 31)


@pytest.mark.django_db
def test_an_empty_result_and_no_result_at_all(team: Team, creator: User) -> None:
    jobs = results(team, creator, {"Empty": b"", "None": b"x"})
    stored(jobs[0]).write_bytes(b"")
    jobs[1].result = None
    with unpacked(zip_download.archive_of(jobs)) as archive:
        assert archive.namelist() == ["Empty.mp4"]


@pytest.mark.django_db
def test_the_download_breaks_off_when_a_result_changes_meanwhile(team: Team, creator: User) -> None:
    """The length was told before: what does not fit it must not look complete."""
    jobs = results(team, creator, {"A": b"a" * 1000, "B": b"b" * 1000})
    archive = zip_download.archive_of(jobs)
    stored(jobs[1]).unlink()
    with pytest.raises(FileNotFoundError):
        b"".join(archive)
    shorter = zip_download.archive_of(jobs[:1])
    os.truncate(stored(jobs[0]), 10)
    with pytest.raises(RuntimeError, match="did not match"):
        b"".join(shorter)


def test_memory_does_not_grow_with_what_is_sent() -> None:
    archive = zip_download.archive_of([large_file(64 * MEGABYTE)])
    tracemalloc.start()
    try:
        sent = sum(len(piece) for piece in archive)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent == len(archive) > 64 * MEGABYTE
    assert peak < MEGABYTE


def test_the_length_is_right_beyond_four_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an entry, and the list at the end, need the larger form."""
    block = bytes(64 * MEGABYTE)

    def blocks(name: str, start: int, stop: int) -> Iterator[bytes]:
        for at in range(start, stop, len(block)):
            yield block[: stop - at]

    monkeypatch.setattr(zip_download.file_store, "blocks", blocks)
    monkeypatch.setattr(zipstream.ng, "crc32", lambda data, crc: 0)
    four = 4 * 1024 * MEGABYTE
    for size in (four - 1, four, four + 1):
        archive = zip_download.archive_of([large_file(size), large_file(1)])
        assert sum(len(piece) for piece in archive) == len(archive) > size
