from __future__ import annotations

import pytest

from jobs.engine import speed, task_list


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """What a process keeps for some seconds belongs to the test before."""
    speed.forget()
    task_list.forget()
