"""Every column of the rows that are made of a task which was made elsewhere, or came late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from jobs.accounts import mail
from jobs.billing import prices
from jobs.catalogue import entries
from jobs.common.states import Group, Outcome, State
from jobs.engine import late_answers
from jobs.models import Account, Attempt, Job, Lane
from jobs.orders import adopted_job, late_videos
from studio.models import Team, User
from tests import makers
from tests.jobs.orders.job_rows import UNTOUCHED, entries_of, row
from tests.jobs.rows import changed, columns
from tests.service import Service, task

pytestmark = pytest.mark.django_db


# ── an adopted task ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("known", [True, False])
def test_an_adopted_task_is_a_job_that_is_followed(
    team: Team, creator: User, account: Account, noon: datetime, known: bool
) -> None:
    began = noon - timedelta(minutes=3)
    found = task(
        "task-0123456789",
        "S" * 50,
        request_id="r" * 90,
        submit_time=began if known else None,
        scheduled_time=began if known else None,
    )
    spec = entries.get("emo-v1")
    quote = prices.quote(spec, "3:4", Decimal("13.93"), currency="USD")
    job = adopted_job.insert_adopted(account, creator, spec, quote, found, "task-0123456789")
    lane, at = Lane.objects.get(), began if known else noon
    assert row(job) == UNTOUCHED | {
        "team_id": team.pk,
        "owner_id": creator.pk,
        "account_id": account.pk,
        "lane_id": lane.pk,
        "model": "emo-v1",
        "title": "Imported task task-012",
        "parameters": {},
        "adopted": True,
        "state": State.RUNNING,
        "group": Group.WORKING,
        "attempt": 1,
        "task_id": "task-0123456789",
        "request_id": "r" * 80,
        "provider_status": "S" * 40,
        "submitted_at": at,
        "submitting_at": at,
        "provider_started_at": began if known else None,
        "next_look_at": noon,
        "variant": "3:4",
        "milliseconds": 13_930,
        "price_id": quote.price.pk,
        "currency": "USD",
        "quote_micros": quote.micros,
    }
    attempt = columns(job.attempts.get())
    assert {name: attempt[name] for name in ("number", "began_at", "task_id", "request_id")} == {
        "number": 1,
        "began_at": at,
        "task_id": "task-0123456789",
        "request_id": "r" * 80,
    }
    assert (attempt["outcome"], attempt["found"]) == (Outcome.ADOPTED, True)
    assert entries_of(job) == [("hold", 0, 0, Decimal("13.93"))]
    hold = job.ledger.get()
    assert (hold.team, hold.member, hold.price) == (team, creator, quote.price)
    event = job.events.get()
    assert (event.old, event.new, event.code) == ("", "running", "")
    assert "Chidi imported task task-0123456789" in event.text
    assert lane.wakeups == 1


# ── a late task ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def late(team: Team, creator: User, account: Account, service: Service, noon: datetime) -> Attempt:
    """The task of the first attempt, of a job that was sent again."""
    check = makers.check(makers.asset(team), account)
    job = makers.job(
        team,
        creator,
        state=State.RUNNING,
        attempt=2,
        task_id="task-2",
        check_used=check,
        title="T" * 190,
        code="x",
    )
    return job.attempts.create(
        number=1,
        began_at=noon - timedelta(minutes=5),
        key=account.keys.get(),
        base_url="https://a.test",
        workspace="w",
        model_name="emo-v1-ours",
        task_id="task-1",
        request_id="r-1",
        outcome=Outcome.LATE,
    )


def test_a_late_task_that_had_begun_is_a_job_beside_the_first(
    late: Attempt,
    service: Service,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letters: list[tuple[Any, ...]] = []
    monkeypatch.setattr(mail, "notify", lambda *args, **more: letters.append(args))
    service.cancels = [False]
    job = late.job
    before = columns(job)
    assert late_videos.settle() == 1
    video = Job.objects.exclude(pk=job.pk).get()
    assert row(video) == UNTOUCHED | {
        **{name: before[name] for name in ("team_id", "owner_id", "account_id", "model")},
        **{name: before[name] for name in ("parameters", "check_used_id", "template_id")},
        **{name: before[name] for name in ("variant", "milliseconds", "price_id")},
        **{name: before[name] for name in ("currency", "quote_micros", "lane_id")},
        "title": "T" * 180 + " (2)",
        "again_of_id": job.pk,
        "adopted": True,
        "state": State.RUNNING,
        "group": Group.WORKING,
        "attempt": 1,
        "task_id": "task-1",
        "request_id": "r-1",
        "submitting_at": late.began_at,
        "submitted_at": late.began_at,
        "next_look_at": noon,
    }
    assert changed(before, job) == {}
    gone, its = job.attempts.get(number=1), video.attempts.get()
    assert (gone.task_id, gone.outcome, gone.ended_at) == ("", Outcome.ENDED, noon)
    same = ("began_at", "key_id", "base_url", "workspace", "model_name", "request_id")
    assert [getattr(its, name) for name in same] == [getattr(late, name) for name in same]
    assert (its.number, its.task_id, its.outcome, its.found) == (
        1,
        "task-1",
        Outcome.ADOPTED,
        True,
    )
    assert entries_of(video) == [("hold", 0, 0, Decimal(0))]
    assert video.ledger.get().member == job.owner
    event, told = video.events.get(), job.events.get()
    assert (event.old, event.new, event.code) == ("", "running", "")
    assert (told.old, told.new, told.code) == ("", "running", "x")
    assert told.data == {"task_id": "task-1"}
    assert video.title in told.text
    ((to, subject, why),) = letters
    assert (to, job.title in subject, video.title in why) == (job.team, True, True)
    assert Lane.objects.get(pk=video.lane_id).wakeups == 1


@pytest.mark.parametrize(
    ("answer", "age", "followed"),
    [
        (None, late_videos.PATIENCE, 0),
        (None, late_videos.PATIENCE + timedelta(microseconds=1), 1),
        (False, timedelta(0), 1),
        (True, late_videos.PATIENCE * 2, 0),
    ],
)
def test_a_late_task_is_asked_about_for_a_while(
    late: Attempt,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
    answer: bool | None,
    age: timedelta,
    followed: int,
) -> None:
    late.began_at = noon - age
    late.save(update_fields=["began_at"])
    asked: list[Attempt] = []
    answers: Callable[[Attempt], bool | None] = lambda one: asked.append(one) or answer  # noqa: E731
    monkeypatch.setattr(late_answers, "cancel", answers)
    assert (late_videos.settle(), asked) == (followed, [late])


def test_what_another_process_settled_is_not_followed_again(
    late: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel(attempt: Attempt) -> bool:
        Attempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.ENDED)
        return False

    monkeypatch.setattr(late_answers, "cancel", cancel)
    assert (late_videos.settle(), Job.objects.count()) == (0, 1)


def test_each_late_task_is_followed_by_a_job_of_its_own(
    late: Attempt, service: Service, noon: datetime
) -> None:
    second = late.job.attempts.create(
        number=2, began_at=noon, task_id="task-late-2", outcome=Outcome.LATE
    )
    service.cancels = [False, False]
    assert late_videos.settle() == 2
    videos = Job.objects.filter(again_of=late.job).order_by("pk")
    assert [video.task_id for video in videos] == ["task-1", second.task_id]
