"""Pages in a browser that runs no scripts: one sentence says so, and buttons stand where a script
would have asked by itself."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import State
from jobs.models import Account
from studio.models import Team, User
from tests import makers
from tests.html import parse

ClientOf = Callable[[User], Client]


def test_every_page_says_that_scripts_are_off(
    client_of: ClientOf, creator: User, team: Team
) -> None:
    for name in ("jobs:board", "jobs:portrait", "jobs:batch", "library"):
        html = client_of(creator).get(reverse(name, args=[team.slug])).content.decode()
        said = [one for one in parse(html).texts("noscript") if "Scripts are off here." in one]
        assert len(said) == 1, name


def test_a_ticked_word_and_a_choice_are_taken_in_by_a_button(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    picture, speech = makers.asset(team, consent=False), makers.asset(team, "audio")
    makers.check(picture, account, answered_at=timezone.now())
    files = {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": speech.public_id,
    }
    client, page = client_of(creator), reverse("jobs:portrait", args=[team.slug])
    html = client.get(page, files).content.decode()
    assert parse(html).named(".noscript > button[name=do][value=use]", "Show the price")
    assert parse(html).has("#generate[disabled]"), "the word is missing"
    sent = client.post(
        page,
        files
        | {
            "do": "use",
            "consent_image_url": picture.public_id,
            "style_level": "calm",
            "title": "By hand",
        },
    )
    assert sent.status_code == 302
    kept = parse_qs(urlsplit(sent["Location"]).query)
    assert kept["consent_image_url"] == [picture.public_id]
    assert kept["style_level"] == ["calm"]
    assert kept["title"] == ["By hand"]
    html = client.get(sent["Location"]).content.decode()
    assert "disabled" not in parse(html).one("#generate")


@pytest.mark.parametrize(
    ("state", "offered"), [(State.QUEUED, True), (State.RUNNING, True), (State.SUCCEEDED, False)]
)
def test_the_page_of_a_job_has_a_way_to_the_news(
    client_of: ClientOf, creator: User, team: Team, state: State, offered: bool
) -> None:
    job = makers.job(team, creator, state=state)
    html = client_of(creator).get(job.get_absolute_url()).content.decode()
    assert parse(html).has(f".noscript > a[href='{job.get_absolute_url()}']") is offered
