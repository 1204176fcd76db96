"""The page of a set, and the ways to one: side by side, picked, canceled, run again, all in one
file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import State
from jobs.models import Account, Budget, Job, JobSet
from studio.models import Team, User
from tests import files, makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]


def buttons(html: str) -> dict[str, str]:
    """What each button of the page does (`do`) → its words."""
    return {button["value"]: button.text for button in parse(html).all("button[name=do]")}


@pytest.fixture
def ready(team: Team, account: Account) -> dict[str, str]:
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    sound = makers.asset(
        team,
        "audio",
        files.wav(12.0),
        extension="wav",
        format="wav",
        mime="audio/wav",
        milliseconds=12_000,
    )
    return {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": sound.public_id,
        "title": "Welcome",
        "key": "k1",
    }


@pytest.fixture
def swept(client_of: ClientOf, creator: User, team: Team, ready: dict[str, str]) -> JobSet:
    client_of(creator).post(reverse("jobs:portrait", args=[team.slug]), ready | {"do": "sweep"})
    return JobSet.objects.get()


def finish(job: Job, content: bytes = b"film") -> Job:
    film = makers.asset(job.team, "video", content, origin="result", width=512, height=512)
    Job.objects.filter(pk=job.pk).update(
        state=State.SUCCEEDED, group=3, result=film, finished_at=timezone.now()
    )
    job.refresh_from_db()
    return job


# ── the offers of the create page ──


def test_every_offer_says_its_price_before_the_click(
    client_of: ClientOf, creator: User, team: Team, ready: dict[str, str]
) -> None:
    found = buttons(
        client_of(creator).get(reverse("jobs:portrait", args=[team.slug]), ready).content.decode()
    )
    assert found["clip"] == "Test clip 5 s — $0.0573"
    assert found["sweep"] == "All 3 styles — $0.4129"
    assert found["sweep-clip"] == "as 5 s clips — $0.1720"


def test_a_short_speech_offers_no_clip(
    client_of: ClientOf, creator: User, team: Team, ready: dict[str, str]
) -> None:
    html = (
        client_of(creator)
        .get(reverse("jobs:portrait", args=[team.slug]), ready | {"keep_audio_url": "0-8000"})
        .content.decode()
    )
    assert {"clip", "sweep-clip"}.isdisjoint(buttons(html))
    assert "sweep" in buttons(html)


def test_what_the_budget_has_no_room_for_is_off_and_the_clip_is_not(
    client_of: ClientOf, creator: User, team: Team, ready: dict[str, str]
) -> None:
    Budget.objects.create(team=team, micros=60_000)
    html = (
        client_of(creator).get(reverse("jobs:portrait", args=[team.slug]), ready).content.decode()
    )
    off = set(parse(html).values("button[name=do][disabled]", "value"))
    assert {"make", "sweep", "sweep-clip"} <= off
    assert "clip" not in off
    client_of(creator).post(reverse("jobs:portrait", args=[team.slug]), ready | {"do": "clip"})
    assert Job.objects.get().milliseconds == 5000


def test_a_clip_offers_to_go_on_with_the_full_length(
    client_of: ClientOf, creator: User, viewer: User, team: Team, ready: dict[str, str]
) -> None:
    client = client_of(creator)
    client.post(
        reverse("jobs:portrait", args=[team.slug]), ready | {"do": "clip", "style_level": "active"}
    )
    clip = finish(Job.objects.get())
    html = client.get(clip.get_absolute_url()).content.decode()
    assert "Continue with the full length — $0.1376" in text(html)
    assert "Full length" in text(
        client.get(reverse("jobs:row", args=[team.slug, clip.public_id])).content.decode()
    )
    whole = reverse("jobs:whole", args=[team.slug, clip.public_id])
    assert whole not in client_of(viewer).get(clip.get_absolute_url()).content.decode()
    for _click in range(2):
        answer = client.post(whole, {"key": "one"})
    job = Job.objects.exclude(pk=clip.pk).get()
    assert answer["Location"] == job.get_absolute_url()
    assert (job.title, job.milliseconds, job.parameters["style_level"], job.again_of) == (
        "Welcome",
        12_000,
        "active",
        clip,
    )
    assert "Changed from Welcome, first 5 s: speech" in text(
        client.get(job.get_absolute_url()).content.decode()
    )


# ── the set ──


def test_films_stand_side_by_side_as_they_get_ready(
    client_of: ClientOf, viewer: User, swept: JobSet
) -> None:
    client = client_of(viewer)
    html = client.get(swept.get_absolute_url()).content.decode()
    assert parse(html).texts("li.film-of > h3") == ["Calm", "Normal", "Active"]
    assert html.count("<video") == 0
    assert "3 videos: 3 under way" in text(html)
    assert "reserved $0.4129 charged $0.0000" in text(html)
    first = finish(swept.jobs.order_by("id")[0])
    html = client.get(swept.get_absolute_url()).content.decode()
    assert html.count("<video") == 1
    assert first.result is not None
    assert first.result.public_id in html
    assert "3 videos: 1 ready, 2 under way" in text(html)
    assert "Pick this one" not in html, "who only looks picks nothing"


def test_the_winner_is_picked_and_may_be_kept_as_preset(
    client_of: ClientOf, creator: User, team: Team, swept: JobSet
) -> None:
    client = client_of(creator)
    first, second = (finish(job, job.title.encode()) for job in swept.jobs.order_by("id")[:2])
    assert client.get(swept.get_absolute_url()).content.decode().count("Pick this one") == 2
    pick = reverse("jobs:set_pick", args=[team.slug, swept.public_id])
    client.post(pick, {"job": first.public_id})
    client.post(pick, {"job": second.public_id})
    swept.refresh_from_db()
    assert swept.winner == second
    html = client.get(swept.get_absolute_url()).content.decode()
    won = parse(html).one(".film-of.won")
    assert won.one("form:has([name=preset_name])").fields() | {"csrfmiddlewaretoken": ""} == {
        "csrfmiddlewaretoken": "",
        "job": second.public_id,
        "preset_name": "Normal",
    }
    assert "Keep as preset" in won.texts("label")


def test_a_job_outside_of_the_set_wins_nothing(
    client_of: ClientOf, creator: User, team: Team, swept: JobSet
) -> None:
    other = makers.job(team, creator)
    assert (
        client_of(creator)
        .post(reverse("jobs:set_pick", args=[team.slug, swept.public_id]), {"job": other.public_id})
        .status_code
        == 404
    )
    swept.refresh_from_db()
    assert swept.winner is None


def test_what_waits_is_canceled_and_what_was_sent_goes_on(
    client_of: ClientOf, creator: User, team: Team, swept: JobSet
) -> None:
    first = swept.jobs.order_by("id")[0]
    Job.objects.filter(pk=first.pk).update(state=State.RUNNING, group=1, task_id="t-1")
    answer = client_of(creator).post(
        reverse("jobs:set_cancel", args=[team.slug, swept.public_id]),
        headers={"HX-Request": "true"},
    )
    assert (
        "2 videos are canceled and cost nothing. 1 was sent before and goes on."
        in answer.content.decode()
    )
    assert swept.jobs.filter(state=State.CANCELED).count() == 2


def test_the_failed_ones_are_run_again_with_their_price(
    client_of: ClientOf, creator: User, team: Team, swept: JobSet
) -> None:
    ids = list(swept.jobs.order_by("id").values_list("pk", flat=True)[:2])
    Job.objects.filter(pk__in=ids).update(state=State.FAILED, group=4)
    client = client_of(creator)
    # 2 × 12 s at $0.011469
    assert "Run the failed ones again — $0.2753" in text(
        client.get(swept.get_absolute_url()).content.decode()
    )
    again = reverse("jobs:set_again", args=[team.slug, swept.public_id])
    client.post(again)
    client.post(again)
    assert swept.jobs.count() == 5
    assert "Run the failed ones again" not in client.get(swept.get_absolute_url()).content.decode()


def test_all_films_come_in_one_file(
    client_of: ClientOf, viewer: User, team: Team, swept: JobSet
) -> None:
    url = reverse("jobs:set_films", args=[team.slug, swept.public_id])
    client = client_of(viewer)
    assert client.get(url).status_code == 404
    for job in swept.jobs.order_by("id")[:2]:
        finish(job, job.title.encode())
    answer: Any = client.get(url)
    assert 'filename="Welcome.zip"' in answer["Content-Disposition"]
    content = b"".join(answer.streaming_content)
    assert answer["Content-Length"] == str(len(content)) == client.head(url)["Content-Length"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["Welcome _ Calm.mp4", "Welcome _ Normal.mp4"]


def test_the_page_keeps_the_strict_policy(
    client_of: ClientOf, creator: User, swept: JobSet
) -> None:
    parse(client_of(creator).get(swept.get_absolute_url())).obeys_the_policy()


def test_a_set_of_a_hundred_takes_few_statements(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    django_assert_max_num_queries: Any,
) -> None:
    jobset = JobSet.objects.create(team=team, owner=creator, kind=JobSet.Kind.BATCH, title="Many")
    inputs = {"image_url": makers.asset(team), "audio_url": makers.asset(team, "audio")}
    for _number in range(20):
        makers.job(team, creator, set=jobset, files=inputs)
    client = client_of(creator)
    client.get(jobset.get_absolute_url())
    with django_assert_max_num_queries(20):
        client.get(jobset.get_absolute_url())


def test_a_hundred_that_failed_are_priced_with_few_statements(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    django_assert_max_num_queries: Any,
) -> None:
    jobset = JobSet.objects.create(team=team, owner=creator, kind=JobSet.Kind.BATCH, title="Many")
    inputs = {"image_url": makers.asset(team), "audio_url": makers.asset(team, "audio")}
    for _number in range(20):
        makers.job(team, creator, state=State.FAILED, set=jobset, files=inputs)
    client = client_of(creator)
    client.get(jobset.get_absolute_url())
    with django_assert_max_num_queries(40):
        html = client.get(jobset.get_absolute_url()).content.decode()
    # 20 × 4 s at $0.011469
    assert "Run the failed ones again — $0.9175" in text(html)


def test_letters_that_no_database_keeps_are_no_film_and_no_name(
    client_of: ClientOf, creator: User, team: Team, swept: JobSet
) -> None:
    client = client_of(creator)
    assert (
        client.post(
            reverse("jobs:set_pick", args=[team.slug, swept.public_id]), {"job": "a\x00b"}
        ).status_code
        == 404
    )
    save = reverse("jobs:preset_save", args=[team.slug])
    assert client.post(save, {"job": "a\x00b", "preset_name": "n"}).status_code == 404
    client.post(save, {"job": swept.jobs.all()[0].public_id, "preset_name": "a\x00b"})
    assert [preset.name for preset in team.presets.all()] == ["a b"]
