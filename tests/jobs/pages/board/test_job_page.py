"""A job's own page: player, inputs with their boxes, what happened, what it cost, whose fault, and
what can be done."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.billing import ledger
from jobs.common.states import Code, Fault, State
from jobs.engine import transitions
from jobs.models import Account, Job, JobEvent, LedgerEntry
from studio.models import Team, User
from tests import makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]


@pytest.fixture
def done(team: Team, owner: User, account: Account) -> Job:
    """A portrait that is ready, with the ledger settled and the events of its way."""
    picture = makers.asset(team)
    film = makers.asset(
        team,
        "video",
        origin="result",
        width=512,
        height=512,
        milliseconds=4000,
        thumb="poster.webp",
    )
    now = timezone.now()
    job = makers.job(
        team,
        owner,
        state=State.SUCCEEDED,
        title="Mia “1/2”: <b>",
        check_used=makers.check(picture, account),
        files={"image_url": picture, "audio_url": makers.asset(team, "audio")},
        task_id="a8532587-fa8c",
        request_id="8190395f-2b1c",
        provider_status="SUCCEEDED",
        submitted_at=now,
        provider_ended_at=now,
        finished_at=now,
        result=film,
        billed_units=Decimal("4.100"),
        settled_micros=47_023,
    )
    with transaction.atomic():
        ledger.settle(job, Decimal("4.1"), "1:1")
    transitions.record(job, "", State.QUEUED, "Created; $0.0459 held")
    transitions.record(
        job,
        State.QUEUED,
        State.RUNNING,
        "Accepted by the service",
        data={"request_id": "8190395f-2b1c"},
    )
    return job


def test_ready_job_plays_and_downloads(
    client_of: ClientOf, viewer: User, team: Team, done: Job
) -> None:
    html = client_of(viewer).get(done.get_absolute_url()).content.decode()
    film = reverse("asset_file", args=[team.slug, done.result.public_id, "original"])
    shown = parse(html)
    assert shown.one("video[controls]")["src"] == film
    assert "Mia _1_2__ _b_.mp4" in shown.values(f"a[href='{film}']", "download")
    assert reverse("asset_file", args=[team.slug, done.result.public_id, "thumb"]) in html
    assert "<b>”" not in html
    # an ended job follows nothing
    assert "data-over" in html


def test_inputs_are_drawn_with_the_boxes_that_were_sent(
    client_of: ClientOf, viewer: User, done: Job
) -> None:
    html = client_of(viewer).get(done.get_absolute_url()).content.decode()
    assert '<rect class="face" x="200" y="200" width="200" height="220">' in html
    assert '<rect class="frame" x="60" y="60" width="600" height="600">' in html
    assert "<audio" in html


def test_cost_names_quote_settlement_ledger_and_source(
    client_of: ClientOf, viewer: User, done: Job
) -> None:
    said = text(client_of(viewer).get(done.get_absolute_url()).content.decode())
    assert "4 s × $0.011469 = $0.0459 quoted" in said
    assert "The service billed 4.100 s: $0.047023. 2.5 % more than quoted." in said
    assert "+0.045876" in said
    assert "−0.045876" in said
    assert "Sum, USD 0.000000 0.047023" in said
    assert "EMO API reference, 27 Dec 2025, in force since 27 Dec 2025." in said


def test_ids_can_be_copied_and_the_way_is_told(
    client_of: ClientOf, viewer: User, done: Job
) -> None:
    JobEvent.objects.filter(text="Accepted by the service").update(
        at=done.events.first().at + timedelta(seconds=482)
    )
    html = client_of(viewer).get(done.get_absolute_url()).content.decode()
    assert 'data-copy="a8532587-fa8c"' in html
    assert 'data-copy="8190395f-2b1c"' in html
    assert "after 8 m 2 s · request 8190395f-2b1c" in text(html)


def test_failure_says_what_whose_fault_what_to_do_and_what_it_cost(
    client_of: ClientOf, creator: User, team: Team
) -> None:
    job = makers.job(
        team,
        creator,
        state=State.FAILED,
        code=Code.REJECTED,
        fault=Fault.OURS,
        finished_at=timezone.now(),
        sentence="The service could not read the speech file.",
        advice="Run it again.",
        provider_code="InvalidURL",
        provider_message="Required URL is missing",
    )
    with transaction.atomic():
        ledger.release(job)
    html = client_of(creator).get(job.get_absolute_url()).content.decode()
    said = text(html)
    assert (
        "Whose fault Our side What to do Run it again. What it cost Nothing was produced, cost "
        "$0.00. The $0.0459 that were reserved went back." in said
    )
    folded = parse(html).one("details.more#raw")
    assert folded.text.count("InvalidURL") == html.count("InvalidURL") > 0


def test_run_again_costs_what_its_button_says_and_once(
    client_of: ClientOf, viewer: User, creator: User, team: Team, done: Job
) -> None:
    url = reverse("jobs:again", args=[team.slug, done.public_id])
    assert url not in client_of(viewer).get(done.get_absolute_url()).content.decode()
    assert client_of(viewer).post(url).status_code == 403
    client = client_of(creator)
    html = client.get(done.get_absolute_url()).content.decode()
    assert "Run again — $0.0459" in text(html)
    assert client.get(url).status_code == 405
    form = parse(html).one(f"form[action='{url}']").fields()
    assert form["key"]
    answers = [client.post(url, form)["Location"] for _click in range(2)]
    made = Job.objects.exclude(pk=done.pk).get()
    assert answers == [made.get_absolute_url()] * 2
    assert (made.again_of, made.owner, made.quote_micros) == (done, creator, 45_876)
    assert LedgerEntry.objects.filter(job=made).count() == 1


def test_run_again_that_is_refused_says_why_on_the_page(
    client_of: ClientOf, creator: User, team: Team, done: Job
) -> None:
    done.account.keys.update(active=False)
    answer = client_of(creator).post(
        reverse("jobs:again", args=[team.slug, done.public_id]), follow=True
    )
    assert "no Model Studio connection with a key" in answer.content.decode()
    assert Job.objects.count() == 1


def test_change_and_run_opens_the_form_with_everything_in_it(
    client_of: ClientOf, creator: User, team: Team, done: Job
) -> None:
    shown = parse(client_of(creator).get(done.get_absolute_url()))
    link = shown.named("a", "Change and make again")["href"]
    form = parse(client_of(creator).get(link)).one("#make").fields()
    for given in done.inputs.all():
        assert form[given.name] == given.asset.public_id


@pytest.mark.parametrize(
    ("fields", "button", "note"),
    [
        (
            {"state": State.QUEUED, "code": Code.WAITING_TURN},
            "Cancel, free",
            "It was not sent, so canceling costs nothing.",
        ),
        (
            {"state": State.RUNNING, "provider_status": "PENDING"},
            "Ask the service to cancel",
            "If it has, the video is made, saved and paid.",
        ),
        (
            {"state": State.RUNNING, "provider_status": "RUNNING"},
            "",
            "from here on it cannot be stopped",
        ),
        ({"state": State.SUBMITTING}, "", "In a moment it can be canceled at the service."),
        ({"state": State.SUCCEEDED}, "", ""),
    ],
)
def test_cancel_says_its_exact_consequence(
    client_of: ClientOf, creator: User, team: Team, fields: dict[str, Any], button: str, note: str
) -> None:
    job = makers.job(
        team, creator, submitted_at=timezone.now(), finished_at=timezone.now(), **fields
    )
    html = client_of(creator).get(job.get_absolute_url()).content.decode()
    url = reverse("jobs:cancel", args=[team.slug, job.public_id])
    assert (url in html) == bool(button)
    assert button in text(html)
    assert note in text(html)


def test_clocks_run_until_the_film_is_ours(
    client_of: ClientOf, creator: User, team: Team, done: Job
) -> None:
    now = timezone.now()
    job = makers.job(
        team,
        creator,
        state=State.ARCHIVING,
        submitted_at=now - timedelta(hours=21),
        result_expires_at=now + timedelta(hours=23, minutes=58, seconds=30),
    )
    html = client_of(creator).get(job.get_absolute_url()).content.decode()
    assert "Video, 23 h 58 m" in text(html)
    assert re.search(r"Task, (2 h 59|3 h 0) m", text(html))
    assert 'class="clock low"' in html
    assert 'class="clock' not in client_of(creator).get(done.get_absolute_url()).content.decode()


def test_running_page_becomes_the_finished_one_by_its_fragment(
    client_of: ClientOf, creator: User, team: Team
) -> None:
    job = makers.job(
        team, creator, state=State.RUNNING, provider_status="RUNNING", submitted_at=timezone.now()
    )
    client, live = client_of(creator), reverse("jobs:job_live", args=[team.slug, job.public_id])
    page = client.get(job.get_absolute_url()).content.decode()
    assert f'data-live-url="{live}"' in page
    assert f'data-live="/live/{team.slug}/"' in page
    film = makers.asset(team, "video", origin="result")
    Job.objects.filter(pk=job.pk).update(
        state=State.SUCCEEDED, result=film, finished_at=timezone.now()
    )
    fragment = client.get(live).content.decode()
    assert "<html" not in fragment
    assert 'data-state="succeeded"' in fragment
    assert "data-over" in fragment
    assert 'data-part="foot"' in fragment, "the bar at the foot comes with it"
    assert reverse("asset_file", args=[team.slug, film.public_id, "original"]) in fragment


def test_result_address_of_the_service_is_never_shown(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    job = makers.job(
        team,
        owner,
        state=State.ARCHIVING,
        submitted_at=timezone.now(),
        result_url="http://results.example/x.mp4?Signature=s3cret",
    )
    assert "s3cret" not in client_of(owner).get(job.get_absolute_url()).content.decode()


def test_finished_template_offers_the_dance(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    video = makers.asset(team, "video")
    job = makers.job(
        team,
        creator,
        "animate-anyone-template-gen2",
        state=State.SUCCEEDED,
        finished_at=timezone.now(),
        template=makers.template(team, account, video),
        files={"video_url": video},
    )
    html = client_of(creator).get(job.get_absolute_url()).content.decode()
    assert f"/t/north/make/dance/?template={job.template.public_id}" in html


def test_page_keeps_the_strict_policy(client_of: ClientOf, creator: User, done: Job) -> None:
    answer = client_of(creator).get(done.get_absolute_url())
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    parse(answer).obeys_the_policy()
