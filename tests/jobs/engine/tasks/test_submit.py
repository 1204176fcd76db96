"""From the click to the service: created, sent, and in doubt."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from jobs.billing import budget
from jobs.billing.limit_use import BudgetStatus
from jobs.common.errors import Moved, Refused
from jobs.common.states import Code, Fault, Group, State
from jobs.engine import retry, speed, transitions, uncertain
from jobs.models import Account, Budget, Job
from jobs.modelstudio import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    NotSent,
    Rejected,
    RetryLater,
)
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.tasks.visits import fresh, sent_without_answer, visit
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db


# ── create ──


def test_create_holds_the_quote_and_wakes_the_lane(job: Job, team: Team) -> None:
    assert (job.state, job.code, job.group, job.quote_micros, job.variant) == (
        "queued",
        "waiting-turn",
        Group.WAITING,
        45_876,
        "1:1",
    )
    assert budget.status(team).held == 45_876
    assert job.lane.next_visit_at is not None
    assert job.lane.wakeups == 1
    assert "4 s × $0.011469" in job.events.get().text


def test_one_click_is_one_job(wish: OrderRequest) -> None:
    import dataclasses

    clicked = dataclasses.replace(wish, key="click-1")
    assert create.create(clicked).pk == create.create(clicked).pk
    assert wish.team.jobs.count() == 1


def test_over_budget_leaves_nothing(wish: OrderRequest) -> None:
    Budget.objects.create(team=wish.team, micros=10_000)
    with pytest.raises(budget.OverBudget):
        create.create(wish)
    assert wish.team.jobs.count() == 0
    assert wish.team.ledger.count() == 0


def test_without_a_passed_check_nothing_is_made(wish: OrderRequest) -> None:
    import dataclasses

    with pytest.raises(Refused, match="not checked yet"):
        create.create(dataclasses.replace(wish, chosen={"ratio": "3:4"}))
    makers.check(
        wish.files["image_url"],
        wish.account,
        chosen={"ratio": "3:4"},
        state="refused",
        sentence="No person was found.",
    )
    with pytest.raises(Refused, match="No person was found"):
        create.create(dataclasses.replace(wish, chosen={"ratio": "3:4"}))


def test_every_reason_is_said_at_once(team: Team, creator: User, account: Account) -> None:
    files = {
        "image_url": makers.asset(team, width=300, height=300),
        "audio_url": makers.asset(team, "audio", milliseconds=61_000),
    }
    with pytest.raises(Refused) as refused:
        create.create(OrderRequest(team, creator, "emo-v1", files))
    assert len(refused.value.sentences) == 2
    assert "300 × 300" in refused.value.sentences[0]
    assert "61.0 s" in refused.value.sentences[1]


def test_no_account_is_a_sentence(team: Team, creator: User) -> None:
    with pytest.raises(Refused, match="no Model Studio connection"):
        create.create(OrderRequest(team, creator, "emo-v1", {}))


# ── submit ──


def test_the_whole_way_to_the_archive(job: Job, service: Service) -> None:
    job = visit(job)
    assert (job.state, job.provider_status, job.attempt) == ("running", "PENDING", 1)
    body = next(asked for what, asked in service.asked if what == "submit")
    assert body["input"]["face_bbox"] == [200, 200, 400, 420]
    service.gets = [task(job.task_id, "RUNNING"), done(job.task_id, 3.93)]
    assert visit(job).provider_status == "RUNNING"
    job = visit(job)
    assert (job.state, job.settled_micros, job.billed_units) == (
        "archiving",
        45_073,
        Decimal("3.930"),
    )
    assert budget.status(job.team) == BudgetStatus("USD", None, 0, 45_073)
    assert speed.speed_of(job).median == pytest.approx(30 / 3.93, rel=0.1)
    assert [event.new for event in job.events.all()] == [
        "queued",
        "submitting",
        "running",
        "running",
        "archiving",
    ]


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (Rejected("InvalidParameter", "The style_level is invalid."), State.FAILED, Code.REJECTED),
        (
            ModelGone("ModelNotFound", "Model can not be found.", status=404),
            State.QUEUED,
            Code.MODEL_GONE,
        ),
        (RetryLater("Throttling.RateQuota", "…", status=429), State.QUEUED, Code.BACKING_OFF),
        (NotSent(message="refused"), State.QUEUED, Code.BACKING_OFF),
        (MediaUnreachable("InvalidURL.Timeout", "…", status=400), State.QUEUED, Code.BACKING_OFF),
        (NoAnswer(message="cut"), State.UNCERTAIN, Code.NO_ANSWER),
        (NoAnswer("InternalError", "…", status=500), State.UNCERTAIN, Code.NO_ANSWER),
    ],
)
def test_each_answer_leads_where_it_must(
    job: Job, service: Service, error: Exception, state: State, code: Code
) -> None:
    service.submits = [error]
    job = visit(job)
    assert (job.state, job.code) == (state, code)
    assert service.count("submit") == 1
    held = budget.status(job.team).held
    assert held == (0 if state is State.FAILED else 45_876)
    if state is State.FAILED:
        assert job.sentence
        assert job.fault in (Fault.INPUT, Fault.ACCOUNT)


def test_a_bad_key_pauses_the_account_and_keeps_the_jobs(job: Job, service: Service) -> None:
    trouble = AccountTrouble("InvalidApiKey", "Invalid API-key provided.", status=401, reason="key")
    service.submits = [trouble]
    job = visit(job)
    assert (job.state, job.code, job.group) == ("queued", "account-paused", Group.ATTENTION)
    assert "refuses the API key" in job.sentence
    assert job.account.paused()
    visit(job)
    assert service.count("submit") == 1, "a paused connection is left alone"
    Account.objects.filter(pk=job.account_id).update(paused_until=timezone.now())
    job = visit(job)
    assert job.state == "running"
    assert Account.objects.get(pk=job.account_id).health == "ok"


def test_a_file_that_cannot_be_fetched_is_given_up_after_a_while(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "SEND_TRIES", 8)
    service.submits = [
        MediaUnreachable("InvalidURL.Timeout", "Download timed out", status=400)
    ] * 20
    for _ in range(12):
        job = visit(job)
    assert job.state == "failed"
    assert service.count("submit") == retry.SEND_TRIES + 1
    assert budget.status(job.team).used == 0
    assert "Run it again" in job.advice, "no next try is promised to what has ended"


# ── uncertain ──


def test_one_task_in_the_list_is_adopted(job: Job, service: Service) -> None:
    job = sent_without_answer(job, service)
    line = service.made()
    job = visit(job)
    assert (job.state, job.task_id, job.request_id) == ("running", line.task_id, line.request_id)
    assert service.count("submit") == 1


def test_a_task_of_another_job_is_not_adopted(
    job: Job, wish: OrderRequest, service: Service
) -> None:
    other = create.create(wish)
    job = visit(job)  # sends both: one runs, one waits
    other = fresh(other)
    assert other.state == "running"
    Job.objects.filter(pk=job.pk).update(
        state=State.UNCERTAIN, code=Code.NO_ANSWER, task_id="", submitting_at=timezone.now()
    )
    service.tasks_made = [line for line in service.tasks_made if line.task_id == other.task_id]
    assert visit(job).state == "uncertain"


def test_no_task_after_the_window_goes_back_into_the_queue_and_is_sent_once_more(
    job: Job, service: Service
) -> None:
    job = sent_without_answer(job, service)
    visit(job)
    assert fresh(job).state == "uncertain", "too early to be sure"
    Job.objects.filter(pk=job.pk).update(submitting_at=timezone.now() - timedelta(minutes=3))
    service.lists = [[]]
    job = visit(job)
    assert (job.state, job.attempt) == ("running", 2)
    assert service.count("submit") == 2


def test_several_tasks_wait_for_a_person(job: Job, service: Service, owner: User) -> None:
    job = sent_without_answer(job, service)
    Job.objects.filter(pk=job.pk).update(submitting_at=timezone.now() - timedelta(minutes=3))
    then = timezone.now() - timedelta(minutes=3)
    first, second = service.made(at=then), service.made(at=then)
    job = visit(job)
    assert (job.state, job.code) == ("uncertain", "several-tasks")
    assert job.events.last().data["candidates"] == [first.task_id, second.task_id]
    assert visit(job).state == "uncertain"
    uncertain.decide_uncertain(fresh(job), second.task_id, owner)
    assert fresh(job).task_id == second.task_id
    assert service.count("submit") == 1


def test_a_person_cannot_give_a_job_the_task_of_another(
    job: Job, wish: OrderRequest, service: Service, owner: User
) -> None:
    other = create.create(wish)
    job = visit(job)
    assert fresh(other).task_id
    Job.objects.filter(pk=job.pk).update(state=State.UNCERTAIN, code=Code.SEVERAL_TASKS, task_id="")
    with pytest.raises(Moved, match="belongs to another job"):
        uncertain.decide_uncertain(fresh(job), fresh(other).task_id, owner)
    assert fresh(job).state == "uncertain"


def test_while_one_is_in_doubt_nothing_more_is_sent(
    job: Job, wish: OrderRequest, service: Service
) -> None:
    second = create.create(wish)
    service.submits = [NoAnswer(message="cut")]
    visit(job)
    assert fresh(second).state == "queued"
    assert service.count("submit") == 1


def test_a_worker_that_died_while_sending_leaves_no_second_post(job: Job, service: Service) -> None:
    transitions.move(job, State.SUBMITTING, "Sending", attempt=1, submitting_at=timezone.now())
    line = service.made()
    job = visit(job)
    assert job.state == "uncertain"
    job = visit(job)
    assert (job.state, job.task_id) == ("running", line.task_id)
    assert service.count("submit") == 0


def test_a_list_that_does_not_answer_changes_nothing(job: Job, service: Service) -> None:
    job = sent_without_answer(job, service)
    Job.objects.filter(pk=job.pk).update(submitting_at=timezone.now() - timedelta(hours=1))
    service.lists = [NoAnswer("InternalError", "", status=500), RetryLater(status=429)]
    assert visit(job).state == "uncertain"
    assert visit(job).state == "uncertain"
