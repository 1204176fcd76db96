"""A paid video is not given up because the process that looks at it did not come to its end: what
is known then is nothing of the video."""

from __future__ import annotations

import pytest
from django.utils import timezone

from jobs.engine import archive_retry, result_download
from jobs.models import Job
from studio.media import verify_video
from studio.media.decoders.ended import REASONS, ended
from tests.jobs.download.video_host import VideoHost
from tests.jobs.engine.archive.archive_steps import step

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("reason", REASONS)
def test_a_video_is_kept_until_a_decoder_has_looked_at_it(
    job: Job, host: VideoHost, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(path: object) -> None:
        raise ended(reason)

    monkeypatch.setattr(result_download, "verify_video", lost)
    for _ in range(archive_retry.HOPELESS + 2):
        job = step(job)
        job.events.filter(new="archiving").update(at=timezone.now() - archive_retry.STUBBORN)
        assert job.state == "archiving", job.sentence
    monkeypatch.setattr(result_download, "verify_video", verify_video)
    job = step(job)
    assert job.state == "succeeded"
    assert job.result is not None
    assert job.result.file.open("rb").read() == host.video
