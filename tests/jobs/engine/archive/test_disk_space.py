"""The 24 hours, and disks and buckets that are full or away."""

from __future__ import annotations

import errno
import os
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage

from jobs import download
from jobs.billing import ledger
from jobs.engine import result_download
from jobs.models import Job, JobEvent, LedgerEntry
from studio.models import Team, User
from tests import makers
from tests.jobs.download.video_host import VideoHost, answer_with, cut_after
from tests.jobs.engine.archive.archive_steps import aged, lines, parts, step

pytestmark = pytest.mark.django_db


# ── 24 hours ──────────────────────────────────────────────────────────────────────────────────────


def paid(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(
        settled_micros=ledger.settle(job, Decimal("1.000"), job.variant)
    )


def test_after_a_day_it_is_lost_with_its_reason_and_stays_paid(job: Job, host: VideoHost) -> None:
    paid(job)
    host.answers = [answer_with(500), answer_with(403)]
    step(job)
    aged(job, 25)
    job = step(job)
    assert (job.state, job.code, job.fault) == ("failed", "archive-failed", "service")
    assert "403" in job.sentence
    assert job.settled_micros == 11_469
    assert set(LedgerEntry.objects.filter(job=job).values_list("kind", flat=True)) == {
        "hold",
        "settle",
    }


def test_it_is_our_fault_when_nobody_came_for_it(job: Job, host: VideoHost) -> None:
    host.answers = [answer_with(403)]
    aged(job, 25)
    assert step(job).fault == "ours"


def test_it_is_our_fault_when_our_disk_was_full(job: Job, host: VideoHost, full_disk: None) -> None:
    assert "disk is full" in step(job).sentence
    aged(job, 24.5)
    assert step(job).state == "archiving", "the host still has it"
    host.answers = [answer_with(403)]
    job = step(job)
    assert (job.code, job.fault) == ("archive-failed", "ours")


def test_a_video_that_is_still_there_after_a_day_is_taken(job: Job) -> None:
    aged(job, 25)
    assert step(job).state == "succeeded"


# ── our disk, our bucket ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)


def test_a_full_disk_is_waited_for(
    job: Job, host: VideoHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda path: type("usage", (), {"free": 1000}))
        for _ in range(8):
            job = step(job)
    assert job.state == "archiving"
    assert "disk is full" in job.sentence
    assert sum("disk is full" in line for line in lines(job)) == 1, "one line, not one per try"
    assert step(job).state == "succeeded"


def test_a_bucket_that_is_away_costs_no_second_download(
    job: Job, host: VideoHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **kwargs: Any) -> str:
        raise RuntimeError("EndpointConnectionError")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "save", away)
        for _ in range(4):
            job = step(job)
        aged(job, 24 * 9)
        job = step(job)
    assert job.state == "archiving", "a video that lies here is never given up"
    assert "fetched and proven" in job.sentence
    assert result_download.sweep() == 0
    assert step(job).state == "succeeded"
    assert len(host.seen) == 1
    assert parts() == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_store_keeps_the_proven_video(
    job: Job, host: VideoHost, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(number, "no")

    with monkeypatch.context() as patch:
        patch.setattr("studio.files.file_store.decoders.prepare", full)
        job = step(job)
    assert ("is full" in job.sentence) == (number != errno.EIO)
    assert step(job).state == "succeeded"
    assert len(host.seen) == 1


def test_a_video_on_the_disk_of_another_worker_is_not_given_up(job: Job, host: VideoHost) -> None:
    """That worker could not store it yet, and here there is nothing but an address that has
    expired."""
    JobEvent.objects.create(
        team=job.team, job=job, new="archiving", text="stored?", data={"trouble": "store"}
    )
    aged(job, 30)
    host.answers = [answer_with(403)]
    assert step(job).state == "archiving"


def test_a_proven_video_is_proven_once(
    job: Job, host: VideoHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "save", lambda *args, **kwargs: 1 / 0)
        job = step(job)
    monkeypatch.setattr(result_download, "verify_video", lambda path: pytest.fail("decoded again"))
    assert step(job).state == "succeeded"


def test_a_proven_video_that_rots_is_fetched_again(
    job: Job, host: VideoHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "save", lambda *args, **kwargs: 1 / 0)
        job = step(job)
    path = result_download.folder() / f"{job.public_id}.part"
    path.write_bytes(b"\0" * path.stat().st_size)
    job = step(job)
    job = step(job) if job.state == "archiving" else job
    assert job.state == "succeeded"
    assert len(host.seen) == 2
    assert job.result is not None
    assert job.result.file.open("rb").read() == host.video


def test_parts_are_swept_when_nobody_needs_them(
    job: Job, host: VideoHost, team: Team, creator: User
) -> None:
    host.answers = [cut_after(1000)]
    step(job)
    over = makers.job(team, creator, account=job.account, state="failed", task_id="task-b")
    old = makers.job(team, creator, account=job.account, state="archiving", task_id="task-c")
    for other in (over, old):
        (result_download.folder() / f"{other.public_id}.part").write_bytes(b"x")
    os.utime(result_download.folder() / f"{old.public_id}.part", (1, 1))
    assert result_download.sweep() == 2
    assert parts() == [f"{job.public_id}.json", f"{job.public_id}.part"]
    with download.PartialFile(result_download.folder() / f"{job.public_id}.part").locked():
        Job.objects.filter(pk=job.pk).update(state="failed")
        assert result_download.sweep() == 0, "somebody is at it"
