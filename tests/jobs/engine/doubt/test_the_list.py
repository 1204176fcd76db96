"""A job in doubt and the service's list: which tasks count, up to which moment, and what each look
writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.accounts import clients
from jobs.common.states import Code, Group, Outcome, State
from jobs.engine import listed_tasks, retry, uncertain
from jobs.models import Account, Job
from jobs.modelstudio import AccountTrouble
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns
from tests.service import Service

pytestmark = pytest.mark.django_db
INSTANT = timedelta(microseconds=1)
InDoubt = Callable[..., Job]


@pytest.fixture
def in_doubt(
    team: Team, creator: User, account: Account, service: Service, noon: datetime
) -> InDoubt:
    """A job that was sent `ago` without an answer."""

    def make(ago: timedelta, tries: int = 1, **fields: Any) -> Job:
        job = makers.job(
            team,
            creator,
            state=State.UNCERTAIN,
            code=Code.NO_ANSWER,
            attempt=1,
            submitting_at=noon - ago,
            not_before=noon,
            tries=tries,
            **fields,
        )
        job.attempts.create(number=1, began_at=noon - ago, outcome=Outcome.UNCERTAIN)
        return job

    return make


def candidates(job: Job) -> list[str]:
    return list(job.events.last().data["candidates"])


# ── one task ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("off", "state"),
    [
        (-retry.CLOCK_SKEW - INSTANT, State.UNCERTAIN),
        (-retry.CLOCK_SKEW, State.RUNNING),
        (timedelta(0), State.RUNNING),
        (retry.WINDOW, State.RUNNING),
        (retry.WINDOW + INSTANT, State.UNCERTAIN),
    ],
)
def test_a_lone_task_is_adopted_when_it_was_made_about_then(
    in_doubt: InDoubt, service: Service, noon: datetime, off: timedelta, state: State
) -> None:
    """Which clock is right nobody knows; outside of it a person decides."""
    ago = timedelta(minutes=20)
    job = in_doubt(ago)
    line = service.made(at=noon - ago + off)
    uncertain.settle_uncertain(job)
    assert job.state == state
    if state is State.RUNNING:
        assert (job.task_id, job.request_id) == (line.task_id, line.request_id)
        attempt = job.attempts.get()
        assert (attempt.outcome, attempt.found) == (Outcome.ADOPTED, True)
        assert "it is this job’s task" in job.events.last().text
    else:
        assert (job.code, candidates(job)) == (Code.SEVERAL_TASKS, [line.task_id])


def test_a_row_without_the_time_of_its_intent_is_as_old_as_the_job(
    in_doubt: InDoubt, service: Service, noon: datetime
) -> None:
    job = in_doubt(timedelta(0))
    made = noon - timedelta(minutes=3)
    Job.objects.filter(pk=job.pk).update(submitting_at=None, created_at=made)
    job.refresh_from_db()
    line = service.made(at=made)
    uncertain.settle_uncertain(job)
    assert (job.state, job.task_id) == (State.RUNNING, line.task_id)


@pytest.mark.parametrize(
    ("off", "seen"),
    [
        (-retry.MAX_CLOCK_SKEW - INSTANT, False),
        (-retry.MAX_CLOCK_SKEW, True),
        (retry.MAX_CLOCK_SKEW, True),
        (retry.MAX_CLOCK_SKEW + INSTANT, False),
    ],
)
def test_what_a_wrong_clock_could_have_moved_waits_for_a_person(
    in_doubt: InDoubt, service: Service, noon: datetime, off: timedelta, seen: bool
) -> None:
    ago = timedelta(minutes=30)
    job = in_doubt(ago)
    service.made(at=noon - ago + off)
    uncertain.settle_uncertain(job)
    assert job.state == (State.UNCERTAIN if seen else State.QUEUED)


@pytest.mark.parametrize("same_as", [False, True])
def test_the_list_is_asked_at_the_pace_of_the_alibaba_account(
    in_doubt: InDoubt, service: Service, account: Account, same_as: bool
) -> None:
    if same_as:
        account.same_as = makers.account(account.team)
        account.save(update_fields=["same_as"])
    job = in_doubt(timedelta(0), account=account)
    job.attempts.update(model_name="emo-v1-ours")
    line = service.made("emo-v1-ours")
    uncertain.settle_uncertain(job)
    assert job.task_id == line.task_id
    assert service.asked == [("list", "")]
    assert service.paces == [(account.same_as_id or account.pk, "list")]


@pytest.mark.parametrize("kept", [True, False])
def test_a_task_of_an_attempt_of_before_is_known_by_the_name_of_now(
    in_doubt: InDoubt, service: Service, kept: bool
) -> None:
    """A version before wrote no name down, or no attempt."""
    Account.objects.update(model_names={"emo-v1": "emo-v1-now"})
    job = in_doubt(timedelta(0))
    if not kept:
        job.attempts.all().delete()
    line = service.made("emo-v1-now")
    uncertain.settle_uncertain(job)
    assert job.task_id == line.task_id


# ── no task ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ago", "tries"),
    [
        (retry.WINDOW - INSTANT, 5),
        (retry.WINDOW, 0),
    ],
)
def test_before_the_window_is_over_an_empty_list_says_nothing(
    in_doubt: InDoubt, service: Service, noon: datetime, ago: timedelta, tries: int
) -> None:
    job, other = in_doubt(ago, tries), in_doubt(ago, tries)
    before, untouched = columns(job), columns(other)
    uncertain.settle_uncertain(job)
    assert changed(before, job) == {
        "not_before": noon + timedelta(seconds=retry.NEXT_LIST),
        "tries": tries + 1,
    }
    assert (changed(untouched, other), job.events.count()) == ({}, 0)


@pytest.mark.parametrize("moved", [{"state": State.QUEUED}, {"attempt": 2}])
def test_a_look_that_is_late_puts_nothing_off(
    in_doubt: InDoubt, service: Service, moved: dict[str, Any]
) -> None:
    job = in_doubt(timedelta(0))
    Job.objects.filter(pk=job.pk).update(**moved)
    before = columns(job)
    uncertain.settle_uncertain(job)
    assert changed(before, job) == {}


def test_what_the_service_never_had_is_sent_again(
    in_doubt: InDoubt, service: Service, noon: datetime
) -> None:
    job = in_doubt(retry.WINDOW, 1)
    before = columns(job)
    uncertain.settle_uncertain(job)
    assert changed(before, job) == {
        "state": State.QUEUED,
        "code": Code.WAITING_TURN,
        "group": Group.WAITING,
        "not_before": None,
        "tries": 0,
    }
    attempt = job.attempts.get()
    assert (attempt.outcome, attempt.ended_at) == (Outcome.NO_TASK, noon)
    assert "goes back into the queue" in job.events.get().text


# ── several tasks ─────────────────────────────────────────────────────────────────────────────────


def test_two_tasks_are_looked_at_again_while_the_window_is_open(
    in_doubt: InDoubt, service: Service, noon: datetime
) -> None:
    """The other may turn out to be another job's."""
    job = in_doubt(timedelta(seconds=20))
    service.made(at=noon)
    service.made(at=noon)
    before = columns(job)
    uncertain.settle_uncertain(job)
    assert changed(before, job) == {"not_before": noon + timedelta(seconds=10)}
    event = job.events.get()
    assert (event.code, "looking again" in event.text) == (Code.NO_ANSWER, True)


def test_after_it_a_person_is_given_them_oldest_first(
    in_doubt: InDoubt, service: Service, noon: datetime
) -> None:
    job = in_doubt(retry.WINDOW)
    later, first = service.made(at=noon), service.made(at=noon - retry.WINDOW)
    before = columns(job)
    uncertain.settle_uncertain(job)
    assert changed(before, job) == {"code": Code.SEVERAL_TASKS, "not_before": None}
    event = job.events.get()
    assert event.data["candidates"] == [first.task_id, later.task_id]
    assert str(event.text) == "2 tasks could be this job’s; a person decides"


def test_a_person_is_given_twenty_at_most(
    in_doubt: InDoubt, service: Service, noon: datetime
) -> None:
    job = in_doubt(retry.WINDOW)
    lines = [service.made(at=noon) for _ in range(23)]
    uncertain.settle_uncertain(job)
    assert candidates(job) == [line.task_id for line in lines[:20]]
    assert str(job.events.get().text).startswith("23 tasks")


@pytest.mark.parametrize(("late", "asked"), [(timedelta(0), 1), (INSTANT, 0)])
def test_what_the_list_no_longer_holds_a_person_decides(
    in_doubt: InDoubt, service: Service, late: timedelta, asked: int
) -> None:
    job = in_doubt(retry.LIST_REACHES + late)
    uncertain.settle_uncertain(job)
    assert service.count("list") == asked
    if not asked:
        assert (job.state, job.code, job.not_before) == (
            State.UNCERTAIN,
            Code.SEVERAL_TASKS,
            None,
        )
        assert (candidates(job), "no longer reaches" in job.events.last().text) == ([], True)


# ── other keys ────────────────────────────────────────────────────────────────────────────────────


def other_key(service: Service, key_id: int = 77, base_url: str = "") -> Service:
    other = Service()
    other.depth, other.key_id = service.depth, key_id
    other.base_url = base_url or service.base_url
    return other


@pytest.mark.parametrize(("ago", "tries"), [(retry.WINDOW - INSTANT, 1), (retry.WINDOW, 0)])
def test_other_keys_are_asked_only_before_it_is_sent_again(
    in_doubt: InDoubt, service: Service, monkeypatch: pytest.MonkeyPatch, ago: timedelta, tries: int
) -> None:
    other = other_key(service)
    monkeypatch.setattr(clients, "every", lambda account: [(None, service), (None, other)])
    uncertain.settle_uncertain(in_doubt(ago, tries))
    assert (service.count("list"), other.count("list")) == (1, 0)


def test_each_other_key_and_address_is_asked_once(
    in_doubt: InDoubt, service: Service, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = other_key(service, service.key_id or 0, "http://elsewhere.test")
    moved.key_id = service.key_id
    others = [other_key(service), moved]
    given: list[Account] = []

    def every(account: Account) -> list[tuple[None, Service]]:
        given.append(account)
        return [(None, service), *((None, other) for other in others)]

    monkeypatch.setattr(clients, "every", every)
    job = in_doubt(retry.WINDOW)
    uncertain.settle_uncertain(job)
    assert [one.asked for one in (service, *others)] == [[("list", "")]] * 3
    assert given == [account]
    assert service.paces == [(account.pk, "list")] * 3


@pytest.mark.parametrize(
    ("address", "state"), [("http://service.test", "queued"), ("", "uncertain")]
)
def test_a_refused_key_stops_only_what_may_have_been_sent_with_it(
    in_doubt: InDoubt,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    state: str,
) -> None:
    refused, last = other_key(service), other_key(service, 78)
    refused.lists = [AccountTrouble("InvalidApiKey", "no", reason="key")]
    monkeypatch.setattr(
        clients, "every", lambda account: [(None, service), (None, refused), (None, last)]
    )
    job = in_doubt(retry.WINDOW)
    job.attempts.update(base_url=address)
    uncertain.settle_uncertain(job)
    assert job.state == state
    assert last.count("list") == (1 if address else 0)
    if not address:
        assert "refuses a key that it may have been sent with" in job.events.last().text


@pytest.mark.parametrize("which", ["own", "other"])
def test_an_account_that_owes_money_says_nothing_about_its_tasks(
    in_doubt: InDoubt, service: Service, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    other = other_key(service)
    monkeypatch.setattr(clients, "every", lambda account: [(None, other)])
    asked = service if which == "own" else other
    asked.lists = [AccountTrouble("Arrearage", "pay", reason="arrears")]
    job = in_doubt(retry.WINDOW)
    before = columns(job)
    with pytest.raises(AccountTrouble):
        uncertain.settle_uncertain(job)
    assert changed(before, job) == {}


def test_a_key_that_is_refused_is_waited_for_while_the_window_is_open(
    in_doubt: InDoubt, service: Service
) -> None:
    trouble = AccountTrouble("InvalidApiKey", "no", reason="key")
    service.lists = [trouble]
    job = in_doubt(retry.WINDOW - INSTANT)
    before = columns(job)
    with pytest.raises(AccountTrouble) as raised:
        uncertain.settle_uncertain(job)
    assert raised.value is trouble
    assert changed(before, job) == {}


def test_a_key_that_stays_refused_leaves_it_to_a_person(
    in_doubt: InDoubt, service: Service
) -> None:
    service.lists = [AccountTrouble("InvalidApiKey", "no", reason="key")]
    job = in_doubt(retry.WINDOW)
    uncertain.settle_uncertain(job)
    assert (job.code, candidates(job)) == (Code.SEVERAL_TASKS, [])
    assert "refuses the key that it was sent with" in job.events.last().text


# ── whose is it ───────────────────────────────────────────────────────────────────────────────────


def test_a_task_that_a_person_may_give_to_another_waits(
    in_doubt: InDoubt, service: Service, noon: datetime
) -> None:
    line = service.made(at=noon)
    other = in_doubt(timedelta(0))
    Job.objects.filter(pk=other.pk).update(code=Code.SEVERAL_TASKS)
    job = in_doubt(timedelta(0))
    for named, state in ([line.task_id], "uncertain"), (["task-other"], "running"):
        other.events.create(
            team=other.team, code=Code.SEVERAL_TASKS, new="", data={"candidates": named}
        )
        uncertain.settle_uncertain(job)
        assert job.state == state


def test_candidates_are_those_of_the_last_look(in_doubt: InDoubt) -> None:
    job = in_doubt(timedelta(0))
    assert listed_tasks.candidates(job) == []
    for code, data in (
        (Code.SEVERAL_TASKS, {"candidates": ["task-1"]}),
        (Code.SEVERAL_TASKS, {"candidates": ["task-2", "task-3"]}),
        (Code.SEVERAL_TASKS, {}),  # an alarm
        (Code.NO_ANSWER, {"candidates": ["task-4"]}),
    ):
        job.events.create(team=job.team, code=code, new="", data=data)
    assert listed_tasks.candidates(job) == ["task-2", "task-3"]
