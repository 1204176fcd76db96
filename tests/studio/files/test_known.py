"""What a page is told before it sends: what is here already, and how many files may still come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studio.common import clock
from studio.files.file_store import keep_upload
from studio.models import Asset, PersonUse, Team, User
from tests import files

ClientOf = Callable[[User], Client]


@pytest.fixture
def picture(team: Team, creator: User) -> tuple[Asset, str]:
    """A file of the team, and the hash of the bytes that were sent, which are not those stored."""
    data = files.jpeg(600, 800, gps=True)
    asset, _new = keep_upload(SimpleUploadedFile("Ana.jpg", data), team=team, owner=creator)
    return asset, hashlib.sha256(data).hexdigest()


def test_a_file_that_came_before_is_told_by_its_content(
    client_of: ClientOf, creator: User, team: Team, picture: tuple[Asset, str]
) -> None:
    asset, digest = picture
    url = reverse("file_known", args=[team.slug])
    for content in (digest, asset.sha256):
        told = client_of(creator).get(url, {"sha256": content}).json()
        assert told["asset"]["asset"] == asset.public_id
        assert told["asset"]["new"] is False
        assert told["asset"]["kind"] == "image"
        assert told["asset"]["url"] == asset.get_absolute_url()
    for other in ("0" * 64, digest.upper(), digest[:63], "x", "", "\x00", "é" * 64):
        assert client_of(creator).get(url, {"sha256": other}).json()["asset"] is None


def test_a_file_of_another_team_is_not_told(
    client_of: ClientOf, stranger: User, team: Team, picture: tuple[Asset, str]
) -> None:
    digest = picture[1]
    theirs = stranger.memberships.get().team
    asked = client_of(stranger).get(reverse("file_known", args=[theirs.slug]), {"sha256": digest})
    assert asked.json()["asset"] is None
    elsewhere = reverse("file_known", args=[team.slug])
    assert client_of(stranger).get(elsewhere, {"sha256": digest}).status_code == 404


def test_what_is_more_than_the_hour_takes_is_said_before_it_is_sent(
    client_of: ClientOf, creator: User, team: Team
) -> None:
    creator.uploads_per_hour = 300
    creator.save(update_fields=["uploads_per_hour"])
    url = reverse("file_known", args=[team.slug])
    ask = client_of(creator).get
    assert ask(url, {"count": "300"}).json() == {"asset": None, "left": 300, "warning": ""}
    assert "300 more files in this hour" in ask(url, {"count": "301"}).json()["warning"]
    began = clock.now() - timedelta(minutes=20)
    PersonUse.objects.update_or_create(
        user=creator, defaults={"uploads": 299, "uploads_since": began}
    )
    assert ask(url, {"count": "1"}).json()["warning"] == ""
    warning = ask(url, {"count": "2"}).json()["warning"]
    assert "1 more file in this hour" in warning
    assert "in 40 min" in warning
    PersonUse.objects.filter(user=creator).update(uploads_since=began - timedelta(hours=1))
    assert ask(url).json()["left"] == 300
    for count in ("-1", "1e9", "٣", "9" * 30):
        assert ask(url, {"count": count}).json()["warning"] == ""


def test_asking_counts_as_no_upload(
    client_of: ClientOf, creator: User, team: Team, picture: tuple[Asset, str]
) -> None:
    before = PersonUse.objects.get(user=creator).uploads
    client_of(creator).get(reverse("file_known", args=[team.slug]), {"sha256": picture[1]})
    assert PersonUse.objects.get(user=creator).uploads == before


def test_nobody_who_may_not_send_files_is_told(
    client_of: ClientOf, viewer: User, team: Team
) -> None:
    assert client_of(viewer).get(reverse("file_known", args=[team.slug])).status_code == 403
