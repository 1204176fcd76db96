"""The one move: what it writes of the job, its attempt and its history, and when it writes
nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.common.errors import Moved
from jobs.common.states import MOVES, Code, Group, Outcome, State
from jobs.engine import transitions
from jobs.models import Attempt, Job, JobEvent, Lane
from studio.common.translatable import phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns

pytestmark = pytest.mark.django_db
TEXT = phrase("Something happened")


@pytest.fixture
def job(team: Team, creator: User) -> Job:
    return makers.job(team, creator)


def attempt_of(job: Job, number: int = 1, **fields: Any) -> Attempt:
    values = {"began_at": job.created_at, **fields}
    return Attempt.objects.create(job=job, number=number, **values)


# ── the row ───────────────────────────────────────────────────────────────────────────────────────


def test_a_move_writes_what_it_was_given_and_nothing_else(job: Job, noon: datetime) -> None:
    before = columns(job)
    transitions.move(job, State.QUEUED, TEXT, code=Code.ACCOUNT_PAUSED, tries=3)
    assert changed(before, job) == {
        "code": Code.ACCOUNT_PAUSED,
        "group": Group.ATTENTION,
        "tries": 3,
    }
    assert (job.code, job.group, job.tries) == (Code.ACCOUNT_PAUSED, Group.ATTENTION, 3)


def test_the_object_shows_what_the_row_has(job: Job, noon: datetime) -> None:
    transitions.move(job, State.SUBMITTING, TEXT, code="x", attempt=4, submitting_at=noon, tries=2)
    for name, value in columns(job).items():
        assert getattr(job, name) == value, name
    assert (job.state, job.group, job.attempt) == (State.SUBMITTING, Group.WORKING, 4)


@pytest.mark.parametrize("new", [State.FAILED, State.CANCELED])
def test_an_end_has_its_time_and_no_next_one(job: Job, noon: datetime, new: State) -> None:
    Job.objects.filter(pk=job.pk).update(not_before=noon)
    before = columns(job)
    transitions.move(job, new, TEXT)
    assert changed(before, job) == {
        "state": new,
        "group": Group.FAILED if new is State.FAILED else Group.CANCELED,
        "finished_at": noon,
        "not_before": None,
    }
    assert (job.finished_at, job.not_before) == (noon, None)


def test_an_end_may_name_its_time(job: Job, noon: datetime) -> None:
    earlier = noon - timedelta(hours=1)
    transitions.move(job, State.FAILED, TEXT, finished_at=earlier, not_before=noon)
    job.refresh_from_db()
    assert (job.finished_at, job.not_before) == (earlier, noon)


def test_what_goes_on_has_no_end(job: Job, noon: datetime) -> None:
    Job.objects.filter(pk=job.pk).update(not_before=noon)
    transitions.move(job, State.QUEUED, TEXT)
    job.refresh_from_db()
    assert (job.finished_at, job.not_before) == (None, noon)


def test_no_job_makes_a_move_that_is_not_in_the_table(team: Team, creator: User) -> None:
    account = makers.account(team)
    for old in State:
        for new in set(State) - MOVES[old] - {old}:
            job = makers.job(team, creator, state=old, account=account)
            before = columns(job)
            with pytest.raises(ValueError, match=f"{old} never becomes {new}"):
                transitions.move(job, new, TEXT)
            assert changed(before, job) == {}


@pytest.mark.parametrize("stale", [{"state": State.RUNNING}, {"attempt": 2}])
def test_who_looks_at_an_older_row_changes_nothing(job: Job, stale: dict[str, Any]) -> None:
    Job.objects.filter(pk=job.pk).update(**stale)
    row, shown = columns(job), dict(vars(job))
    done: list[str] = []
    with pytest.raises(Moved, match=f"{job.public_id} is no longer queued"):
        transitions.move(
            job, State.FAILED, TEXT, code=Code.REJECTED, then=lambda: done.append("then")
        )
    assert (changed(row, job), done, job.events.count()) == ({}, [], 0)
    assert vars(job) == shown


def test_a_step_that_fails_takes_the_move_back(job: Job, noon: datetime) -> None:
    attempt = attempt_of(job, 0)
    row, kept = columns(job), columns(attempt)

    def then() -> None:
        assert Job.objects.get(pk=job.pk).state == State.FAILED, "the move is written first"
        raise RuntimeError("the money could not be written")

    with pytest.raises(RuntimeError):
        transitions.move(job, State.FAILED, TEXT, then=then)
    assert (changed(row, job), changed(kept, attempt), job.events.count()) == ({}, {}, 0)
    assert job.state == State.QUEUED


# ── the attempt ───────────────────────────────────────────────────────────────────────────────────

OVER = {
    Outcome.REFUSED,
    Outcome.NO_TASK,
    Outcome.BROKEN,
    Outcome.UNFETCHED,
    Outcome.DONE,
    Outcome.ENDED,
}
FOUND = {Outcome.ADOPTED, Outcome.CHOSEN}


@pytest.mark.parametrize(
    "outcome", [one for one in Outcome if one not in (Outcome.SENDING, Outcome.LATE)]
)
def test_an_attempt_keeps_what_became_of_it(
    team: Team, creator: User, noon: datetime, outcome: Outcome
) -> None:
    """Only what is over has an end, and only what no answer named was found."""
    job = makers.job(team, creator, state=State.SUBMITTING, attempt=2)
    earlier, attempt = attempt_of(job, 1), attempt_of(job, 2)
    before, untouched = columns(attempt), columns(earlier)
    transitions.move(job, State.RUNNING, TEXT, outcome=outcome, task_id="t-1", request_id="r-1")
    expected: dict[str, Any] = {"outcome": outcome, "task_id": "t-1", "request_id": "r-1"}
    if outcome in OVER:
        expected["ended_at"] = noon
    if outcome in FOUND:
        expected["found"] = True
    assert changed(before, attempt) == expected
    assert changed(untouched, earlier) == {}


def test_an_answer_that_came_late_opens_its_attempt_again(
    team: Team, creator: User, noon: datetime
) -> None:
    job = makers.job(team, creator, state=State.UNCERTAIN, attempt=1)
    attempt = attempt_of(job, ended_at=noon, found=True, outcome=Outcome.NO_TASK)
    transitions.move(job, State.RUNNING, TEXT, outcome=Outcome.ACCEPTED, task_id="t-1")
    attempt.refresh_from_db()
    assert (attempt.ended_at, attempt.found, attempt.task_id) == (None, False, "t-1")


def test_the_task_of_an_attempt_is_never_forgotten(team: Team, creator: User) -> None:
    """The job goes on to another one; the row remembers."""
    job = makers.job(team, creator, state=State.RUNNING, attempt=1, task_id="t-1")
    attempt = attempt_of(job, task_id="t-1", request_id="r-1")
    transitions.move(job, State.QUEUED, TEXT, outcome=Outcome.BROKEN, task_id="", request_id="")
    attempt.refresh_from_db()
    assert (attempt.task_id, attempt.request_id) == ("t-1", "r-1")


def test_a_late_task_is_not_ended_with_its_job(team: Team, creator: User) -> None:
    job = makers.job(team, creator, state=State.RUNNING, attempt=1)
    late = attempt_of(job, outcome=Outcome.LATE, task_id="t-late")
    before = columns(late)
    transitions.move(job, State.FAILED, TEXT)
    assert changed(before, late) == {}


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        (State.ARCHIVING, State.SUCCEEDED, Outcome.DONE),
        (State.RUNNING, State.FAILED, Outcome.ENDED),
        (State.RUNNING, State.CANCELED, Outcome.ENDED),
    ],
)
def test_the_end_of_a_job_is_that_of_its_attempt(
    team: Team, creator: User, noon: datetime, old: State, new: State, outcome: Outcome
) -> None:
    job = makers.job(team, creator, state=old, attempt=1)
    attempt = attempt_of(job, task_id="t-1")
    before = columns(attempt)
    transitions.move(job, new, TEXT)
    assert changed(before, attempt) == {"outcome": outcome, "ended_at": noon}


def test_an_outcome_that_is_said_stands_at_the_end(team: Team, creator: User) -> None:
    job = makers.job(team, creator, state=State.SUBMITTING, attempt=1)
    attempt = attempt_of(job)
    transitions.move(job, State.FAILED, TEXT, outcome=Outcome.REFUSED)
    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.REFUSED


def test_an_intent_is_a_new_attempt_with_what_it_is_sent_with(
    job: Job,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    remembered: list[int] = []
    monkeypatch.setattr("jobs.engine.restored.remember", remembered.append)
    begins = Attempt(base_url="https://a.test", workspace="w", model_name="m")
    with django_capture_on_commit_callbacks(execute=True):
        transitions.move(
            job,
            State.SUBMITTING,
            TEXT,
            outcome=Outcome.SENDING,
            begins=begins,
            attempt=1,
            submitting_at=noon,
        )
        assert remembered == [], "only what is committed is there after a restore"
    attempt = job.attempts.get()
    assert remembered == [attempt.pk]
    assert (attempt.number, attempt.began_at, attempt.ended_at) == (1, noon, None)
    assert (attempt.base_url, attempt.workspace, attempt.model_name) == ("https://a.test", "w", "m")
    assert (attempt.outcome, attempt.task_id) == (Outcome.SENDING, "")


# ── the history ───────────────────────────────────────────────────────────────────────────────────


def test_a_move_is_an_event(job: Job) -> None:
    transitions.move(job, State.SUBMITTING, TEXT, code="c", data={"a": 1})
    event = job.events.get()
    assert (event.team_id, event.old, event.new) == (job.team_id, "queued", "submitting")
    assert (event.code, str(event.text), event.data) == ("c", "Something happened", {"a": 1})


def test_what_only_waits_anew_comes_from_no_other_state(job: Job) -> None:
    transitions.move(job, State.QUEUED, TEXT)
    event = job.events.get()
    assert (event.old, event.new, event.code, event.data) == ("", "queued", "", {})


def test_open_pages_are_told_after_the_commit(
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr("jobs.common.wakeup.publish", lambda slug, what: told.append((slug, what)))
    with django_capture_on_commit_callbacks(execute=True):
        transitions.move(job, State.QUEUED, TEXT, code=Code.OVER_BUDGET)
        assert told == []
    message = {
        "id": JobEvent.objects.get().pk,
        "job": job.public_id,
        "state": "queued",
        "group": int(Group.ATTENTION),
    }
    assert told == [("north", message)]
    assert type(told[0][1]["state"]) is str
    assert type(told[0][1]["group"]) is int


# ── lanes ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_lane_is_woken_once_however_often_it_is_named(
    team: Team, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = makers.account(team)
    one, two, other = (
        Lane.objects.create(account=account, model=name, wakeups=5)
        for name in ("emo-v1", "animate-anyone-gen2", "wan2.2-s2v")
    )
    woken: list[str] = []
    monkeypatch.setattr(
        "jobs.common.wakeup.wake_dispatcher_after_commit", lambda: woken.append("dispatcher")
    )
    before = columns(other)
    transitions.wake_lanes([two.pk, one.pk, two.pk])
    for lane in (one, two):
        lane.refresh_from_db()
        assert (lane.wakeups, lane.next_visit_at) == (6, noon)
    assert changed(before, other) == {}
    assert woken == ["dispatcher"]
    transitions.wake_lane(other.pk)
    other.refresh_from_db()
    assert (other.wakeups, len(woken)) == (6, 2)


def test_later_is_from_now(noon: datetime) -> None:
    assert transitions.later(90) == noon + timedelta(seconds=90)
