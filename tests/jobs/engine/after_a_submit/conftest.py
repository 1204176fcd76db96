from __future__ import annotations

from datetime import datetime

import pytest

from jobs.common.states import State
from jobs.models import Account, Job
from studio.models import Team, User
from tests import makers


@pytest.fixture
def sending(team: Team, creator: User, account: Account, noon: datetime) -> Job:
    """The intent is committed; its attempt is the second."""
    job = makers.job(team, creator, state=State.SUBMITTING, attempt=2, submitting_at=noon, tries=3)
    job.attempts.create(number=2, began_at=noon)
    return job


@pytest.fixture
def waiting(team: Team, creator: User, account: Account, noon: datetime) -> Job:
    return makers.job(team, creator, tries=3, attempt=1)
