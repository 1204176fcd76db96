from __future__ import annotations

from datetime import datetime

import pytest
from django.utils import timezone

from jobs.engine import speed, task_list
from studio.common import clock


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """What a process keeps for some seconds belongs to the test before."""
    speed.forget()
    task_list.forget()


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The site's clock stands still at this moment."""
    moment = timezone.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment
