from __future__ import annotations

import pytest

from jobs.models import Account, Job
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.tasks.visits import fresh


@pytest.fixture
def wish(team: Team, creator: User, account: Account) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    return OrderRequest(
        team,
        creator,
        "emo-v1",
        {"image_url": portrait, "audio_url": speech},
        {"ratio": "1:1"},
        account=account,
    )


@pytest.fixture
def job(wish: OrderRequest) -> Job:
    return fresh(create.create(wish))


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subjects of what owners are told."""
    found: list[str] = []
    monkeypatch.setattr(
        "jobs.accounts.mail.notify", lambda team, subject, text, **more: found.append(subject)
    )
    return found
