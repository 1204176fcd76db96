from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Job
from studio.models import Team, User
from tests import files, makers
from tests.jobs.download.video_host import VideoHost, running
from tests.service import Service, done


@pytest.fixture
def host() -> Iterator[VideoHost]:
    with running(files.mp4(1.0, fps=15)) as made:
        yield made


@pytest.fixture
def base() -> str:
    """The service's own address: loopback, so videos may be there too."""
    return "http://127.0.0.1:9/api/v1"


@pytest.fixture
def job(team: Team, creator: User, host: VideoHost, service: Service, base: str) -> Job:
    service.gets = [lambda: done("t", url=host.url)] * 40
    now = timezone.now()
    return makers.job(
        team,
        creator,
        account=makers.account(team, base),
        state="archiving",
        task_id="task-a",
        result_url=host.url,
        provider_ended_at=now - timedelta(hours=1),
        result_expires_at=now + timedelta(hours=23),
        title="Welcome",
    )
