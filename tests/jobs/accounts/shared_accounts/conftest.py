"""What the tests of shared accounts stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.models import Account
from studio.models import Team
from tests import makers
from tests.jobs.accounts.shared_accounts.accounts import THIRD
from tests.jobs.tinystudio import GOOD, OTHER, Service


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.modelstudio.http_get.PAUSES", ())
    monkeypatch.setattr("jobs.accounts.rate_limit.take", lambda *args, **kwargs: True)
    monkeypatch.setattr("jobs.accounts.shared_accounts._PATIENCE", 0.2)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    made.good.add(THIRD)
    yield made
    made.close()


@pytest.fixture
def north(team: Team, service: Service) -> Account:
    return makers.account(team, url=service.url, label="North", key=GOOD)


@pytest.fixture
def south(team: Team, service: Service) -> Account:
    return makers.account(team, url=service.url, label="South", key=OTHER)
