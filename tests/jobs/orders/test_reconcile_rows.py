"""The comparison after a restore, task by task: whose it can be, what is written, what is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from jobs.accounts.clients import NoKey
from jobs.common.states import Code, Group, Outcome, State
from jobs.engine import listed_tasks, poll, retry
from jobs.models import Account, Job, Lane
from jobs.modelstudio import NoAnswer, TaskLine
from jobs.orders import reconcile
from studio.common.translatable import phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db
INSTANT, HOUR = timedelta(microseconds=1), timedelta(hours=1)


@pytest.fixture
def root(account: Account, owner: User, noon: datetime) -> Account:
    """Waits for its comparison since an hour."""
    Account.objects.filter(pk=account.pk).update(reconcile_from=noon - HOUR)
    account.refresh_from_db()
    return account


@pytest.fixture
def job(team: Team, creator: User, root: Account, noon: datetime) -> Job:
    made = makers.job(team, creator, account=root, attempt=3, tries=2, not_before=noon)
    Job.objects.filter(pk=made.pk).update(created_at=noon - HOUR)
    made.refresh_from_db()
    return made


def line(
    service: Service, at: datetime, status: str = "RUNNING", model: str = "emo-v1"
) -> TaskLine:
    service.made(model, at=at)
    service.tasks_made[-1] = replace(service.tasks_made[-1], status=status)
    return service.tasks_made[-1]


# ── which accounts ────────────────────────────────────────────────────────────────────────────────


def test_what_waits_is_the_first_row_of_each_alibaba_account(
    team: Team, root: Account, noon: datetime
) -> None:
    well, first, twin = (makers.account(team) for _ in range(3))
    Account.objects.filter(pk=twin.pk).update(same_as=first, reconcile_from=noon)
    assert sorted(one.pk for one in reconcile.waiting()) == [root.pk, first.pk]
    assert well not in reconcile.waiting()
    Account.objects.update(reconcile_from=None)
    assert reconcile.waiting() == []


def test_who_waits_for_nothing_is_not_asked(account: Account, service: Service) -> None:
    done_ = reconcile.reconcile(account)
    assert (service.asked, done_.adopted, done_.undecided, done_.left) == ([], [], [], [])


def test_the_list_is_asked_from_the_earliest_moment_of_all_rows(
    team: Team, root: Account, service: Service, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin, other = makers.account(team), makers.account(team)
    Account.objects.filter(pk=twin.pk).update(same_as=root, reconcile_from=noon - 2 * HOUR)
    Account.objects.filter(pk=other.pk).update(reconcile_from=noon - 3 * HOUR)
    lanes = [Lane.objects.create(account=one, model="emo-v1") for one in (root, other)]
    asked: list[tuple[int, datetime]] = []

    def lost(account: Account, rows: list[Account], since: datetime) -> tuple[list[Any], bool]:
        asked.append((account.pk, since))
        assert rows == [root, twin]
        return [], False

    monkeypatch.setattr(reconcile, "_lost_tasks", lost)
    reconcile.reconcile(root)
    assert asked == [(root.pk, noon - 2 * HOUR)]
    waits = {one.pk: one.reconcile_from for one in Account.objects.all()}
    assert (waits[root.pk], waits[twin.pk], waits[other.pk]) == (None, None, noon - 3 * HOUR)
    assert [Lane.objects.get(pk=lane.pk).wakeups for lane in lanes] == [1, 0]


def test_a_row_that_has_a_key_is_asked(
    team: Team, root: Account, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = makers.account(team)
    Account.objects.filter(pk=twin.pk).update(same_as=root)
    root.keys.update(active=False)
    asked: list[int] = []

    def lost(account: Account, rows: list[Account], since: datetime) -> tuple[list[Any], bool]:
        asked.append(account.pk)
        return [], False

    monkeypatch.setattr(reconcile, "_lost_tasks", lost)
    reconcile.reconcile(root)
    assert asked == [twin.pk]


@pytest.mark.parametrize("error", [NoAnswer(message="cut"), NoKey(phrase("No key."))])
def test_without_the_list_it_goes_on_waiting(
    root: Account, service: Service, noon: datetime, error: Exception
) -> None:
    service.pages = [error]
    with pytest.raises(type(error)):
        reconcile.reconcile(root)
    root.refresh_from_db()
    assert root.reconcile_from == noon - HOUR


def test_only_tasks_of_no_row_are_unknown(
    team: Team, creator: User, root: Account, service: Service, noon: datetime
) -> None:
    ours, before, nobodys, early = (
        line(service, noon - timedelta(minutes=n)) for n in (1, 2, 3, 90)
    )
    job = makers.job(team, creator, state=State.RUNNING, task_id=ours.task_id)
    job.attempts.create(number=1, began_at=noon, task_id=before.task_id)
    assert reconcile.unknown_tasks(root, noon - HOUR) == [nobodys]
    assert early in reconcile.unknown_tasks(root, noon - 2 * HOUR)
    assert service.asked == [("list", "")] * 2
    assert service.paces == [(root.pk, "list")] * 2


# ── whose is it ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("off", "billed", "may"),
    [
        (-retry.MAX_CLOCK_SKEW, None, True),
        (-retry.MAX_CLOCK_SKEW - INSTANT, None, False),
        (timedelta(minutes=1), Decimal(4), True),
        (timedelta(minutes=1), Decimal(58), False),
    ],
)
def test_whose_a_task_can_be_is_told_by_its_time_and_its_bill(
    job: Job, service: Service, off: timedelta, billed: Decimal | None, may: bool
) -> None:
    found = line(service, job.created_at + off)
    assert reconcile._may_be(job, found, billed) is may


def test_a_waiting_job_that_may_have_been_sent_waits_for_a_person(
    job: Job, root: Account, service: Service, noon: datetime
) -> None:
    first, second = line(service, noon - HOUR / 2), line(service, noon - HOUR / 3)
    before = columns(job)
    compared = reconcile.reconcile(root)
    assert changed(before, job) == {
        "state": State.UNCERTAIN,
        "code": Code.SEVERAL_TASKS,
        "group": Group.ATTENTION,
        "attempt": 4,
        "submitting_at": first.created_at,
        "not_before": None,
        "tries": 0,
    }
    assert (compared.undecided, compared.adopted, compared.left) == ([job], [], [])
    attempt = job.attempts.get()
    assert (attempt.number, attempt.began_at, attempt.outcome, attempt.ended_at) == (
        4,
        first.created_at,
        Outcome.UNCERTAIN,
        None,
    )
    event = job.events.get()
    assert event.data["candidates"] == [first.task_id, second.task_id]
    assert listed_tasks.candidates(job) == [first.task_id, second.task_id]


def test_a_person_is_given_twenty_tasks_at_most(
    job: Job, root: Account, service: Service, noon: datetime
) -> None:
    found = [line(service, noon - HOUR / 2 + timedelta(seconds=n)) for n in range(22)]
    reconcile.reconcile(root)
    assert listed_tasks.candidates(job) == [one.task_id for one in found[:20]]


@pytest.mark.parametrize(
    "fields",
    [{"state": State.SUBMITTING}, {"state": State.UNCERTAIN}, {"model": "animate-anyone-gen2"}],
)
def test_only_what_waits_in_this_lane_is_asked_about(
    job: Job, root: Account, service: Service, noon: datetime, fields: dict[str, Any]
) -> None:
    if "model" in fields:
        lane = Lane.objects.create(account=root, model=fields["model"])
        fields = fields | {"lane": lane}
    Job.objects.filter(pk=job.pk).update(**fields)
    line(service, noon - HOUR / 2)
    before = columns(job)
    compared = reconcile.reconcile(root)
    assert (changed(before, job), compared.undecided) == ({}, [])


def test_what_no_job_waits_for_is_adopted_by_the_first_owner(
    root: Account, service: Service, noon: datetime, owner: User, creator: User
) -> None:
    found = line(service, noon - HOUR / 2)
    service.gets = [task(found.task_id, "RUNNING")]
    compared = reconcile.reconcile(root)
    (made,) = compared.adopted
    assert (made.task_id, made.owner, made.model, made.adopted) == (
        found.task_id,
        owner,
        "emo-v1",
        True,
    )
    assert (compared.undecided, compared.left) == ([], [])


def test_a_bill_like_none_of_what_waits_is_adopted(
    job: Job, root: Account, service: Service, noon: datetime
) -> None:
    found = line(service, noon - HOUR / 2, "SUCCEEDED")
    service.gets = [done(found.task_id, 58.0)] * 2
    compared = reconcile.reconcile(root)
    assert [one.task_id for one in compared.adopted] == [found.task_id]
    assert compared.undecided == []
    assert (root.pk, "query") in service.paces


def test_only_what_has_ended_is_asked_for_its_bill(
    root: Account, service: Service, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "MOST_LOOKS", 2)
    lines = [line(service, noon, status) for status in ("RUNNING", *["SUCCEEDED"] * 3)]
    service.gets = [done(one.task_id, n) for n, one in enumerate(lines[1:], 3)]
    found = reconcile._bills(root, service, "emo-v1", lines)  # type: ignore[arg-type]
    assert found == {lines[1].task_id: Decimal(3), lines[2].task_id: Decimal(4)}
    assert service.asked == [("get", lines[1].task_id), ("get", lines[2].task_id)]
    assert service.paces == [(root.pk, "query")] * 2


def test_what_cannot_be_read_is_named(root: Account, service: Service, noon: datetime) -> None:
    foreign = line(service, noon, model="wanx2.1-t2i-turbo")
    broken = line(service, noon)
    service.gets = [task(broken.task_id, "FAILED", code="InvalidURL")]
    compared = reconcile.reconcile(root)
    assert [str(one) for one in compared.left] == [
        f"Task {foreign.task_id} is of the model wanx2.1-t2i-turbo, which is not in the catalogue.",
        f"Task {broken.task_id}: This task ended without a video: FAILED (InvalidURL). It cost "
        "nothing, and there is nothing to bring home.",
    ]


def test_a_deployed_name_of_any_row_is_known(
    team: Team, root: Account, service: Service, noon: datetime
) -> None:
    twin = makers.account(team)
    names = {"emo-v1": "emo-v1-south"}
    Account.objects.filter(pk=twin.pk).update(same_as=root, model_names=names)
    found = line(service, noon, model="emo-v1-south")
    service.gets = [task(found.task_id, "RUNNING")]
    assert [one.model for one in reconcile.reconcile(root).adopted] == ["emo-v1"]


def test_running_jobs_of_the_lane_are_looked_at_first(
    team: Team,
    creator: User,
    root: Account,
    service: Service,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = makers.job(team, creator, state=State.RUNNING, task_id="task-r", account=root)
    makers.job(team, creator, "animate-anyone-gen2", State.RUNNING, root, task_id="task-d")
    makers.job(team, creator, state=State.ARCHIVING, task_id="task-a", account=root)
    looked: list[Job] = []
    monkeypatch.setattr(poll, "look", looked.append)
    found = line(service, noon)
    service.gets = [task(found.task_id, "RUNNING")]
    reconcile.reconcile(root)
    assert looked == [running]
