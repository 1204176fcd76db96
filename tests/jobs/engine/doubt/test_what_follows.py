"""What ends doubt, and what begins it: a person's word, a job that is sent again with or without
its template, a found task that may be another's."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from jobs.billing import budget
from jobs.common.errors import Moved
from jobs.common.states import Code, Group, Outcome, State
from jobs.engine import listed_tasks, retry, uncertain
from jobs.models import Account, Job
from studio.common.translatable import phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns

pytestmark = pytest.mark.django_db
DANCE, MAKER = "animate-anyone-gen2", "animate-anyone-template-gen2"


@pytest.fixture
def job(team: Team, creator: User, account: Account, noon: datetime) -> Job:
    made = makers.job(
        team,
        creator,
        state=State.UNCERTAIN,
        code=Code.SEVERAL_TASKS,
        attempt=2,
        submitting_at=noon - timedelta(minutes=5),
        tries=4,
    )
    made.attempts.create(number=1, began_at=noon, task_id="task-old", outcome=Outcome.BROKEN)
    made.attempts.create(number=2, began_at=noon, outcome=Outcome.UNCERTAIN)
    return made


def woken(job: Job) -> int:
    job.lane.refresh_from_db()
    return int(job.lane.wakeups)


# ── a person's word ───────────────────────────────────────────────────────────────────────────────


def test_a_person_chooses_the_task(job: Job, owner: User, noon: datetime) -> None:
    uncertain.decide_uncertain(job, "task-1", owner)
    assert (job.state, job.task_id, job.request_id) == (State.RUNNING, "task-1", "")
    assert (job.provider_status, job.submitted_at) == ("PENDING", noon - timedelta(minutes=5))
    attempt = job.attempts.get(number=2)
    assert (attempt.outcome, attempt.found, attempt.task_id) == (Outcome.CHOSEN, True, "task-1")
    assert f"{owner} chose task task-1" in job.events.get().text
    assert woken(job) == 1


@pytest.mark.parametrize("whose", ["job", "attempt"])
def test_a_person_cannot_choose_what_is_anothers(
    job: Job, owner: User, creator: User, whose: str
) -> None:
    other = makers.job(job.team, creator, state=State.RUNNING, attempt=1)
    if whose == "job":
        Job.objects.filter(pk=other.pk).update(task_id="task-1")
    else:
        other.attempts.create(number=1, began_at=other.created_at, task_id="task-1")
    before = columns(job)
    with pytest.raises(Moved, match="task-1 belongs to another job"):
        uncertain.decide_uncertain(job, "task-1", owner)
    assert (changed(before, job), woken(job)) == ({}, 0)


def test_a_person_says_that_none_was_made(job: Job, owner: User, noon: datetime) -> None:
    before = columns(job)
    uncertain.decide_uncertain(job, "", owner)
    assert changed(before, job) == {
        "state": State.QUEUED,
        "code": Code.WAITING_TURN,
        "group": Group.WAITING,
        "tries": 0,
    }
    attempt = job.attempts.get(number=2)
    assert (attempt.outcome, attempt.ended_at) == (Outcome.NO_TASK, noon)
    assert f"{owner} decided that no task was made" in job.events.get().text
    assert woken(job) == 1


# ── sent again ────────────────────────────────────────────────────────────────────────────────────


def dance(job: Job, maker: Job, **fields: object) -> Job:
    return makers.job(
        job.team,
        job.owner,
        DANCE,
        State.UNCERTAIN,
        job.account,
        code=Code.SEVERAL_TASKS,
        attempt=1,
        needs=maker,
        **fields,
    )


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_a_dance_waits_again_for_a_template_that_is_being_made(
    job: Job, owner: User, state: State
) -> None:
    """Only after a restore: what was sent had its template."""
    made = dance(job, makers.job(job.team, job.owner, MAKER, state, job.account))
    uncertain.decide_uncertain(made, "", owner)
    made.refresh_from_db()
    assert (made.state, made.code, made.template_id) == (State.QUEUED, Code.NEEDS_TEMPLATE, None)


def test_a_dance_takes_the_template_that_was_made_meanwhile(job: Job, owner: User) -> None:
    template = makers.template(job.team, job.account)
    maker = makers.job(job.team, job.owner, MAKER, State.SUCCEEDED, job.account, template=template)
    made = dance(job, maker)
    uncertain.decide_uncertain(made, "", owner)
    made.refresh_from_db()
    assert (made.state, made.code, made.template_id) == (
        State.QUEUED,
        Code.WAITING_TURN,
        template.pk,
    )


def test_a_dance_keeps_the_template_that_it_was_sent_with(job: Job, owner: User) -> None:
    """Whatever became of the job that made it."""
    template = makers.template(job.team, job.account)
    maker = makers.job(job.team, job.owner, MAKER, State.FAILED, job.account)
    made = dance(job, maker, template=template)
    uncertain.decide_uncertain(made, "", owner)
    made.refresh_from_db()
    assert (made.state, made.code, made.template_id) == (
        State.QUEUED,
        Code.WAITING_TURN,
        template.pk,
    )


def test_a_dance_whose_template_failed_fails_and_costs_nothing(job: Job, owner: User) -> None:
    why = phrase("The video is too dark.")
    maker = makers.job(job.team, job.owner, MAKER, State.FAILED, job.account, sentence=why)
    made = dance(job, maker)
    held = budget.status(job.team).held
    uncertain.decide_uncertain(made, "", owner)
    made.refresh_from_db()
    assert (made.state, made.code) == (State.FAILED, Code.NO_TEMPLATE)
    assert str(made.sentence).endswith("The video is too dark.")
    assert budget.status(job.team).held == held - made.quote_micros
    assert str(made.ledger.get(kind="release").note) == "Nothing was produced."


# ── doubt begins ──────────────────────────────────────────────────────────────────────────────────


def test_a_worker_that_died_while_sending_leaves_doubt(job: Job, noon: datetime) -> None:
    Job.objects.filter(pk=job.pk).update(state=State.SUBMITTING, code="")
    job.refresh_from_db()
    uncertain.orphan(job)
    assert (job.state, job.code) == (State.UNCERTAIN, Code.NO_ANSWER)
    assert job.not_before == noon + timedelta(seconds=retry.FIRST_LIST)
    assert "the worker ended while sending" in job.events.get().data["error"]


def test_a_found_task_that_may_be_anothers_is_let_go(
    job: Job, team: Team, creator: User, noon: datetime
) -> None:
    """Nothing of it stays, nothing is booked, and whose it is may adopt it."""
    found = makers.job(
        team,
        creator,
        state=State.RUNNING,
        attempt=2,
        task_id="task-1",
        request_id="r-1",
        provider_status="RUNNING",
        provider_started_at=noon,
        provider_ended_at=noon,
        submitted_at=noon,
        next_look_at=noon,
        not_before=noon,
        tries=2,
    )
    found.attempts.create(number=1, began_at=noon, task_id="task-0", request_id="r-0")
    found.attempts.create(number=2, began_at=noon, task_id="task-1", request_id="r-1", found=True)
    rows = [columns(found), columns(found.attempts.get(number=1)), columns(job)]
    uncertain.doubt_adopted(found, phrase("It is billed like another."))
    assert changed(rows[0], found) == {
        "state": State.UNCERTAIN,
        "code": Code.SEVERAL_TASKS,
        "group": Group.ATTENTION,
        "task_id": "",
        "request_id": "",
        "provider_status": "",
        "provider_started_at": None,
        "provider_ended_at": None,
        "submitted_at": None,
        "next_look_at": None,
        "not_before": None,
        "tries": 0,
    }
    attempt = found.attempts.get(number=2)
    assert (attempt.task_id, attempt.request_id) == ("", "")
    assert (attempt.outcome, attempt.ended_at) == (Outcome.UNCERTAIN, None)
    assert changed(rows[1], found.attempts.get(number=1)) == {}
    assert changed(rows[2], job) == {}
    assert str(found.events.get().text) == "It is billed like another."
    assert listed_tasks.candidates(found) == ["task-1"]
    assert uncertain.known_tasks(["task-1", "task-0", "task-old", "task-x"]) == {
        "task-0",
        "task-old",
    }
    assert list(found.ledger.values_list("kind", flat=True)) == ["hold"]
