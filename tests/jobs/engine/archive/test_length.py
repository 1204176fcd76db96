"""Videos that are not as long as billed: kept when they are whole, and told from those that are
cut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.engine import archive_retry, invariants
from jobs.models import Job
from jobs.models.job import differing
from studio.models import Team, User
from tests import files, html, makers
from tests.jobs.download.video_host import VideoHost, answer_with, cut_after
from tests.jobs.engine.archive.archive_steps import step

pytestmark = pytest.mark.django_db


def billed(job: Job, seconds: str) -> None:
    Job.objects.filter(pk=job.pk).update(billed_units=Decimal(seconds))


@pytest.mark.parametrize(
    ("seconds", "differs"),
    [
        ("12.340", True),
        ("1.600", True),
        ("1.490", False),
        ("1.000", False),
        ("0.510", False),
        ("0.400", True),
    ],
)
def test_a_whole_video_of_another_length_is_kept_and_marked(
    job: Job, host: VideoHost, seconds: str, differs: bool
) -> None:
    billed(job, seconds)
    job = step(job)
    assert job.state == "succeeded"
    assert job.length_differs is differs
    assert (len(host.seen), job.result.size) == (1, len(host.video))
    last = job.events.last().text
    assert (f"{Decimal(seconds):.1f} s were billed" in last) is differs


def test_five_percent_of_a_long_video_may_be_missing(job: Job, host: VideoHost) -> None:
    host.video = files.mp4(30.0, fps=5, width=64, height=64)
    billed(job, "31.500")
    assert step(job).length_differs is False


@pytest.mark.parametrize("plays", [5.4, 3.2], ids=["1.4 s longer", "0.8 s shorter"])
def test_a_video_that_is_not_as_long_as_its_speech_is_kept_and_told(
    job: Job, host: VideoHost, client_of: Callable[[User], Client], creator: User, plays: float
) -> None:
    """The speech lasts 4.0 s, and as much was quoted and billed."""
    host.video = files.mp4(plays, fps=15, width=64, height=64)
    billed(job, "4.000")
    job = step(job)
    assert (job.state, job.length_differs) == ("succeeded", True)
    assert job.result is not None
    assert job.result.seconds == pytest.approx(plays, abs=1 / 15)
    assert job.result.size == len(host.video)
    text = html.text(client_of(creator).get(job.get_absolute_url()))
    assert f"plays {plays} s, and the service billed 4.0 s" in text


# ── a cut file is no whole one ────────────────────────────────────────────────────────────────────


def test_fewer_bytes_than_announced_are_gone_on_with(job: Job, host: VideoHost) -> None:
    """Fragments play to the end wherever they are cut."""
    host.video = files.fragmented_mp4(4.0)
    billed(job, "4.000")
    host.answers = [cut_after(host.video.rindex(b"moof", 0, len(host.video) // 2) - 4)]
    job = step(job)
    assert (job.state, job.result) == ("archiving", None)
    job = step(job)
    assert (job.state, job.length_differs) == ("succeeded", False)


def without_length(body: bytes) -> Callable[..., Any]:
    """The end of the connection is the end of the file, so nobody sees a cut."""
    return answer_with(200, body, Content_Length="", ETag="")


def test_what_may_be_cut_is_fetched_until_two_downloads_are_the_same(
    job: Job, host: VideoHost
) -> None:
    video = files.fragmented_mp4(4.0)
    ends = [at - 4 for at in range(len(video)) if video[at : at + 4] == b"moof"]
    billed(job, "4.000")
    host.answers = [without_length(video[: ends[20]]), without_length(video[: ends[30]])]
    for _ in range(2):
        job = step(job)
        assert (job.state, job.result) == ("archiving", None)
        assert "may be cut" in job.sentence
    host.answers = [without_length(video)]
    job = step(job)
    assert (job.state, job.length_differs) == ("succeeded", False)


def test_a_short_video_that_comes_twice_is_whole(job: Job, host: VideoHost) -> None:
    billed(job, "12.340")
    host.answers = [without_length(host.video)] * 2
    assert step(job).state == "archiving"
    job = step(job)
    assert (job.state, job.length_differs) == ("succeeded", True)


def test_a_header_that_states_more_than_what_plays_is_not_whole(job: Job, host: VideoHost) -> None:
    whole = host.video
    host.video = files.with_stated_length(whole, 12.3)
    billed(job, "12.300")
    job = step(job)
    assert (job.state, job.result) == ("archiving", None)
    assert "no whole video" in job.sentence
    host.video = whole
    assert step(job).state == "succeeded"


def test_a_short_video_is_not_given_up(job: Job, host: VideoHost) -> None:
    """As it once ended: FAILED after six downloads, the file deleted and the money settled."""
    billed(job, "12.340")
    for _ in range(archive_retry.HOPELESS + 1):
        if job.state == "archiving":
            job = step(job)
            job.events.filter(new="archiving").update(at=timezone.now() - timedelta(minutes=10))
    assert job.state == "succeeded"


# ── who sees it ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def short(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(
        billed_units=Decimal("12.340"), settled_micros=1, request_id="request-9"
    )
    return step(job)


def test_the_job_page_says_both_lengths_and_how_to_claim(
    short: Job, client_of: Callable[[User], Client], creator: User
) -> None:
    text = html.text(client_of(creator).get(short.get_absolute_url()))
    assert "plays 1.0 s, and the service billed 12.3 s" in text
    assert "ticket" in text
    assert short.task_id in text
    assert "request-9" in text


def test_a_longer_video_claims_nothing(
    job: Job, client_of: Callable[[User], Client], creator: User
) -> None:
    billed(job, "0.300")
    text = html.text(client_of(creator).get(step(job).get_absolute_url()))
    assert "plays 1.0 s, and the service billed 0.3 s" in text
    assert "ticket" not in text


def test_the_board_filters_videos_whose_length_differs(
    short: Job, team: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    other = makers.job(team, creator, state="succeeded", account=short.account, title="As billed")
    still = makers.job(team, creator, account=short.account, title="Waits")
    client = client_of(creator)
    board = reverse("jobs:board", args=[team.slug])
    text = html.text(client.get(board))
    assert "Length differs from the bill" in text
    assert "billed 12.3 s" in text
    for title in (short.title, other.title, still.title):
        assert title in text
    text = html.text(client.get(board, {"length": "differs"}))
    assert short.title in text
    assert "As billed" not in text
    assert "Waits" not in text


def test_a_team_without_such_a_video_is_not_asked_about_lengths(
    team: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    makers.job(team, creator)
    board = reverse("jobs:board", args=[team.slug])
    assert "Length differs" not in html.text(client_of(creator).get(board))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the plan of SQLite")
def test_the_filter_costs_what_it_finds(team: Team) -> None:
    rows = differing(team.jobs.filter(group__in=(3, 4, 5))).order_by("-id")[:31]
    assert "job_differing (team_id=? AND length_differs=?)" in rows.explain()
    assert "TEMP B-TREE" not in rows.explain()


def test_verify_names_it_without_calling_it_broken(
    short: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    found = invariants.Report()
    tally = invariants.Tally()
    found.broken += invariants.INVARIANTS["results"](tally)
    assert found.broken == []
    assert tally.notes == [
        f"The video of job {short.public_id} plays 1.0 s, and 12.3 s were billed (task task-a)."
    ]
    Job.objects.filter(pk=short.pk).update(length_differs=False)
    assert "not marked" in next(invariants.INVARIANTS["results"](invariants.Tally()))
    with pytest.raises(SystemExit):
        call_command("verify")
    assert "12.3 s were billed (task task-a)" in capsys.readouterr().out
