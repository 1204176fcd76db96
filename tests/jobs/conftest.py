from __future__ import annotations

import pytest

from jobs import listing, schedule


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """What a process keeps for some seconds belongs to the test before."""
    schedule.forget()
    listing.forget()
