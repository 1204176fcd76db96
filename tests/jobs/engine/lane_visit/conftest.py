"""What the tests of lane visit stand on."""

from __future__ import annotations

import pytest

from jobs.models import Account
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers


@pytest.fixture
def wish(team: Team, creator: User, account: Account) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio", milliseconds=20_000)
    makers.check(portrait, account)
    return OrderRequest(
        team,
        creator,
        "emo-v1",
        {"image_url": portrait, "audio_url": speech},
        {"ratio": "1:1"},
        account=account,
    )
