"""The profile: a name, a time zone and a format, from the browser unless they are chosen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from studio.models import AuditEntry, Team, User
from tests import makers
from tests.html import parse

ClientOf = Callable[[User], Client]
pytestmark = pytest.mark.django_db
GERMAN = {"Accept-Language": "de-DE,de;q=0.9"}


def uploaded(team: Team, user: User, client_of: ClientOf, **headers: str) -> str:
    """When a file of 30 November, 17:05 UTC was uploaded, as its page says."""
    asset = makers.asset(team)
    type(asset).objects.filter(pk=asset.pk).update(created_at="2026-11-30T17:05:00Z")
    client = client_of(user)
    client.cookies["zone"] = headers.pop("zone", "")
    page = client.get(reverse("asset", args=[team.slug, asset.public_id]), headers=headers)
    found = parse(page.content.decode()).one("time[title='2026-11-30 17:05:00 UTC']")
    return found.text.strip()


def test_the_browser_says_zone_and_format(team: Team, owner: User, client_of: ClientOf) -> None:
    assert uploaded(team, owner, client_of) == "30 Nov 2026 17:05"
    assert uploaded(team, owner, client_of, zone="Asia/Tokyo", **GERMAN) == "1. Dez. 2026 02:05"
    assert uploaded(team, owner, client_of, zone="../../etc") == "30 Nov 2026 17:05"


def test_a_choice_goes_before_the_browser(team: Team, owner: User, client_of: ClientOf) -> None:
    wishes = {"first_name": "Aiko", "time_zone": "Asia/Tokyo", "region": "ja-JP"}
    answer = client_of(owner).post(reverse("profile"), wishes, follow=True)
    assert "Saved." in answer.content.decode()
    owner.refresh_from_db()
    assert (owner.time_zone, owner.region) == ("Asia/Tokyo", "ja-JP")
    berlin = {"zone": "Europe/Berlin", **GERMAN}
    assert uploaded(team, owner, client_of, **berlin) == "2026年12月1日 2:05"
    entry = AuditEntry.objects.get(event="settings.profile-changed")
    assert entry.after["time_zone"] == "Asia/Tokyo"


def test_nothing_that_is_no_zone_or_format_is_kept(owner: User, client_of: ClientOf) -> None:
    for wishes in ({"time_zone": "Mars/Olympus"}, {"region": "xx-YY"}):
        answer = client_of(owner).post(reverse("profile"), {"first_name": "A", **wishes})
        assert answer.status_code == 422
    owner.refresh_from_db()
    assert (owner.time_zone, owner.region) == ("", "")


def test_saving_what_is_there_writes_nothing(owner: User, client_of: ClientOf) -> None:
    client_of(owner).post(
        reverse("profile"), {"first_name": owner.first_name, "mail_when_ready": "on"}
    )
    assert not AuditEntry.objects.filter(event="settings.profile-changed").exists()
