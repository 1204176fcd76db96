"""Change and make again: the draft says what it has other than the job it began as, and so does the
job that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import State
from jobs.models import Account, Job
from jobs.pages.create import compare
from studio.models import Team, User
from tests import makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]


@pytest.fixture
def first(team: Team, creator: User, account: Account) -> Job:
    picture = makers.asset(team, name="mia.jpg")
    for ratio in ("1:1", "3:4"):
        makers.check(picture, account, chosen={"ratio": ratio}, answered_at=timezone.now())
    files = {"image_url": picture, "audio_url": makers.asset(team, "audio", name="hello.mp3")}
    return makers.job(
        team, creator, title="Welcome", state=State.FAILED, account=account, files=files
    )


def draft(html: str) -> dict[str, str]:
    """What the link to the create page says."""
    link = parse(html).named("a", "Change and make again")
    return {name: values[0] for name, values in parse_qs(urlsplit(link["href"]).query).items()}


def test_the_link_leads_to_its_files_and_choices_unmarked(
    client_of: ClientOf, creator: User, team: Team, first: Job
) -> None:
    client = client_of(creator)
    fields = draft(client.get(first.get_absolute_url()).content.decode())
    assert fields["from"] == first.public_id
    html = client.get(reverse("jobs:portrait", args=[team.slug]), fields).content.decode()
    assert f'name="from" value="{first.public_id}"' in html
    for row in first.inputs.select_related("asset"):
        assert f'name="{row.name}" value="{row.asset.public_id}"' in html
    assert "was " not in parse(html).one("form#make").text


def test_every_difference_is_marked_and_stays_through_changes(
    client_of: ClientOf, creator: User, team: Team, first: Job
) -> None:
    client = client_of(creator)
    fields = draft(client.get(first.get_absolute_url()).content.decode())
    other = makers.asset(team, "audio", name="other.mp3")
    fields |= {"page": "portrait", "ratio": "3:4", "pick_audio_url": other.public_id}
    answer = client.get(
        reverse("jobs:price", args=[team.slug]), fields, headers={"HX-Request": "true"}
    )
    shown = text(answer.content.decode())
    assert "Shape was 1:1 head" in shown
    assert "was hello.mp3 (4.0 s)" in shown
    assert "Style was" not in shown
    assert f"from={first.public_id}" in answer["HX-Replace-Url"]


def test_the_new_job_remembers_and_tells_what_was_changed(
    client_of: ClientOf, creator: User, team: Team, first: Job
) -> None:
    client = client_of(creator)
    fields = draft(client.get(first.get_absolute_url()).content.decode())
    answer = client.post(
        reverse("jobs:portrait", args=[team.slug]),
        fields | {"page": "portrait", "ratio": "3:4", "do": "make", "key": "k"},
    )
    assert answer.status_code == 302, text(answer.content.decode())
    made = Job.objects.exclude(pk=first.pk).get()
    assert made.again_of == first
    assert [(c.label, c.before, c.after) for c in compare.changes(made)] == [
        ("Shape", "1:1 head", "3:4 half body")
    ]
    assert "Changed from Welcome: shape 1:1 head → 3:4 half body" in text(
        client.get(made.get_absolute_url()).content.decode()
    )


def test_run_again_says_that_it_is_the_same(client_of: ClientOf, creator: User, first: Job) -> None:
    client = client_of(creator)
    client.post(reverse("jobs:again", args=[first.team.slug, first.public_id]), {"key": "k"})
    made = Job.objects.exclude(pk=first.pk).get()
    assert compare.changes(made) == []
    assert "The same as Welcome, made again." in text(
        client.get(made.get_absolute_url()).content.decode()
    )


def test_a_job_of_another_team_is_no_beginning(
    client_of: ClientOf, creator: User, stranger: User, team: Team, account: Account
) -> None:
    foreign = makers.job(stranger.teams.get(), stranger)
    html = (
        client_of(creator)
        .get(reverse("jobs:portrait", args=[team.slug]), {"from": foreign.public_id})
        .content.decode()
    )
    assert foreign.public_id not in html


def test_another_model_is_told_as_that_alone(team: Team, creator: User, first: Job) -> None:
    other = makers.job(team, creator, "wan2.2-s2v", again_of=first)
    assert [(c.label, c.before, c.after) for c in compare.changes(other)] == [
        ("Model", "EMO", "Wan speech to video")
    ]
