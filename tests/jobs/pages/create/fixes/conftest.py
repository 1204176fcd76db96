"""What the tests of fixes stand on."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from studio.models import Team, User
from tests import files
from tests.jobs.pages.create.fixes.pictures import kept


@pytest.fixture
def url(team: Team) -> str:
    return reverse("jobs:fix", args=[team.slug])


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    bells: list[int] = []
    monkeypatch.setattr("jobs.common.wakeup.enqueue_edit", bells.append)
    monkeypatch.setattr("jobs.common.wakeup.enqueue_check", lambda pk: None)
    return bells


@pytest.fixture
def webp(team: Team, creator: User, account: Any) -> dict[str, str]:
    """A dance whose character is of a kind that the model does not take."""
    return {
        "page": "dance",
        "image_url": kept(team, creator, "Mia.webp", files.webp(600, 800)).public_id,
    }


@pytest.fixture
def portrait(team: Team, creator: User, account: Any) -> dict[str, str]:
    return {
        "page": "portrait",
        "image_url": kept(team, creator, "Mia.jpg", files.jpeg(600, 800)).public_id,
    }


@pytest.fixture
def moves(team: Team, creator: User, account: Any) -> dict[str, str]:
    """A template from a video of 15 frames a second."""
    return {
        "page": "template",
        "video_url": kept(team, creator, "steps.mp4", files.mp4(2.5, fps=15)).public_id,
    }
