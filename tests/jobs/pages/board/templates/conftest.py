"""What the tests of templates stand on."""

from __future__ import annotations

import pytest
from django.urls import reverse

from jobs.models import Account
from studio.models import Team
from tests import makers


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:templates", args=[team.slug])


@pytest.fixture
def dance(team: Team) -> str:
    return reverse("jobs:dance", args=[team.slug])


@pytest.fixture
def second(team: Team) -> Account:
    return makers.account(team, label="South-2", key="sk-test-0002")


@pytest.fixture
def character(team: Team, account: Account) -> dict[str, str]:
    picture = makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    return {"page": "dance", "image_url": picture.public_id}
