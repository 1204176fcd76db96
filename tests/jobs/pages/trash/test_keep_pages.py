"""What goes for its age, on the pages: how long the team keeps things, and what stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import State
from jobs.models import Account, Job
from studio.models import Asset, Team, User
from tests import makers
from tests.html import parse
from tests.jobs.pages.team.test_settings import given

ClientOf = Callable[[User], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def going(team: Team, creator: User, account: Account) -> Job:
    """A video that goes in five days, with a file that does."""
    team.keep_days = 90
    team.save(update_fields=["keep_days"])
    film = makers.asset(team, "video", origin="result", owner=creator)
    job = makers.job(team, creator, account=account, state=State.SUCCEEDED, result=film)
    soon = timezone.now() + timedelta(days=5)
    Job.objects.filter(pk=job.pk).update(goes_at=soon)
    file = makers.asset(team, owner=creator, name="an old face.jpg")
    Asset.objects.filter(pk=file.pk).update(goes_at=soon)
    return job


def at(team: Team, name: str = "jobs:going", *more: str) -> str:
    return reverse(name, args=[team.slug, *more])


def test_what_goes_is_named_and_kept(
    team: Team, going: Job, creator: User, client_of: ClientOf
) -> None:
    client = client_of(creator)
    page = client.get(at(team)).content.decode()
    assert going.title in page
    assert "an old face.jpg" in page
    file = team.assets.exclude(goes_at=None).get()
    posted = {"job": going.public_id, "asset": file.public_id}
    answer = client.post(at(team, "jobs:keep"), posted, follow=True).content.decode()
    assert "2 things stay." in answer
    assert "Nothing goes within a week." in answer
    going.refresh_from_db()
    assert (going.pinned, going.goes_at) == (True, None)
    answer = client.post(at(team, "jobs:keep"), posted | {"let_go": "1"}, follow=True)
    assert "2 things go when they are too old" in answer.content.decode()
    going.refresh_from_db()
    assert not going.pinned


def test_nothing_chosen_and_another_teams_things_change_nothing(
    team: Team, going: Job, creator: User, stranger: User, client_of: ClientOf
) -> None:
    client = client_of(creator)
    assert b"Nothing was chosen" in client.post(at(team, "jobs:keep"), {}, follow=True).content
    own = Team.start("Elsewhere", stranger)
    answer = client_of(stranger).post(at(own, "jobs:keep"), {"job": going.public_id}, follow=True)
    assert b"Nothing was chosen" in answer.content
    going.refresh_from_db()
    assert not going.pinned


def test_pages_say_that_something_goes(
    team: Team, going: Job, creator: User, viewer: User, client_of: ClientOf
) -> None:
    client, link = client_of(creator), at(team).encode()
    board, library = reverse("jobs:board", args=[team.slug]), reverse("library", args=[team.slug])
    assert link in client.get(board).content
    assert link in client.get(library).content
    page = client.get(going.get_absolute_url()).content.decode()
    assert "It goes into the trash on" in page
    assert "Keep it for good" in page
    assert link not in client_of(viewer).get(board).content, "who cannot keep it"
    assert b"Keep it for good" not in client_of(viewer).get(going.get_absolute_url()).content
    # Kept, it can be let go on the same page, which comes again
    where = {"job": going.public_id, "next": going.get_absolute_url()}
    answer = client.post(at(team, "jobs:keep"), where)
    assert answer["Location"] == going.get_absolute_url()
    page = client.get(going.get_absolute_url()).content.decode()
    assert "Let it go when it is old" in page
    assert "It goes into the trash on" not in page


def test_the_settings_say_how_many_are_older(
    team: Team, creator: User, owner: User, account: Account, client_of: ClientOf
) -> None:
    for days in (100, 400):
        film = makers.asset(team, "video", origin="result", owner=creator)
        job = makers.job(team, creator, account=account, state=State.SUCCEEDED, result=film)
        Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=days))
    client, settings = client_of(owner), reverse("team_settings", args=[team.slug])
    options = [
        one.text for one in parse(client.get(settings).content.decode()).all("#id_keep_days option")
    ]
    assert options == [
        "until somebody deletes them",
        "for 30 days (2 videos are older now)",
        "for 90 days (2 videos are older now)",
        "for 180 days (1 video is older now)",
        "for 365 days (1 video is older now)",
        "for 730 days (no video is older now)",
    ]
    assert client.post(settings, given(team, keep_days="90")).status_code == 302
    team.refresh_from_db()
    assert team.keep_days == 90
    assert client.post(settings, given(team)).status_code == 302, "a form of before"
    team.refresh_from_db()
    assert team.keep_days == 90
    assert client.post(settings, given(team, keep_days="3")).status_code == 422
    Job.objects.update(goes_at=timezone.now())
    client.post(settings, given(team, keep_days=""))
    team.refresh_from_db()
    assert team.keep_days is None
    assert not Job.objects.exclude(goes_at=None).exists(), "what was announced does not hold"
