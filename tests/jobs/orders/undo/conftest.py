"""What the tests of undo stand on."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs.models import Account
from studio.models import Team
from tests import makers


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:portrait", args=[team.slug])


@pytest.fixture
def ready(team: Team, account: Account) -> dict[str, str]:
    """A draft that lacks nothing, and its click: portrait checked, 41.2 s of speech."""
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    sound = makers.asset(team, "audio", milliseconds=41_200)
    return {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": sound.public_id,
        "title": "Welcome line",
        "key": "k1",
        "do": "make",
    }
