"""What a person is told of the tasks that a job in doubt could have."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from jobs.common.states import Code, State
from jobs.engine import listed_tasks, retry, uncertain
from jobs.models import Account, ApiKey, Job
from jobs.modelstudio import TaskLine
from studio.models import Team, User
from tests import makers
from tests.service import Service

pytestmark = pytest.mark.django_db
INSTANT = timedelta(microseconds=1)


def asked(job: Job, *lines: TaskLine, billed: dict[str, Decimal | None] | None = None) -> Job:
    job.events.create(
        team=job.team,
        new=State.UNCERTAIN,
        code=Code.SEVERAL_TASKS,
        text="…",
        data=listed_tasks.noted(lines, billed),
    )
    return job


@pytest.fixture
def doubtful(team: Team, creator: User, account: Account, noon: datetime) -> Job:
    return makers.job(
        team,
        creator,
        state=State.UNCERTAIN,
        code=Code.SEVERAL_TASKS,
        account=account,
        submitting_at=noon,
        attempt=1,
    )


def test_what_the_list_said_is_told(doubtful: Job, service: Service, noon: datetime) -> None:
    ApiKey.objects.update(service_id="1250")
    waits = replace(service.made(at=noon), api_key_id="9")
    ended = replace(
        service.made(at=noon),
        status="SUCCEEDED",
        ended_at=noon + timedelta(seconds=98),
        api_key_id="1250",
    )
    asked(doubtful, waits, ended, billed={ended.task_id: Decimal("13.93"), waits.task_id: None})
    one, two = listed_tasks.to_choose(doubtful)
    assert (one.task_id, one.model_name, one.status) == (waits.task_id, "emo-v1", "PENDING")
    assert (one.created_at, one.ended_at, one.seconds, one.billed) == (noon, None, None, None)
    assert (one.key_name, one.key) == ("9", None)
    assert (two.status, two.seconds, two.billed) == ("SUCCEEDED", 98, Decimal("13.93"))
    assert (two.key_name, two.key) == ("1250", ApiKey.objects.get())


def test_a_key_of_another_team_is_not_named(
    doubtful: Job, service: Service, noon: datetime, stranger: User
) -> None:
    ApiKey.objects.update(service_id="1250")
    elsewhere = Team.start("Elsewhere", stranger)
    ApiKey.objects.update(account=makers.account(elsewhere, key="sk-test-0002"))
    asked(doubtful, replace(service.made(at=noon), api_key_id="1250"))
    assert listed_tasks.to_choose(doubtful)[0].key is None


def test_an_older_question_without_facts_names_its_tasks(doubtful: Job) -> None:
    doubtful.events.create(
        team=doubtful.team,
        new="",
        code=Code.SEVERAL_TASKS,
        text="…",
        data={"candidates": ["task-1"]},
    )
    (task,) = listed_tasks.to_choose(doubtful)
    assert (task.task_id, task.created_at, task.seconds, task.rivals) == ("task-1", None, None, [])


def test_what_was_heard_at_an_earlier_question_stays(
    doubtful: Job, service: Service, noon: datetime
) -> None:
    """As when the task that was chosen broke, and one of the others may be the one."""
    first, second = service.made(at=noon), service.made(at=noon)
    asked(doubtful, first, second)
    doubtful.events.create(
        team=doubtful.team,
        new="",
        code=Code.SEVERAL_TASKS,
        text="…",
        data={"candidates": [second.task_id]},
    )
    (task,) = listed_tasks.to_choose(doubtful)
    assert (task.task_id, task.created_at) == (second.task_id, noon)


def test_the_list_is_noted_when_a_person_is_asked(
    doubtful: Job, service: Service, noon: datetime
) -> None:
    Job.objects.filter(pk=doubtful.pk).update(
        code=Code.NO_ANSWER, tries=1, submitting_at=noon - retry.WINDOW
    )
    doubtful.refresh_from_db()
    doubtful.attempts.create(number=1, began_at=noon - retry.WINDOW, outcome="uncertain")
    lines = [service.made(at=noon) for _ in range(listed_tasks.MOST + 2)]
    uncertain.settle_uncertain(doubtful)
    found = listed_tasks.to_choose(Job.objects.get(pk=doubtful.pk))
    assert [task.task_id for task in found] == [line.task_id for line in lines[:20]]
    assert {(task.created_at, task.model_name) for task in found} == {(noon, "emo-v1")}


# ── other jobs ────────────────────────────────────────────────────────────────────────────────────


def other(doubtful: Job, code: str = Code.NO_ANSWER, **fields: object) -> Job:
    values = {"state": State.UNCERTAIN, "submitting_at": doubtful.submitting_at} | fields
    return makers.job(doubtful.team, doubtful.owner, account=doubtful.account, code=code, **values)


def test_a_job_that_is_asked_about_the_same_task_is_named(
    doubtful: Job, service: Service, noon: datetime
) -> None:
    one, two = service.made(at=noon), service.made(at=noon)
    asked(doubtful, one, two)
    rival = other(doubtful, Code.SEVERAL_TASKS)
    asked(rival, two)
    settled = other(doubtful, Code.SEVERAL_TASKS)
    asked(settled, two)
    asked(settled)  # the last question counts
    told = {task.task_id: task.rivals for task in listed_tasks.to_choose(doubtful)}
    assert told == {one.task_id: [], two.task_id: [rival]}


@pytest.mark.parametrize(
    ("off", "may_be"),
    [
        (retry.MAX_CLOCK_SKEW, True),
        (-retry.MAX_CLOCK_SKEW, True),
        (retry.MAX_CLOCK_SKEW + INSTANT, False),
        (-retry.MAX_CLOCK_SKEW - INSTANT, False),
    ],
)
def test_a_job_that_is_still_looked_for_may_have_what_was_made_about_then(
    doubtful: Job, service: Service, noon: datetime, off: timedelta, may_be: bool
) -> None:
    asked(doubtful, service.made(at=noon))
    rival = other(doubtful, submitting_at=noon + off)
    (task,) = listed_tasks.to_choose(doubtful)
    assert task.rivals == ([rival] if may_be else [])


def test_who_is_sure_of_its_task_or_in_another_lane_is_no_rival(
    doubtful: Job, service: Service, noon: datetime
) -> None:
    asked(doubtful, service.made(at=noon))
    other(doubtful, state=State.RUNNING, task_id="its-own")
    other(doubtful, state=State.QUEUED)
    makers.job(
        doubtful.team,
        doubtful.owner,
        account=makers.account(doubtful.team),
        state=State.UNCERTAIN,
        submitting_at=noon,
    )
    assert listed_tasks.to_choose(doubtful)[0].rivals == []
