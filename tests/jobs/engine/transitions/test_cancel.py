"""Cancel and move to the front: what a person may still change, what it costs, and what is said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from jobs.accounts.clients import NoKey
from jobs.billing import budget
from jobs.common.states import OUT, Code, Rank, State
from jobs.engine import transitions
from jobs.engine.fair_share import SHORT_MS
from jobs.models import Account, Job
from jobs.modelstudio import NoAnswer
from studio.common.translatable import phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns
from tests.service import Service

pytestmark = pytest.mark.django_db


def woken(job: Job) -> int:
    job.lane.refresh_from_db()
    return int(job.lane.wakeups)


def test_what_was_not_sent_is_canceled_free(team: Team, creator: User, service: Service) -> None:
    job = makers.job(team, creator)
    said = transitions.cancel(job, creator)
    assert said == "Canceled. It was not sent, so it cost nothing."
    assert (job.state, woken(job), service.asked) == (State.CANCELED, 1, [])
    assert str(job.events.get().text) == "Canceled by Chidi before sending"
    assert budget.status(team).used == 0


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.SUCCEEDED, "It is already ready"),
        (State.FAILED, "It is already failed"),
        (State.CANCELED, "It is already canceled"),
        (State.ARCHIVING, "rendered and paid"),
        (State.UNCERTAIN, "nobody knows yet what to cancel"),
        (State.SUBMITTING, "It is being sent right now"),
    ],
)
def test_what_cannot_be_canceled_says_why_and_stays(
    team: Team, creator: User, service: Service, state: State, said: str
) -> None:
    job = makers.job(team, creator, state=state, attempt=1)
    before = columns(job)
    assert said in transitions.cancel(job, creator)
    assert changed(before, job) == {}
    assert (job.events.count(), service.asked, woken(job)) == (0, [], 0)


def test_who_clicks_on_what_moved_on_is_told_so(
    team: Team, creator: User, service: Service
) -> None:
    job = makers.job(team, creator)
    Job.objects.filter(pk=job.pk).update(state=State.SUBMITTING)
    assert "It moved on while you clicked" in transitions.cancel(job, creator)
    assert Job.objects.get(pk=job.pk).state == State.SUBMITTING


# ── at the service ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def running(team: Team, creator: User) -> Job:
    """Of a second row of an Alibaba account, whose pace the first row's id counts."""
    first = makers.account(team)
    account = makers.account(team)
    Account.objects.filter(pk=account.pk).update(same_as=first)
    account.refresh_from_db()
    return makers.job(
        team, creator, state=State.RUNNING, account=account, attempt=1, task_id="task-1"
    )


def test_what_has_not_begun_is_canceled_at_the_service(running: Job, service: Service) -> None:
    said = transitions.cancel(running, running.owner)
    assert said == "Canceled at the service before it began, so it cost nothing."
    assert service.asked == [("cancel", "task-1")]
    assert service.paces == [(running.account.same_as_id, "cancel")]
    assert (running.state, woken(running)) == (State.CANCELED, 1)
    assert str(running.events.get().text) == "Canceled at the service by Chidi"
    assert budget.status(running.team).used == 0


def test_what_has_begun_is_paid_and_stays_ours(running: Job, service: Service) -> None:
    service.cancels, before = [False], columns(running)
    assert "has begun to render" in transitions.cancel(running, running.owner)
    assert changed(before, running) == {}
    assert woken(running) == 1, "its new state is looked at"


def test_a_service_that_does_not_answer_has_canceled_nothing(
    running: Job, service: Service
) -> None:
    service.cancels, before = [NoAnswer(message="cut")], columns(running)
    assert "did not answer the wish to cancel" in transitions.cancel(running, running.owner)
    assert (changed(before, running), woken(running)) == ({}, 0)


def test_without_a_key_nothing_is_canceled_and_why_is_said(
    running: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keyless(account: Account) -> Any:
        raise NoKey(phrase("The connection has no key."))

    monkeypatch.setattr(transitions, "client_for", keyless)
    before = columns(running)
    said = transitions.cancel(running, running.owner)
    assert said == "It was not canceled: The connection has no key."
    assert changed(before, running) == {}


# ── to the front ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("milliseconds", "usual"), [(SHORT_MS, Rank.SHORT), (SHORT_MS + 1, Rank.NORMAL)]
)
def test_to_the_front_and_back_to_its_turn(
    team: Team, creator: User, admin: User, noon: datetime, milliseconds: int, usual: Rank
) -> None:
    job = makers.job(team, creator, code=Code.BACKING_OFF, rank=usual, milliseconds=milliseconds)
    before = columns(job)
    assert transitions.to_front(job, admin).startswith("It goes next")
    assert changed(before, job) == {"rank": Rank.FRONT}
    assert str(job.events.last().text) == "Ben moved it to the front"
    assert woken(job) == 1
    assert transitions.to_front(job, admin) == "It waits in the queue again."
    assert changed(before, job) == {}
    assert str(job.events.last().text) == "Ben put it back in the queue"
    assert woken(job) == 2


@pytest.mark.parametrize("state", sorted(OUT))
def test_what_no_longer_waits_keeps_its_place(
    team: Team, creator: User, admin: User, state: State
) -> None:
    job = makers.job(team, creator, state=state)
    before = columns(job)
    assert "no longer waiting" in transitions.to_front(job, admin)
    assert (changed(before, job), job.events.count(), woken(job)) == ({}, 0, 0)


def test_what_was_just_sent_keeps_its_place(team: Team, creator: User, admin: User) -> None:
    job = makers.job(team, creator)
    Job.objects.filter(pk=job.pk).update(state=State.SUBMITTING)
    before = columns(job)
    assert "no longer waiting" in transitions.to_front(job, admin)
    assert (changed(before, job), woken(job)) == ({}, 0)
