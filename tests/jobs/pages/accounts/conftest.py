"""A small service that answers, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.models import Account
from studio.models import Team
from tests import makers
from tests.jobs.tinystudio import GOOD, Service


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr("jobs.modelstudio.http_get.PAUSES", ())
    made = Service()
    yield made
    made.close()


@pytest.fixture
def north(team: Team, service: Service) -> Account:
    return makers.account(team, url=service.url, label="North-1", key=GOOD)
