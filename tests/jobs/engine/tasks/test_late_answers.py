"""A process that slept: an order that leaves too late is not sent, and an answer that comes too
late is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.billing import budget
from jobs.common.errors import Moved
from jobs.common.states import Outcome
from jobs.engine import lane_round, poll, submit, transitions, uncertain
from jobs.models import Account, Attempt, Job
from jobs.modelstudio import NoAnswer, NotSent, Submitted, Task, WireError
from jobs.orders import late_videos
from tests.jobs.engine.tasks.visits import LONG_AGO, fresh, visit
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db
THEN = datetime(2026, 1, 1, tzinfo=UTC)
NO_LANE = (0, THEN, THEN, THEN, 0, "")  # a row of lanes that changes none


# ── a worker that slept ───────────────────────────────────────────────────────────────────────────


def asleep(
    service: Service, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]
) -> list[str]:
    """The POST leaves only after `meanwhile`, as of a process that was stopped between its intent
    and its connection; returns what became of it."""
    real, heard = service.submit, []

    def slow(model: Any, body: dict[str, Any], still_timely: Any = None) -> Submitted:
        monkeypatch.setattr(service, "submit", real)
        meanwhile()
        try:
            still_timely()
        except NotSent:
            heard.append("held back")
            raise
        heard.append("sent")
        return real(model, body)

    monkeypatch.setattr(service, "submit", slow)
    return heard


@pytest.mark.parametrize("clock", ["monotonic", "wall", "back"])
def test_an_order_that_slept_before_its_first_byte_is_not_sent(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    """Of a suspended laptop the wall clock alone goes on; of one whose clock is set back meanwhile
    the other."""
    import time

    now, monotonic = timezone.now, time.monotonic

    def sleeps() -> None:
        by = timedelta(seconds={"back": -30, "wall": 21, "monotonic": 0}[clock])
        monkeypatch.setattr("django.utils.timezone.now", lambda: now() + by)
        if clock == "monotonic":
            monkeypatch.setattr("jobs.engine.submit.time.monotonic", lambda: monotonic() + 21)

    heard = asleep(service, monkeypatch, sleeps)
    submit.submit(job)
    assert heard == ["held back"]
    assert (fresh(job).state, service.count("submit")) == ("queued", 0)


def test_what_was_sent_with_stands_on_the_attempt(
    job: Job, service: Service, account: Account
) -> None:
    Account.objects.filter(pk=account.pk).update(model_names={"emo-v1": "emo-v1-of-ours"})
    service.key_id = account.keys.get().pk
    visit(job)
    attempt = job.attempts.get()
    assert (attempt.key, attempt.base_url, attempt.model_name, attempt.found) == (
        account.keys.get(),
        service.base_url,
        "emo-v1-of-ours",
        False,
    )


# ── an answer that comes too late ─────────────────────────────────────────────────────────────────


def late(job: Job, service: Service, monkeypatch: pytest.MonkeyPatch, moves: str) -> Job:
    """`job` is sent by a process whose answer comes after another visit has gone on without it."""
    real = service.submit

    def slow(model: Any, body: dict[str, Any], still_timely: Any = None) -> Submitted:
        answer = real(model, body)
        monkeypatch.setattr(service, "submit", real)
        other = fresh(job)
        uncertain.orphan(other)
        if moves != "in doubt":
            Job.objects.filter(pk=job.pk).update(submitting_at=timezone.now() - LONG_AGO, tries=1)
            service.lists = [[]]
            uncertain.settle_uncertain(fresh(job))
        if moves == "sent again":
            submit.submit(fresh(job))
        return answer

    monkeypatch.setattr(service, "submit", slow)
    submit.submit(job)
    return fresh(job)


@pytest.mark.parametrize("moves", ["in doubt", "given back"])
def test_a_late_answer_to_what_was_not_sent_again_is_the_jobs(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch, moves: str
) -> None:
    job = late(job, service, monkeypatch, moves)
    assert (job.state, job.attempt, service.count("submit")) == ("running", 1, 1)
    assert job.task_id == service.tasks_made[0].task_id
    attempt = job.attempts.get()
    assert (attempt.outcome, attempt.ended_at, attempt.task_id) == (
        Outcome.ACCEPTED,
        None,
        job.task_id,
    )


def test_a_second_task_is_canceled_while_that_is_free(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = late(job, service, monkeypatch, "sent again")
    second, first = (line.task_id for line in service.tasks_made)
    assert (job.state, job.attempt, job.task_id) == ("running", 2, first)
    assert ("cancel", second) in service.asked
    attempt = job.attempts.get(number=1)
    assert (attempt.outcome, attempt.task_id) == (Outcome.ENDED, second)
    assert "canceled before it began" in job.events.last().text
    assert late_videos.settle() == 0


def test_a_second_task_that_had_begun_is_followed_booked_and_told(
    job: Job,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    letters: list[str],
) -> None:
    service.cancels = [NoAnswer("ReadTimeout"), False]
    job = late(job, service, monkeypatch, "sent again")
    assert job.attempts.get(number=1).outcome == Outcome.LATE, "it is kept until it is settled"
    assert late_videos.settle() == 1
    assert late_videos.settle() == 0
    second = Job.objects.exclude(pk=job.pk).get()
    assert (second.state, second.task_id) == ("running", service.tasks_made[0].task_id)
    assert [row.asset for row in second.inputs.order_by("name")] == [
        row.asset for row in job.inputs.order_by("name")
    ]
    assert letters == [f"“{job.title}” was made twice"]
    service.gets = [done(second.task_id, 4.0)]
    poll.look(second)
    assert (second.state, second.settled_micros) == ("archiving", 45_876)
    assert budget.status(job.team).settled == 45_876
    assert budget.status(job.team).held == 45_876, "of the first"


def test_a_late_task_that_nobody_can_cancel_is_followed_after_a_while(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.cancels = [NoAnswer("ReadTimeout")] * 5
    job = late(job, service, monkeypatch, "sent again")
    assert late_videos.settle() == 0
    Attempt.objects.filter(number=1).update(began_at=timezone.now() - late_videos.PATIENCE)
    assert late_videos.settle() == 1


# ── the answer comes when another task was found for the job ──────────────────────────────────────


def found_another(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch, seconds: float | None
) -> Submitted:
    """`job` is sent; before its answer comes, a task of somebody else is found for it in the list,
    and has ended with a video of `seconds` unless that is None. Returns the answer."""
    real = service.submit

    def slow(model: Any, body: dict[str, Any], still_timely: Any = None) -> Submitted:
        monkeypatch.setattr(service, "submit", real)
        uncertain.orphan(fresh(job))
        service.lists = [[service.made(at=timezone.now())]]
        uncertain.settle_uncertain(fresh(job))
        if seconds is not None:
            service.gets = [done(fresh(job).task_id, seconds)]
            poll.look(fresh(job))
        return real(model, body)

    monkeypatch.setattr(service, "submit", slow)
    submit.submit(job)
    answer = service.tasks_made[1]
    return Submitted(answer.task_id, "PENDING", "")


def test_the_answer_counts_more_than_what_was_found_in_the_list(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = found_another(job, service, monkeypatch, None)
    another = service.tasks_made[0].task_id
    job = fresh(job)
    attempt = job.attempts.get()
    assert (job.state, job.task_id) == ("running", answer.task_id)
    assert (attempt.task_id, attempt.outcome, attempt.found) == (
        answer.task_id,
        Outcome.ACCEPTED,
        False,
    )
    assert another in job.events.last().text
    assert service.count("cancel") == 0
    assert uncertain.known_tasks([another]) == set(), "whose it is may adopt it"


@pytest.mark.parametrize("by_round", [False, True])
@pytest.mark.parametrize("said", ["SUCCEEDED", "FAILED", "CANCELED", "RUNNING", "no answer"])
def test_a_look_at_the_found_task_says_nothing_of_the_one_that_answered(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch, said: str, by_round: bool
) -> None:
    """The service is asked about the task that was found; the answer of the job's own task comes
    before what was said is written down."""
    before: list[Job] = []
    real_settle = uncertain.settle_uncertain
    monkeypatch.setattr(
        uncertain, "settle_uncertain", lambda row: (real_settle(row), before.append(fresh(row)))
    )
    answer = found_another(job, service, monkeypatch, None)
    (seen,) = before
    own = fresh(job)
    assert (seen.attempt, seen.state) == (own.attempt, own.state), "only the task tells them apart"
    word: Task | WireError = (
        NoAnswer()
        if said == "no answer"
        else task(seen.task_id, said, scheduled_time=timezone.now())
    )
    if said == "SUCCEEDED":
        word = done(seen.task_id, job.seconds)
    if by_round and isinstance(word, Task):
        seen.provider_status = word.status
        columns = poll.nothing_new(seen, word, timezone.now())
        if columns is not None:
            lane_round._write([lane_round.row_of(seen, columns)], [NO_LANE])
    else:
        with suppress(Moved):
            poll.take_in(seen, word)
    job = fresh(job)
    assert (job.state, job.task_id) == ("running", answer.task_id)
    assert (job.provider_status, job.provider_started_at, job.looks) == ("PENDING", None, 0)


def test_a_late_task_is_followed_though_its_job_ends_before(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch, letters: list[str]
) -> None:
    service.cancels = [NoAnswer("ReadTimeout"), False]
    answer = found_another(job, service, monkeypatch, job.seconds)
    job = fresh(job)
    assert job.state == "archiving", "what was found is booked and brought home"
    transitions.fail(job, "film-lost", NoAnswer(), outcome=Outcome.ENDED)
    assert late_videos.settle() == 1
    assert Job.objects.get(task_id=answer.task_id).state == "running"
