"""What the tests of speech panel stand on."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs.models import Account
from studio.files import edit_queue
from studio.models import Asset, Team, User
from tests import makers
from tests.jobs.pages.create.speech_panel.speeches import HEARD


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:portrait", args=[team.slug])


@pytest.fixture
def price_url(team: Team) -> str:
    return reverse("jobs:price", args=[team.slug])


@pytest.fixture
def speech(team: Team) -> Asset:
    """40 s that were listened to: silence at both ends, a short pause and a long one."""
    return makers.asset(team, "audio", milliseconds=40_000, sound=HEARD)


@pytest.fixture
def ready(team: Team, account: Account, creator: User, speech: Asset) -> dict[str, str]:
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    for asset in (picture, speech):
        edit_queue.consent(asset, creator, "The team may use it.")
    return {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": speech.public_id,
    }
