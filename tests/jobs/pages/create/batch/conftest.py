"""What the tests of batch stand on."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs.models import Account
from studio.models import Asset, Team
from tests import files, makers


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:batch", args=[team.slug])


@pytest.fixture
def pictures(team: Team, account: Account) -> list[Asset]:
    """Checked, refused, never asked, and one that the limits do not let in."""
    good, bad, new = (makers.asset(team, name=f"{name}.jpg") for name in ("good", "bad", "new"))
    makers.check(good, account, answered_at=timezone.now())
    makers.check(bad, account, state="refused", sentence="No face was found.")
    return [good, bad, new, makers.asset(team, name="small.jpg", width=200, height=200)]


@pytest.fixture
def speeches(team: Team) -> list[Asset]:
    wav = {"extension": "wav", "format": "wav", "mime": "audio/wav"}
    long = makers.asset(
        team, "audio", files.wav(61.0, rate=8000), milliseconds=61_000, name="long.wav", **wav
    )
    return [makers.asset(team, "audio", name="hello.mp3"), long]
