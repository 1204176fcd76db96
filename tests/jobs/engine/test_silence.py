"""What the service does not say for days, and troubles of our own that pass: nothing ends of them,
and nothing goes on for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.accounts.clients import NoKey
from jobs.billing import budget
from jobs.common.states import Code, State
from jobs.engine import expiry, lane_lease, lane_visit, retry, transitions
from jobs.models import Account, Job, Lane
from jobs.modelstudio import AccountTrouble, MediaUnreachable, NoAnswer, OurFault
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def wish(team: Team, creator: User, account: Account) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    return OrderRequest(
        team,
        creator,
        "emo-v1",
        {"image_url": portrait, "audio_url": speech},
        {"ratio": "1:1"},
        account=account,
    )


def fresh(job: Job) -> Job:
    return Job.objects.select_related("lane", "account", "team", "template", "check_used").get(
        pk=job.pk
    )


def visit(job: Job) -> Job:
    now = timezone.now()
    Job.objects.filter(lane=job.lane, state=State.RUNNING).update(next_look_at=now)
    Job.objects.filter(lane=job.lane).exclude(not_before=None).update(not_before=now)
    Account.objects.update(paused_until=None)
    Lane.objects.filter(pk=job.lane_id).update(
        next_visit_at=now, lease_until=None, paused_until=None
    )
    (claimed,) = [one for one in lane_lease.claim() if one.lane.pk == job.lane_id]
    lane_visit.visit(claimed)
    return fresh(job)


def aged(job: Job, **age: float) -> None:
    then = timezone.now() - timedelta(**age)
    Job.objects.filter(pk=job.pk).update(submitted_at=then, submitting_at=then)


def fails(error: Exception) -> Callable[..., Any]:
    def answer(*_: Any) -> Any:
        raise error

    return answer


def test_a_foreign_page_in_the_place_of_an_answer_ends_no_job(
    wish: OrderRequest, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [create.create(wish) for _ in range(3)]
    monkeypatch.setattr(
        "jobs.engine.media_urls.inputs_for", fails(OurFault("NotJson", "<html>", status=403))
    )
    for _ in range(4):
        visit(jobs[0])
    assert {fresh(job).state for job in jobs} == {"queued"}
    assert service.count("submit") == 0


@pytest.mark.parametrize("where", ["storage", "address"])
def test_minutes_of_trouble_of_our_own_end_no_job(
    wish: OrderRequest, service: Service, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    job = create.create(wish)
    if where == "storage":
        monkeypatch.setattr(
            "jobs.engine.media_urls.inputs_for", fails(OSError("the bucket is away"))
        )
    service.submits = [
        MediaUnreachable("InvalidURL.Timeout", "Download timed out", status=400)
    ] * 40
    waited = 0.0
    for _ in range(30):
        job = visit(job)
        assert job.state == "queued", f"after {waited:.0f} s"
        waited += (job.not_before - timezone.now()).total_seconds()
    assert waited > 15 * 60
    Job.objects.filter(pk=job.pk).update(tries=retry.SEND_TRIES)
    assert visit(job).state == "failed", "in the end it is given up"


def test_a_list_that_could_not_be_read_is_no_look_at_the_list(
    wish: OrderRequest, service: Service
) -> None:
    job = create.create(wish)
    service.submits = [NoAnswer("ConnectionCut", "cut")]
    job = visit(job)
    aged(job, seconds=100)
    service.lists = [NoAnswer("InternalError", "x", status=500), []]
    assert visit(visit(job)).state == "uncertain", "one list without the task is not enough"
    assert service.count("submit") == 1


@pytest.mark.parametrize("unknown", [True, False])
def test_a_task_without_an_answer_hides_no_other(
    wish: OrderRequest, service: Service, monkeypatch: pytest.MonkeyPatch, unknown: bool
) -> None:
    first, second, third = (create.create(wish) for _ in range(3))
    visit(first)
    first, second = fresh(first), fresh(second)
    assert (first.state, second.state, fresh(third).state) == ("running", "running", "queued")

    def get(task_id: str) -> Any:
        if task_id == second.task_id:
            return done(task_id)
        if task_id == first.task_id and not unknown:
            raise NoAnswer("InternalError", "x", status=500)
        return task(task_id, "UNKNOWN" if task_id == first.task_id else "PENDING")

    monkeypatch.setattr(service, "get", get)
    for _ in range(6):
        visit(first)
    assert (fresh(first).state, fresh(second).state, fresh(third).state) == (
        "running",
        "archiving",
        "running",
    )


@pytest.mark.parametrize("how", ["refused", "retired", "silent"])
def test_what_could_not_be_asked_until_it_was_forgotten_comes_to_an_end(
    wish: OrderRequest, service: Service, creator: User, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    job = visit(create.create(wish))
    if how == "retired":
        job.account.keys.update(active=False)
        monkeypatch.setattr(
            "jobs.engine.poll.client_for", fails(NoKey("The connection has no key in use."))
        )
    refusal = AccountTrouble("InvalidApiKey", "no", status=401, reason="key")
    monkeypatch.setattr(
        service, "get", fails(refusal if how == "refused" else NoAnswer(message="silence"))
    )
    aged(job, hours=29)
    assert visit(job).state == "running"
    aged(job, hours=31)
    job = visit(job)
    assert (job.state, job.code) == ("failed", "task-lost")
    assert budget.status(job.team).held == 0
    assert sum(entry.settled for entry in job.ledger.all()) == job.quote_micros, (
        "it may have been billed"
    )


def test_owners_are_told_of_what_the_service_has_not_ended_for_half_a_day(
    team: Team, owner: User, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    job = makers.job(team, owner, state=State.RUNNING, task_id="t-1", attempt=1, title="Welcome")
    aged(job, hours=11)
    assert expiry.alarm() == 0
    aged(job, hours=13)
    with django_capture_on_commit_callbacks(execute=True):
        assert (expiry.alarm(), expiry.alarm()) == (1, 0)
    assert fresh(job).state == "running"
    assert "may be in danger" in mailoutbox[0].subject
    aged(job, hours=21)
    assert expiry.alarm() == 1


def test_words_of_a_cancel_that_cannot_be(
    wish: OrderRequest, service: Service, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = create.create(wish)
    service.submits = [NoAnswer("ConnectionCut", "cut")]
    job = visit(job)
    Job.objects.filter(pk=job.pk).update(code=Code.SEVERAL_TASKS)
    assert "a person decides" in transitions.cancel(fresh(job), creator)
    other = makers.job(job.team, creator, state=State.RUNNING, task_id="t-2", attempt=1)
    monkeypatch.setattr(
        "jobs.engine.transitions.client_for", fails(NoKey("The connection has no key in use."))
    )
    assert (
        transitions.cancel(fresh(other), creator)
        == "It was not canceled: The connection has no key in use."
    )
