"""How many jobs a person may have waiting is said before the click."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Account
from studio.models import Team, User
from tests import makers
from tests.html import parse

pytestmark = pytest.mark.django_db
SAID = "You would have 2 jobs waiting, and in Studio North a person may have 1"


def test_the_button_says_that_too_many_wait(
    team: Team, creator: User, account: Account, client_of: Callable[[User], Client]
) -> None:
    picture = makers.asset(team)
    speech = makers.asset(team, "audio", milliseconds=8000)
    makers.check(picture, account, chosen={"ratio": "1:1"})
    draft = {
        "image_url": picture.public_id,
        "audio_url": speech.public_id,
        "ratio": "1:1",
        "style_level": "normal",
    }
    page = reverse("jobs:portrait", args=[team.slug])

    def button() -> tuple[str, bool]:
        html = parse(client_of(creator).get(page, draft).content.decode())
        why = html.one("#why").text if html.has("#why") else ""
        return str(why), "disabled" in html.one("#generate")

    assert button() == ("", False)
    makers.job(team, creator, account=account)
    Team.objects.update(waiting_limit=1)
    why, off = button()
    assert (SAID in why, off) == (True, True)
    Team.objects.update(waiting_limit=2)
    assert button() == ("", False)
