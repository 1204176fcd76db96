"""Leases are renewed while their holder works, and only then."""

from __future__ import annotations

import threading

import pytest

from studio.common import leases

# The connection of the caller is tested when the block is left.
pytestmark = pytest.mark.django_db


def test_a_lease_is_renewed_while_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "EVERY", 0.01)
    renewed, enough = [], threading.Event()

    def renew() -> None:
        renewed.append(1)
        if len(renewed) >= 3:
            enough.set()

    with leases.renewing(renew):
        assert enough.wait(5)
    count = len(renewed)
    assert not any(thread.name == "lease" for thread in threading.enumerate())
    assert len(renewed) == count


def test_a_quick_step_renews_nothing() -> None:
    renewed: list[int] = []
    with leases.renewing(lambda: renewed.append(1)):
        pass
    assert renewed == []
