"""Tasks belong to one job, and stored videos are whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from jobs.engine import invariants, invariants_results
from jobs.models import (
    Account,
    Attempt,
    Job,
    JobEvent,
)
from studio.models import Team
from tests import files, makers
from tests.jobs.engine.invariants.findings import only, raw

pytestmark = pytest.mark.django_db


def test_a_task_in_the_attempt_of_another_job(site: dict[str, Job]) -> None:
    taken = site["running"].task_id
    Attempt.objects.filter(job=site["running"]).delete()
    Attempt.objects.create(job=site["failed"], number=2, began_at=timezone.now(), task_id=taken)
    only(
        taken,
        "2 jobs",
        site["running"].public_id,
        site["failed"].public_id,
    )


def test_a_task_of_two_jobs_when_the_constraint_is_gone(site: dict[str, Job]) -> None:
    raw("DROP INDEX one_job_per_task")
    Attempt.objects.all().delete()
    Job.objects.filter(pk=site["running"].pk).update(task_id=site["failed"].task_id)
    only(site["failed"].task_id, "2 jobs", site["running"].public_id)


def _path(job: Job) -> Path:
    assert job.result is not None
    return Path(default_storage.path(str(job.result.file.name)))


def test_a_video_that_is_gone(site: dict[str, Job]) -> None:
    _path(site["succeeded"]).unlink()
    only(site["succeeded"].public_id, "is not in the storage")


def test_a_video_that_is_cut(site: dict[str, Job]) -> None:
    content = _path(site["succeeded"]).read_bytes()
    _path(site["succeeded"]).write_bytes(content[:-5])
    only(
        site["succeeded"].public_id,
        f"has {len(content) - 5} bytes instead of {len(content)}",
    )


def test_a_video_with_a_flipped_bit(site: dict[str, Job]) -> None:
    content = bytearray(_path(site["succeeded"]).read_bytes())
    content[len(content) // 2] ^= 1
    _path(site["succeeded"]).write_bytes(content)
    only(site["succeeded"].public_id, "other bytes")


def test_deep_plays_videos_to_their_end(make: Callable[..., Job], team: Team, video: bytes) -> None:
    good = make("succeeded", result=makers.asset(team, "video", content=video))
    assert invariants.broken(deep=True) == []
    bad = make("succeeded", result=makers.asset(team, "video", content=files.truncated(video)))
    assert invariants.broken() == []  # as archived, byte for byte
    found = invariants.broken(deep=True)
    assert len(found) == 1
    assert bad.public_id in found[0]
    assert "cannot be played to its end" in found[0]
    assert good.public_id not in found[0]


def test_success_without_a_video_or_a_template(
    site: dict[str, Job], make: Callable[..., Job], team: Team, account: Account
) -> None:
    Job.objects.filter(pk=site["succeeded"].pk).update(result=None)
    only(site["succeeded"].public_id, "has no video")
    Job.objects.filter(pk=site["succeeded"].pk).update(state="failed", result=None)
    JobEvent.objects.filter(job=site["succeeded"], new="succeeded").update(new="failed")
    template = make(
        "succeeded",
        path=("queued", "submitting", "running", "succeeded"),
        model="animate-anyone-template-gen2",
        result=None,
    )
    only(template.public_id, "has no template")
    Job.objects.filter(pk=template.pk).update(template=makers.template(team, account))
    assert invariants.broken() == []


def test_a_storage_that_fails_is_said_and_hides_nothing(
    site: dict[str, Job], make: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    make("succeeded")

    class Away:
        def size(self, name: str) -> int:
            raise ConnectionError("bucket")

    monkeypatch.setattr(invariants_results, "default_storage", Away())
    found = invariants.broken()
    assert len(found) == 2
    assert all("cannot be read (ConnectionError)" in sentence for sentence in found)
