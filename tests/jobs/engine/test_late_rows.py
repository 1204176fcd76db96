"""An answer that came late, and a late task: what is written of each, and what is asked of the
service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from jobs.accounts import clients
from jobs.accounts.clients import NoKey
from jobs.common.states import OPEN, TERMINAL, Code, Outcome, State
from jobs.engine import late_answers
from jobs.models import Account, Attempt, Job
from jobs.modelstudio import NoAnswer, Submitted
from studio.common.translatable import phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns
from tests.service import Service

pytestmark = pytest.mark.django_db
ANSWER = Submitted("task-late", "PENDING", "r" * 90)


def stale(
    team: Team, creator: User, state: State, *, attempt: int = 1, found: bool = False, **fields: Any
) -> Job:
    """The job as the process that slept knows it, at its first attempt; its row is at `attempt` and
    in `state`."""
    job = makers.job(team, creator, state=State.SUBMITTING, attempt=1)
    for number in range(1, attempt + 1):
        job.attempts.create(number=number, began_at=job.created_at, found=found)
    Job.objects.filter(pk=job.pk).update(state=state, attempt=attempt, **fields)
    return job


@pytest.mark.parametrize("state", [State.UNCERTAIN, State.QUEUED])
def test_what_was_not_sent_again_takes_its_late_answer(
    team: Team, creator: User, service: Service, noon: datetime, state: State
) -> None:
    job = stale(team, creator, state)
    late_answers.take(job, ANSWER)
    job.refresh_from_db()
    assert (job.state, job.task_id) == (State.RUNNING, "task-late")
    assert str(job.events.get().text) == "The answer came late; it is this job’s"
    attempt = job.attempts.get()
    assert (attempt.outcome, attempt.task_id) == (Outcome.ACCEPTED, "task-late")
    assert service.asked == []


@pytest.mark.parametrize(("found", "own"), [(True, True), (False, False)])
def test_a_late_answer_replaces_only_what_was_found(
    team: Team, creator: User, service: Service, found: bool, own: bool
) -> None:
    job = stale(team, creator, State.RUNNING, found=found, task_id="task-found")
    late_answers.take(job, ANSWER)
    job.refresh_from_db()
    assert job.task_id == ("task-late" if own else "task-found")
    assert ("task-found" in job.events.first().text) is own
    assert service.count("cancel") == (0 if own else 1)


@pytest.mark.parametrize(
    ("state", "attempt"),
    [(state, 2) for state in OPEN if state is not State.QUEUED]
    + [(State.QUEUED, 2), (State.ARCHIVING, 1), (State.SUBMITTING, 2)]
    + [(state, 1) for state in sorted(TERMINAL)],
)
def test_otherwise_it_is_one_task_too_many(
    team: Team, creator: User, service: Service, noon: datetime, state: State, attempt: int
) -> None:
    """Written down before anything is asked, and canceled while that is free."""
    job = stale(team, creator, state, attempt=attempt, found=True, code=Code.NONE)
    before = columns(job)
    service.cancels = [NoAnswer(message="cut")]
    late_answers.take(job, ANSWER)
    assert changed(before, job) == {}
    late = columns(job.attempts.get(number=1))
    assert {name: late[name] for name in ("task_id", "request_id", "outcome", "ended_at")} == {
        "task_id": "task-late",
        "request_id": "r" * 80,
        "outcome": Outcome.LATE,
        "ended_at": None,
    }
    assert job.attempts.filter(task_id="task-late").count() == 1
    event = job.events.get()
    assert (event.old, event.new, event.data) == ("", state, {"task_id": "task-late"})
    assert "attempt 1" in event.text
    assert service.asked == [("cancel", "task-late")]


@pytest.mark.parametrize("whose", ["attempt", "job"])
def test_a_task_that_somebody_has_by_now_is_left_alone(
    team: Team, creator: User, service: Service, whose: str
) -> None:
    other = makers.job(team, creator, state=State.RUNNING, attempt=1)
    if whose == "attempt":
        other.attempts.create(number=1, began_at=other.created_at, task_id="task-late")
    else:
        Job.objects.filter(pk=other.pk).update(task_id="task-late")
    job = stale(team, creator, State.UNCERTAIN)
    late_answers.take(job, ANSWER)
    job.refresh_from_db()
    assert job.task_id == ""
    assert Job.objects.get(pk=other.pk).state == State.RUNNING
    if whose == "attempt":
        assert (service.asked, job.events.count()) == ([], 0)


# ── canceled ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def late(team: Team, creator: User, account: Account, noon: datetime) -> Attempt:
    job = makers.job(team, creator, state=State.RUNNING, attempt=2, code="x", task_id="task-2")
    job.attempts.create(number=2, began_at=noon, task_id="task-2", outcome=Outcome.ACCEPTED)
    return job.attempts.create(number=1, began_at=noon, task_id="task-1", outcome=Outcome.LATE)


@pytest.mark.parametrize(
    ("answer", "said", "ended"),
    [(True, True, True), (False, False, False), (NoAnswer(message="cut"), None, False)],
)
def test_a_late_task_ends_when_the_service_cancels_it(
    late: Attempt, service: Service, noon: datetime, answer: Any, said: bool | None, ended: bool
) -> None:
    service.cancels = [answer]
    before, other = columns(late), columns(late.job.attempts.get(number=2))
    assert late_answers.cancel(late) is said
    assert service.asked == [("cancel", "task-1")]
    assert service.paces == [(late.job.account.root_id, "cancel")]
    expected = {"outcome": Outcome.ENDED, "ended_at": noon} if ended else {}
    assert changed(before, late) == expected
    assert changed(other, late.job.attempts.get(number=2)) == {}
    assert late.job.events.count() == (1 if ended else 0)
    if ended:
        event = late.job.events.get()
        assert (event.old, event.new, event.code) == ("", State.RUNNING, "x")
        assert event.data == {"task_id": "task-1"}


def test_without_its_key_nobody_knows_yet(
    late: Attempt, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(attempt: Attempt) -> Any:
        raise NoKey(phrase("The key is gone."))

    monkeypatch.setattr(clients, "sent_with", gone)
    assert late_answers.cancel(late) is None


def test_a_late_task_ends_once(late: Attempt) -> None:
    for _ in range(2):
        late_answers.ended(late, phrase("It is over"))
    assert late.job.events.count() == 1
