"""The task that a person chose ends without a result: another one that they could have chosen may
have been made in its place, and is decided about before anything is sent again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from jobs.common.states import Code, Outcome, State
from jobs.engine import listed_tasks, uncertain
from jobs.engine.transitions import record
from jobs.models import ApiKey, Job
from studio.audit.events import Event
from studio.common.translatable import phrase
from studio.models import AuditEntry, Team, User
from tests import makers
from tests.jobs.rows import changed, columns

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(team: Team, creator: User, owner: User, noon: datetime) -> Job:
    """Of three tasks a person chose the second."""
    made = makers.job(
        team,
        creator,
        state=State.UNCERTAIN,
        code=Code.SEVERAL_TASKS,
        attempt=2,
        submitting_at=noon - timedelta(minutes=5),
    )
    made.attempts.create(number=1, began_at=noon, task_id="task-old", outcome=Outcome.BROKEN)
    made.attempts.create(
        number=2,
        began_at=noon - timedelta(minutes=5),
        outcome=Outcome.UNCERTAIN,
        key=ApiKey.objects.get(account=made.account),
        base_url="https://one.example/api/v1",
        workspace="ws-1",
        model_name="emo-mine",
    )
    asked = {"candidates": ["task-1", "task-2", "task-3"]}
    record(made, "", State.UNCERTAIN, phrase("Several"), Code.SEVERAL_TASKS, asked)
    uncertain.decide_uncertain(made, "task-2", owner)
    return made


def test_the_others_are_decided_about(job: Job, noon: datetime) -> None:
    assert uncertain.doubt_chosen(job)
    job.refresh_from_db()
    assert (job.state, job.code) == (State.UNCERTAIN, Code.SEVERAL_TASKS)
    assert (job.attempt, job.task_id) == (3, "")
    assert listed_tasks.candidates(job) == ["task-1", "task-3"]
    said = job.events.last().text
    assert "Task task-2 ended without a result" in said
    old, new = job.attempts.get(number=2), job.attempts.get(number=3)
    assert (old.outcome, old.ended_at) == (Outcome.ENDED, noon)
    assert job.attempts.get(number=1).outcome == Outcome.BROKEN, "the one before is left alone"
    assert (new.outcome, new.ended_at, new.task_id) == (Outcome.UNCERTAIN, None, "")
    for name in ("key_id", "base_url", "workspace", "model_name", "began_at"):
        assert getattr(new, name) == getattr(old, name), "it is looked for as it was sent"
    assert new.base_url


def test_a_task_of_another_row_is_none_of_them(job: Job, creator: User) -> None:
    other = makers.job(job.team, creator, state=State.RUNNING, attempt=1)
    Job.objects.filter(pk=other.pk).update(task_id="task-1")
    assert uncertain.doubt_chosen(job)
    assert listed_tasks.candidates(job) == ["task-3"]


def test_without_others_there_is_nothing_to_decide(job: Job, creator: User) -> None:
    for task_id in ("task-1", "task-3"):
        other = makers.job(job.team, creator, state=State.RUNNING, attempt=1)
        Job.objects.filter(pk=other.pk).update(task_id=task_id)
    before = columns(job)
    assert not uncertain.doubt_chosen(job)
    assert changed(before, job) == {}
    assert job.attempts.count() == 2


@pytest.mark.parametrize("outcome", [Outcome.ADOPTED, Outcome.ACCEPTED])
def test_what_no_person_chose_is_not_doubted(job: Job, outcome: Outcome) -> None:
    job.attempts.filter(number=2).update(outcome=outcome)
    assert not uncertain.doubt_chosen(job)
    job.attempts.filter(number=1).update(outcome=Outcome.CHOSEN)
    assert not uncertain.doubt_chosen(job), "it was chosen for an attempt before"


@pytest.mark.parametrize("task_id", ["task-9", ""])
def test_a_decision_is_in_the_trail(team: Team, creator: User, owner: User, task_id: str) -> None:
    made = makers.job(
        team, creator, state=State.UNCERTAIN, code=Code.SEVERAL_TASKS, attempt=1, title="Desk"
    )
    made.attempts.create(number=1, began_at=made.created_at, outcome=Outcome.UNCERTAIN)
    uncertain.decide_uncertain(made, task_id, owner)
    told = AuditEntry.objects.get(event=Event.JOB_DECIDED)
    assert (told.team_id, told.by_id, told.person_id, told.about) == (
        team.pk,
        owner.pk,
        creator.pk,
        "Desk",
    )
    assert told.after == {"task": task_id or None, "sent_again": not task_id}
