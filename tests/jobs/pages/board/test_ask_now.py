"""Look again and download again: what happens by itself, at once and for nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import State
from jobs.models import Job, JobEvent, Lane, LedgerEntry
from studio.models import Team, User
from tests import makers

ClientOf = Callable[[User], Client]
LOOK, DOWNLOAD = "Look again — free", "Download again — free"


def job_of(team: Team, owner: User, state: State, **fields: Any) -> Job:
    now = timezone.now()
    return makers.job(
        team, owner, state=state, task_id="a8532587-fa8c", submitted_at=now, attempt=1, **fields
    )


def url_of(job: Job) -> str:
    return reverse("jobs:ask_now", args=[job.team.slug, job.public_id])


def test_a_running_task_is_looked_at_now(client_of: ClientOf, creator: User, team: Team) -> None:
    now = timezone.now()
    job = job_of(
        team,
        creator,
        State.RUNNING,
        looked_at=now - timedelta(minutes=1),
        next_look_at=now + timedelta(hours=1),
    )
    Lane.objects.filter(pk=job.lane_id).update(next_visit_at=now + timedelta(hours=1), wakeups=0)
    client = client_of(creator)
    html = client.get(job.get_absolute_url()).content.decode()
    assert LOOK in html
    assert DOWNLOAD not in html
    said = client.post(url_of(job), follow=True).content.decode()
    assert "The service is asked again. That is free." in said
    job.refresh_from_db()
    assert job.next_look_at is not None
    assert job.next_look_at <= timezone.now()
    assert Lane.objects.get(pk=job.lane_id).wakeups == 1
    assert (job.state, job.attempt) == (State.RUNNING, 1)
    assert not LedgerEntry.objects.filter(job=job, settled__gt=0).exists()


def test_who_presses_often_asks_no_more_than_every_few_seconds(
    client_of: ClientOf, creator: User, team: Team
) -> None:
    later = timezone.now() + timedelta(hours=1)
    job = job_of(team, creator, State.RUNNING, looked_at=timezone.now(), next_look_at=later)
    assert (
        "That was done a moment ago."
        in client_of(creator).post(url_of(job), follow=True).content.decode()
    )
    job.refresh_from_db()
    assert job.next_look_at == later


def test_a_film_that_did_not_come_is_downloaded_now(
    client_of: ClientOf, creator: User, team: Team
) -> None:
    now = timezone.now()
    job = job_of(
        team,
        creator,
        State.ARCHIVING,
        tries=3,
        not_before=now + timedelta(hours=1),
        sentence="The host answered 404.",
    )
    client = client_of(creator)
    html = client.get(job.get_absolute_url()).content.decode()
    assert DOWNLOAD in html
    assert LOOK not in html
    assert (
        "The video is downloaded again. That is free."
        in client.post(url_of(job), follow=True).content.decode()
    )
    job.refresh_from_db()
    assert job.not_before is None
    assert job.state == State.ARCHIVING


def test_who_asks_for_a_film_watches_it_even_when_it_is_faster_than_the_page(
    client_of: ClientOf, creator: User, team: Team
) -> None:
    job = job_of(team, creator, State.ARCHIVING, tries=3)
    assert client_of(creator).post(url_of(job)).headers["Location"] == (
        job.get_absolute_url() + "#watch"  # static/js/live/job.js plays what is there already
    )


def test_a_download_under_way_is_left_alone(client_of: ClientOf, creator: User, team: Team) -> None:
    later = timezone.now() + timedelta(hours=1)
    job = job_of(
        team,
        creator,
        State.ARCHIVING,
        tries=3,
        not_before=later,
        lease_until=timezone.now() + timedelta(minutes=1),
    )
    assert url_of(job) not in client_of(creator).get(job.get_absolute_url()).content.decode()
    client_of(creator).post(url_of(job))
    job.refresh_from_db()
    assert job.not_before == later


@pytest.mark.parametrize("state", [State.QUEUED, State.SUCCEEDED, State.FAILED, State.CANCELED])
def test_nothing_is_offered_or_done_where_nothing_is_to_be_seen(
    client_of: ClientOf, creator: User, team: Team, state: State
) -> None:
    job = makers.job(team, creator, state=state)
    client = client_of(creator)
    assert url_of(job) not in client.get(job.get_absolute_url()).content.decode()
    assert (
        "It moved on while you clicked." in client.post(url_of(job), follow=True).content.decode()
    )
    assert not JobEvent.objects.filter(job=job).exists()


def test_who_only_reads_presses_nothing(
    client_of: ClientOf, creator: User, viewer: User, stranger: User, team: Team
) -> None:
    job = job_of(team, creator, State.RUNNING)
    html = client_of(viewer).get(job.get_absolute_url()).content.decode()
    assert LOOK not in html
    assert client_of(viewer).post(url_of(job)).status_code == 403
    assert client_of(stranger).post(url_of(job)).status_code == 404
    assert client_of(creator).get(url_of(job)).status_code == 405
