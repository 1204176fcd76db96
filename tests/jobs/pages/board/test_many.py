"""What is done to several jobs at once, other names, and the list as a file."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import Code, Fault, State
from jobs.models import Account, Job, JobSet, PendingOrder
from jobs.orders import stored_orders
from jobs.pages.board import board_filter, drawn_rows
from studio.models import Team, User
from tests import files, makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:board", args=[team.slug])


@pytest.fixture
def door(team: Team) -> str:
    return reverse("jobs:many", args=[team.slug])


def titles(html: str) -> list[str]:
    return parse(html).texts("[data-job] h3 > a")


def test_canceling_many_touches_nobody_elses(
    client_of: ClientOf, owner: User, creator: User, team: Team, door: str
) -> None:
    mine = makers.job(team, owner, code=Code.WAITING_TURN)
    out = makers.job(team, owner, state=State.RUNNING)
    theirs = makers.job(team, creator, code=Code.WAITING_TURN)
    ticked = {"do": "cancel", "job": [one.public_id for one in (mine, out, theirs)]}
    said = text(client_of(owner).post(door, ticked, follow=True).content.decode())
    for one in (mine, out, theirs):
        one.refresh_from_db()
    assert (mine.state, out.state, theirs.state) == (State.CANCELED, State.RUNNING, State.QUEUED)
    assert "1 job is canceled and cost nothing." in said
    assert "1 of other people were not touched." in said


def test_one_creator_does_not_cancel_the_job_of_another(
    client_of: ClientOf, owner: User, creator: User, admin: User, team: Team
) -> None:
    job = makers.job(team, owner, code=Code.WAITING_TURN)
    url = reverse("jobs:cancel", args=[team.slug, job.public_id])
    said = text(client_of(creator).post(url, follow=True).content.decode())
    job.refresh_from_db()
    assert job.state == State.QUEUED
    assert "may cancel it" in said
    client_of(admin).post(url)
    job.refresh_from_db()
    assert job.state == State.CANCELED


def test_what_failed_is_run_again_after_its_price(
    client_of: ClientOf, owner: User, team: Team, account: Account, door: str
) -> None:
    ended = {"finished_at": timezone.now(), "code": Code.REJECTED, "fault": Fault.INPUT}
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
    given_files = {"image_url": picture, "audio_url": sound}
    failed = [
        makers.job(team, owner, state=State.FAILED, account=account, files=given_files, **ended)
        for _ in range(2)
    ]
    fine = makers.job(team, owner, state=State.SUCCEEDED, finished_at=timezone.now())
    client = client_of(owner)
    ticked = [job.public_id for job in (*failed, fine)]
    html = client.post(door, {"do": "again", "job": ticked}).content.decode()
    assert Job.objects.count() == 3, "the price is known before"
    assert "1 that you ticked did not fail" in text(html)
    form = parse(html)
    price = form.texts("button .num")
    assert price[0].startswith("— $")
    given = {
        name: form.values(f"input[name={name}]", "value")
        for name in ("job", "do", "key", "confirmed_prices")
    }
    for _ in range(2):  # a second click makes nothing more
        answer = client.post(door, given)
    made = Job.objects.filter(again_of__in=failed)
    assert made.count() == 2
    assert answer["Location"] == JobSet.objects.get().get_absolute_url()


def test_above_the_amount_running_many_again_asks_for_approval(
    client_of: ClientOf, creator: User, owner: User, team: Team, account: Account, door: str
) -> None:
    Team.objects.filter(pk=team.pk).update(approval_micros=0)
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    given_files = {"image_url": picture, "audio_url": makers.asset(team, "audio")}
    failed = [
        makers.job(team, owner, state=State.FAILED, account=account, files=given_files)
        for _ in range(2)
    ]
    client = client_of(creator)
    html = client.post(door, {"do": "again", "job": [one.public_id for one in failed]})
    form = parse(html)
    assert "Ask for approval" in text(html.content.decode())
    given = {
        name: form.values(f"input[name={name}]", "value")
        for name in ("job", "do", "key", "confirmed_prices", "asks")
    }
    client.post(door, {**given, "asks": ""})
    assert not PendingOrder.objects.exists(), "its button said that it orders"
    answer = client.post(door, given)
    pending = PendingOrder.objects.get()
    assert answer["Location"].endswith(f"/approvals/{pending.public_id}/")
    assert (pending.videos, Job.objects.filter(again_of__in=failed).count()) == (2, 0)
    made = stored_orders.approve(pending, owner, pending.quote_micros)
    assert isinstance(made, JobSet)
    assert Job.objects.filter(again_of__in=failed, owner=creator, set=made).count() == 2


def test_ticked_videos_are_one_file(
    client_of: ClientOf, owner: User, team: Team, page: str
) -> None:
    videos = [makers.asset(team, "video", b"x" * n, origin="result") for n in (1, 2)]
    jobs = [
        makers.job(
            team,
            owner,
            state=State.SUCCEEDED,
            result=video,
            title="Same",
            finished_at=timezone.now(),
        )
        for video in videos
    ]
    url = reverse("jobs:many_videos", args=[team.slug])
    answer: Any = client_of(owner).get(url, {"job": [job.public_id for job in jobs]})
    packed = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert len(packed.namelist()) == 2
    assert client_of(owner).get(url, {"job": ["nobodys"]})["Location"] == page


def test_a_new_name_is_that_of_the_video_too(
    client_of: ClientOf, owner: User, creator: User, viewer: User, team: Team, page: str
) -> None:
    video = makers.asset(team, "video", origin="result")
    job = makers.job(
        team, owner, state=State.SUCCEEDED, result=video, finished_at=timezone.now(), title="Old"
    )
    client = client_of(owner)
    assert "Old" in titles(client.get(page).content.decode())
    url = reverse("jobs:rename", args=[team.slug, job.public_id])
    assert client_of(viewer).post(url, {"title": "Theirs"}).status_code == 403
    assert "somebody else’s" in text(
        client_of(creator).post(url, {"title": "Theirs"}, follow=True).content.decode()
    )
    client.post(url, {"title": "  New   name ", "next": page})
    job.refresh_from_db()
    video.refresh_from_db()
    assert job.title == "New name"
    assert video.name.startswith("New name.")
    assert titles(client.get(page).content.decode()) == ["New name"], "not the row drawn before"


def test_the_list_as_a_file_is_what_the_filter_shows(
    client_of: ClientOf, owner: User, creator: User, team: Team
) -> None:
    makers.job(team, owner, title="=1+1", state=State.FAILED, finished_at=timezone.now())
    makers.job(team, owner, title="Waits")
    makers.job(team, creator, title="Other", state=State.FAILED, finished_at=timezone.now())
    url = reverse("jobs:listing", args=[team.slug])

    def names(**query: str) -> list[str]:
        answer: Any = client_of(owner).get(url, query)
        lines = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
        return [line["name"] for line in lines]

    assert names() == ["'=1+1", "Waits", "Other"]
    assert names(tab="mine") == ["'=1+1", "Waits"]
    assert names(outcome="failed", person=str(creator.pk)) == ["Other"]


def test_days_outcome_and_order(client_of: ClientOf, owner: User, team: Team, page: str) -> None:
    for number in range(4):
        job = makers.job(
            team,
            owner,
            title=f"Day {number}",
            state=State.CANCELED if number == 2 else State.FAILED,
            finished_at=timezone.now(),
        )
        made = timezone.now() - timedelta(days=10 - number)
        Job.objects.filter(pk=job.pk).update(created_at=made)
    day = (timezone.localtime() - timedelta(days=9)).date().isoformat()
    after = (timezone.localtime() - timedelta(days=8)).date().isoformat()
    client = client_of(owner)

    def shown(**query: str) -> list[str]:
        return titles(client.get(page, query).content.decode())

    assert shown(since=day) == ["Day 3", "Day 2", "Day 1"]
    assert shown(until=day) == ["Day 1", "Day 0"]
    assert shown(since=day, until=after, sort="oldest") == ["Day 1", "Day 2"]
    assert shown(outcome="canceled") == ["Day 2"]
    assert shown(since="2999-01-01") == []
    assert shown(since="2026-99-99", until="0000") == shown()


def test_a_rare_word_is_looked_for_a_stretch_at_a_time(
    client_of: ClientOf, owner: User, team: Team, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.pages.board.ended_jobs.WALK", 3)
    for title in ("Needle", *["Hay"] * 5):
        makers.job(team, owner, title=title, state=State.FAILED, finished_at=timezone.now())
    client = client_of(owner)
    html = client.get(page, {"q": "needle"}).content.decode()
    assert titles(html) == []
    assert "looks further back" in text(html)
    (older,) = parse(html).values("a[rel=next]", "href")
    assert titles(client.get(page + older).content.decode()) == ["Needle"]


def test_a_batch_is_one_row_that_opens(
    client_of: ClientOf, owner: User, team: Team, page: str
) -> None:
    batch = JobSet.objects.create(
        team=team, owner=owner, kind=JobSet.Kind.BATCH, title="Front desk"
    )
    for number in range(3):
        makers.job(
            team,
            owner,
            set=batch,
            title=f"Part {number}",
            state=State.FAILED if number else State.CANCELED,
            finished_at=timezone.now(),
        )
    makers.job(team, owner, title="Alone", state=State.FAILED, finished_at=timezone.now())
    html = parse(client_of(owner).get(page).content.decode())
    assert html.texts("li.batch summary") == ["Front desk 3 videos: 2 failed, 1 canceled"]
    assert len(html.texts("li.batch li.job")) == 3
    assert len(html.texts("#rows li.job")) == 4


def test_the_gallery_is_remembered(client_of: ClientOf, owner: User, team: Team, page: str) -> None:
    video = makers.asset(team, "video", origin="result", thumb="x.webp")
    makers.job(team, owner, state=State.SUCCEEDED, result=video, finished_at=timezone.now())
    client = client_of(owner)
    assert 'class="jobs' in client.get(page).content.decode()
    for query in ({"view": "gallery"}, {}):
        html = client.get(page, query).content.decode()
        assert parse(html).values(".gallery video", "preload") == ["none"]
    assert client.cookies[board_filter.COOKIE].value == "gallery"


def test_a_finished_row_is_drawn_once(
    client_of: ClientOf, owner: User, viewer: User, team: Team, page: str
) -> None:
    makers.job(team, owner, state=State.FAILED, finished_at=timezone.now())
    client_of(owner).get(page)
    with CaptureQueriesContext(connection) as again:
        client_of(viewer).get(page)
    wide = [one for one in again.captured_queries if "told_ready_at" in one["sql"]]
    assert len(wide) == 1, "only the open jobs are read whole"


def test_a_kept_row_is_written_for_each_reader(
    client_of: ClientOf, owner: User, creator: User, team: Team, page: str
) -> None:
    """Amounts and times are in the format of who reads, whoever opened the board first."""
    job = makers.job(team, owner, state=State.SUCCEEDED, finished_at=timezone.now())
    Job.objects.filter(pk=job.pk).update(settled_micros=330_200)
    User.objects.filter(pk=owner.pk).update(region="de-DE")
    User.objects.filter(pk=creator.pk).update(region="en-US")
    assert "0,33" in client_of(owner).get(page).content.decode()
    seen = client_of(creator).get(page).content.decode()
    assert "0.33" in seen
    assert "0,33" not in seen


def test_rows_that_are_kept_push_no_tries_out() -> None:
    assert drawn_rows.rows_cache is not cache
    for number in range(20):
        cache.set(f"try:{number}", 1)
    drawn_rows.rows_cache.set_many({f"row:{number}": "x" for number in range(20_000)})
    assert cache.get("try:0") == 1
    assert len(drawn_rows.rows_cache._cache) <= 5000  # type: ignore[attr-defined]


def test_what_others_spent_is_not_in_the_file_of_who_may_not_see_it(
    client_of: ClientOf, owner: User, creator: User, team: Team
) -> None:
    """The page of spending keeps it from creators, so this file does too."""
    for user in (owner, creator):
        job = makers.job(team, user, state=State.SUCCEEDED, finished_at=timezone.now())
        Job.objects.filter(pk=job.pk).update(settled_micros=330_200)
    url = reverse("jobs:listing", args=[team.slug])
    for reader, shown in ((owner, {owner, creator}), (creator, {creator})):
        answer: Any = client_of(reader).get(url)
        lines = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
        amounts = {line["person"]: (line["quoted"], line["charged"]) for line in lines}
        for user in (owner, creator):
            assert all(amounts[user.email]) == (user in shown), (reader, user)


def test_more_ticks_than_are_taken_are_told(
    client_of: ClientOf, owner: User, team: Team, door: str
) -> None:
    some = [makers.job(team, owner, code=Code.WAITING_TURN).public_id for _ in range(3)]
    ticked = {"do": "cancel", "job": [*some, *(f"gone{number}" for number in range(98))]}
    said = text(client_of(owner).post(door, ticked, follow=True).content.decode())
    assert "at most 100" in said
    assert not Job.objects.filter(state=State.CANCELED).exists()
