"""When it will be ready: learned speeds, places with a range, and how right they were."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from jobs.common.states import Code, State
from jobs.engine import eta, forecast_score, retry, speed
from jobs.models import Account, Job, Lane, WorkTime
from studio.models import Team, User
from tests import makers
from tests.service import done

pytestmark = pytest.mark.django_db


def job_of(team: Team, who: User, **fields: object) -> Job:
    made = makers.job(team, who, **fields)
    return Job.objects.select_related("lane", "lane__account", "account", "team").get(pk=made.pk)


def teach(job: Job, *ratios: float) -> None:
    for ratio in ratios:
        task = done("t", job.seconds)
        task = type(task)(
            **{
                **{name: getattr(task, name) for name in task.__slots__},
                "scheduled_time": task.end_time - timedelta(seconds=ratio),
            }
        )
        speed.learn(job, task, Decimal(1))


def test_the_prior_until_something_was_learned(team: Team, owner: User) -> None:
    job = job_of(team, owner, milliseconds=10_000)
    assert speed.expected(job) == 85
    assert eta.usual(job) is None


def test_median_and_p90_of_the_last_fifty(team: Team, owner: User) -> None:
    job = job_of(team, owner, milliseconds=10_000)
    teach(job, *[100.0] * 5, *[float(number) for number in range(1, 51)])
    row = WorkTime.objects.get()
    assert len(row.recent) == 50
    assert row.median == 25.5
    assert row.p90 == pytest.approx(45.1)
    assert eta.usual(job) == (pytest.approx(255), pytest.approx(451))


def test_another_variant_or_service_learns_apart(team: Team, owner: User) -> None:
    job = job_of(team, owner)
    teach(job, 3.0)
    other = job_of(team, owner, chosen={"ratio": "3:4"})
    assert speed.speed_of(job).median == 3.0
    assert not speed.speed_of(other).learned
    Account.objects.filter(pk=job.account_id).update(
        base_url="https://elsewhere.example.com/api/v1"
    )
    assert not speed.speed_of(Job.objects.select_related("account").get(pk=job.pk)).learned


def test_nonsense_times_teach_nothing(team: Team, owner: User) -> None:
    job = job_of(team, owner)
    task = done("t")
    backwards = type(task)(
        **{
            **{n: getattr(task, n) for n in task.__slots__},
            "scheduled_time": task.end_time + timedelta(seconds=1),
        }
    )
    speed.learn(job, backwards, Decimal(4))
    speed.learn(job, task, Decimal(0))
    assert not WorkTime.objects.exists()


def test_places_add_up_with_a_range(team: Team, owner: User, creator: User) -> None:
    now = timezone.now()
    running = job_of(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        provider_started_at=now - timedelta(seconds=10),
        submitted_at=now,
    )
    teach(running, 5.0, 5.0, 5.0, 5.0, 8.0)
    first, second = job_of(team, owner), job_of(team, creator)
    places = eta.places(eta._open([running.lane_id]))
    at_service, one, two = (places[job.pk] for job in (running, first, second))
    assert (at_service.position, one.position, two.position) == (0, 2, 3)
    left = (at_service.ready_at - now).total_seconds()
    assert left == pytest.approx(20 + eta.HANDOVER - 10, abs=1)
    assert (one.starts_at - now).total_seconds() == pytest.approx(left, abs=1)
    assert (one.ready_at - one.starts_at).total_seconds() == pytest.approx(20 + eta.HANDOVER, abs=1)
    assert two.late_at - two.ready_at > one.late_at - one.ready_at > timedelta(0), (
        "the further away, the wider the range"
    )
    assert eta.place(second) is not None
    assert eta.place(second).position == 3


def test_nothing_is_promised_behind_a_closed_door(team: Team, owner: User) -> None:
    job = job_of(team, owner)
    Lane.objects.update(pause_state="paused")
    assert eta.place(job).starts_at is None
    Lane.objects.update(pause_state="open")
    Account.objects.update(paused_until=timezone.now() + timedelta(minutes=5))
    place = eta.place(job_of(team, owner))
    assert (place.position, place.ready_at, place.late_at) == (2, None, None)
    assert eta.line(job.account, "emo-v1")[0] == 2


def test_a_dance_whose_template_is_to_come_has_no_time(team: Team, owner: User) -> None:
    waits = job_of(team, owner, code=Code.NEEDS_TEMPLATE)
    assert eta.place(waits).ready_at is None


def test_the_place_of_a_job_that_is_not_made_yet(team: Team, owner: User, creator: User) -> None:
    job = job_of(team, owner)
    job_of(team, owner)
    asked = eta.next_place(job.account, "emo-v1", "1:1", 20_000, creator)
    assert (asked.position, asked.ahead) == (2, 1), "people take turns"
    assert eta.next_place(job.account, "emo-v1", "1:1", 20_000, owner).position == 3
    assert eta.next_place(job.account, "animate-anyone-gen2", "", 20_000, owner).position == 1


def test_score_counts_what_was_told_within_a_fifth(team: Team, owner: User) -> None:
    now = timezone.now()
    for estimate, sent in ((100, 50), (130, 55), (None, None)):
        job = makers.job(
            team,
            owner,
            state=State.SUCCEEDED,
            finished_at=now,
            submitted_at=now - timedelta(seconds=50),
            provider_ended_at=now,
        )
        created = now - timedelta(seconds=100)
        Job.objects.filter(pk=job.pk).update(
            created_at=created,
            forecast_ready_at=created + timedelta(seconds=estimate) if estimate else None,
            forecast_at_submit=now - timedelta(seconds=50) + timedelta(seconds=sent)
            if sent
            else None,
        )
    (score,) = forecast_score.score()
    assert (score.model, score.variant, score.jobs, score.click_within, score.sent_within) == (
        "emo-v1",
        "1:1",
        3,
        0.5,
        1.0,
    )


def test_looks_are_sparse_then_dense_then_sparse(team: Team, owner: User) -> None:
    now = timezone.now()
    job = job_of(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        milliseconds=20_000,
        submitted_at=now,
        provider_started_at=now,
    )
    teach(job, *(4.8 + 0.12 * number for number in range(21)))  # 96 to 144 s
    looks, at = 0, 3.0
    gaps = []
    while at < 120:
        gap = retry.next_look(job, now + timedelta(seconds=at))
        gaps.append((at, gap))
        at += gap
        looks += 1
    assert looks <= 12
    assert max(gap for at, gap in gaps if at >= 93) <= 3.7
    assert retry.next_look(job, now + timedelta(seconds=400)) == 15
