from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.accounts import choice, clients
from jobs.models import Account, Lane
from studio.models import Team
from tests import makers
from tests.jobs.tinystudio import GOOD, Service


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    choice._refused.clear()
    clients._clients.clear()
    monkeypatch.setattr("jobs.modelstudio.http_get.PAUSES", ())
    monkeypatch.setattr("jobs.accounts.rate_limit.take", lambda *args, **kwargs: True)


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Team, str, str]]:
    sent: list[tuple[Team, str, str]] = []
    monkeypatch.setattr(
        "jobs.accounts.mail.notify",
        lambda team, subject, text, *, to="owners": sent.append((team, subject, text)),
    )
    return sent


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.fixture
def north(team: Team, service: Service) -> Account:
    return makers.account(team, url=service.url, label="North", key=GOOD)


@pytest.fixture
def lane(north: Account) -> Lane:
    return Lane.objects.create(account=north, model="emo-v1", next_visit_at=None)
