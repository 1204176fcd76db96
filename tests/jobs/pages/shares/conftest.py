"""A finished video of the creator, and links to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.common.states import State
from jobs.models import Job, ShareLink
from jobs.sharing import links
from studio.models import Asset, Team, User
from tests import makers

Made = Callable[..., ShareLink]


def finished(team: Team, by: User, content: bytes = b"", **fields: Any) -> Job:
    """A job with its video, of ten kilobytes unless `content` is given."""
    content = content or f"video of {fields.get('title', '')}".encode().ljust(10_000, b".")
    video = makers.asset(team, "video", content, owner=by, origin=Asset.Origin.RESULT)
    return makers.job(team, by, state=State.SUCCEEDED, result=video, **fields)


@pytest.fixture
def film(team: Team, creator: User) -> Job:
    return finished(team, creator, title="Welcome")


@pytest.fixture
def share(team: Team, creator: User, film: Job) -> Made:
    """Makes a link to `jobs`, the film alone when none are given."""

    def make(*jobs: Job, days: float = 7, password: str = "", download: bool = False) -> ShareLink:
        ends = timezone.now() + timedelta(days=days)
        terms = links.Terms("Welcome", ends, download, password)
        return links.make(team, creator, jobs or [film], terms)

    return make
