"""What an accepted order, and one without an answer, write of their job: all columns, so that
nothing of the task before stays and nothing else is touched."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from jobs.billing import budget
from jobs.common.errors import Moved
from jobs.common.states import Code, Group, Outcome, State
from jobs.engine import eta, retry, speed, submit_outcomes
from jobs.engine.submit_outcomes import Phase, after_error
from jobs.models import Account, Job, Lane
from jobs.modelstudio import (
    NoAnswer,
    Submitted,
)
from studio.common.translatable import phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns

pytestmark = pytest.mark.django_db
HELD = 45_876  # micros of 4 s of emo-v1 at 1:1


# ── accepted ──────────────────────────────────────────────────────────────────────────────────────


def test_an_accepted_order_is_a_task_that_has_not_begun(
    team: Team, creator: User, account: Account, noon: datetime
) -> None:
    """Nothing of a task that was only found for it stays: its time of work would count from the
    beginning of another's."""
    ago = noon - timedelta(minutes=3)
    job = makers.job(
        team,
        creator,
        state=State.UNCERTAIN,
        code=Code.NO_ANSWER,
        attempt=1,
        submitting_at=ago,
        submitted_at=None,
        provider_started_at=ago,
        provider_ended_at=ago,
        looks=7,
        tries=3,
        alarmed=12,
        not_before=noon,
    )
    attempt = job.attempts.create(number=1, began_at=ago, outcome=Outcome.UNCERTAIN)
    before, kept = columns(job), columns(attempt)
    answer = Submitted("task-1", "S" * 50, "r" * 90)
    submit_outcomes.accepted(job, answer, phrase("Accepted"), Outcome.ACCEPTED)
    assert changed(before, job) == {
        "state": State.RUNNING,
        "code": "",
        "group": Group.WORKING,
        "task_id": "task-1",
        "request_id": "r" * 80,
        "provider_status": "S" * 40,
        "provider_started_at": None,
        "provider_ended_at": None,
        "submitted_at": ago,
        "forecast_at_submit": noon + timedelta(seconds=eta.HANDOVER + speed.expected(job)),
        "next_look_at": noon + timedelta(seconds=1),
        "looks": 0,
        "tries": 0,
        "alarmed": 0,
        "not_before": None,
    }
    assert changed(kept, attempt) == {
        "outcome": Outcome.ACCEPTED,
        "task_id": "task-1",
        "request_id": "r" * 80,
    }
    event = job.events.get()
    assert (str(event.text), event.code) == ("Accepted", "")
    assert event.data == {"task_id": "task-1", "request_id": "r" * 90}


def test_the_forecast_counts_what_is_before_it_at_the_service(
    sending: Job, team: Team, creator: User, noon: datetime
) -> None:
    """Not what waits here, nor what is elsewhere."""
    before = makers.job(team, creator, state=State.RUNNING, milliseconds=20_000, submitted_at=noon)
    makers.job(team, creator, state=State.QUEUED)
    makers.job(team, creator, "animate-anyone-gen2", state=State.RUNNING)
    submit_outcomes.accepted(
        sending, Submitted("task-1", "PENDING", ""), phrase("x"), Outcome.ACCEPTED
    )
    seconds = eta.left(before, noon) + eta.HANDOVER + eta.HANDOVER + speed.expected(sending)
    assert sending.forecast_at_submit == noon + timedelta(seconds=seconds)


def test_its_own_earlier_task_is_not_before_it(
    team: Team, creator: User, account: Account, noon: datetime
) -> None:
    """A late answer takes the place of a task that was found for the job."""
    job = makers.job(
        team, creator, state=State.RUNNING, attempt=1, submitting_at=noon, task_id="task-0"
    )
    answer = Submitted("task-1", "PENDING", "")
    submit_outcomes.accepted(job, answer, phrase("x"), Outcome.ACCEPTED)
    alone = noon + timedelta(seconds=eta.HANDOVER + speed.expected(job))
    assert job.forecast_at_submit == alone


def test_a_task_that_another_job_has_is_not_this_ones(
    sending: Job, team: Team, creator: User
) -> None:
    makers.job(team, creator, state=State.RUNNING, task_id="task-1")
    before = columns(sending)
    with pytest.raises(Moved, match="task-1 belongs to another job"):
        submit_outcomes.accepted(
            sending, Submitted("task-1", "PENDING", ""), phrase("x"), Outcome.ACCEPTED
        )
    assert changed(before, sending) == {}


def test_an_accepted_order_makes_account_and_lane_well(sending: Job, noon: datetime) -> None:
    rests = {"paused_until": noon + timedelta(hours=1)}
    Account.objects.update(health="arrears", **rests)
    Lane.objects.update(health="throttled", **rests)
    sending.account.refresh_from_db()
    submit_outcomes.accepted(
        sending, Submitted("task-1", "PENDING", ""), phrase("x"), Outcome.ACCEPTED
    )
    assert Account.objects.get().health == "ok"
    assert (Lane.objects.get().health, Lane.objects.get().paused_until) == ("ok", None)


# ── no answer ─────────────────────────────────────────────────────────────────────────────────────


def test_no_answer_is_doubt_and_nothing_is_given_back(sending: Job, noon: datetime) -> None:
    before = columns(sending)
    after_error(sending, Phase.SEND, NoAnswer(message="x" * 300))
    assert changed(before, sending) == {
        "state": State.UNCERTAIN,
        "code": Code.NO_ANSWER,
        "group": Group.ATTENTION,
        "not_before": noon + timedelta(seconds=retry.FIRST_LIST),
        "tries": 0,
    }
    attempt = sending.attempts.get()
    assert (attempt.outcome, attempt.ended_at) == (Outcome.UNCERTAIN, None)
    assert len(sending.events.get().data["error"]) == 200
    assert sending.events.get().code == Code.NO_ANSWER
    assert budget.status(sending.team).held == HELD
