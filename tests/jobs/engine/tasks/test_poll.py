"""From the look to the end: looked at, canceled, with its template, in its lane."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.accounts.clients import NoKey
from jobs.billing import budget
from jobs.billing.limit_use import BudgetStatus
from jobs.common.errors import Moved
from jobs.common.states import State
from jobs.engine import transitions
from jobs.models import Account, Job
from jobs.modelstudio import NoAnswer, NotSent, Rejected, RetryLater
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from jobs.orders.plan import estimate, plan
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.tasks.visits import fresh, sent_without_answer, visit
from tests.service import Service, done, task, template_done

pytestmark = pytest.mark.django_db


# ── look ──


def running(job: Job, service: Service) -> Job:
    job = visit(job)
    assert job.state == "running"
    return job


@pytest.mark.parametrize(
    "error",
    [
        RetryLater(status=429),
        NoAnswer("x", "html", status=502),
        NotSent(message="dns"),
        NoAnswer(message="cut"),
    ],
)
def test_trouble_while_looking_never_ends_a_job(
    job: Job, service: Service, error: Exception
) -> None:
    job = running(job, service)
    service.gets = [error, done(job.task_id)]
    assert visit(job).state == "running"
    assert visit(job).state == "archiving"
    assert service.count("submit") == 1


def test_a_word_never_seen_is_still_working(job: Job, service: Service) -> None:
    job = running(job, service)
    service.gets = [task(job.task_id, "SUSPENDED")]
    job = visit(job)
    assert (job.state, job.provider_status) == ("running", "SUSPENDED")


def test_unknown_is_kept_for_a_day_and_then_lost(job: Job, service: Service) -> None:
    job = running(job, service)
    service.gets = [task(job.task_id, "UNKNOWN"), task(job.task_id, "UNKNOWN")]
    assert visit(job).state == "running"
    Job.objects.filter(pk=job.pk).update(submitted_at=timezone.now() - timedelta(hours=25))
    job = visit(job)
    assert (job.state, job.code) == ("failed", "task-lost")
    assert budget.status(job.team).held == 0
    assert job.settled_micros == job.quote_micros, "it may have been billed"


def test_a_failed_task_costs_nothing_and_says_why(job: Job, service: Service) -> None:
    job = running(job, service)
    service.gets = [
        task(
            job.task_id, "FAILED", code="InvalidURL", message="The input audio is longer than 60s."
        )
    ]
    job = visit(job)
    assert (job.state, job.code, job.fault, job.provider_code) == (
        "failed",
        "task-failed",
        "input",
        "InvalidURL",
    )
    assert job.sentence
    assert job.advice
    assert budget.status(job.team).used == 0


def test_a_success_without_a_result_is_paid_but_failed(job: Job, service: Service) -> None:
    job = running(job, service)
    service.gets = [
        task(job.task_id, "SUCCEEDED", {}, {"video_duration": 3.93, "video_ratio": "1:1"})
    ]
    job = visit(job)
    assert (job.state, job.code, job.fault, job.settled_micros) == (
        "failed",
        "bad-result",
        "service",
        45_073,
    )
    assert budget.status(job.team) == BudgetStatus("USD", None, 0, 45_073)


def test_an_old_step_cannot_touch_a_new_attempt(job: Job, service: Service) -> None:
    stale = fresh(job)
    visit(job)
    with pytest.raises(Moved):
        transitions.move(stale, State.SUBMITTING, "Sending", attempt=1)
    assert fresh(job).state == "running"


# ── cancel ──


def test_cancel_in_our_queue_is_free(job: Job, creator: User, team: Team) -> None:
    assert "cost nothing" in transitions.cancel(job, creator)
    assert fresh(job).state == "canceled"
    assert budget.status(team).used == 0


def test_cancel_while_pending_asks_the_service(
    job: Job, service: Service, creator: User, team: Team
) -> None:
    job = running(job, service)
    assert "cost nothing" in transitions.cancel(job, creator)
    assert fresh(job).state == "canceled"
    assert service.count("cancel") == 1
    assert budget.status(team).used == 0


def test_cancel_too_late_keeps_the_job(
    job: Job, service: Service, creator: User, team: Team
) -> None:
    job = running(job, service)
    service.cancels = [False, NoAnswer(message="cut")]
    assert "cannot be canceled any more" in transitions.cancel(job, creator)
    assert "Nothing has changed" in transitions.cancel(job, creator)
    assert fresh(job).state == "running"
    assert budget.status(team).held == 45_876


# ── templates and dances ──


@pytest.fixture
def dance(team: Team, creator: User, account: Account) -> OrderRequest:
    character = makers.asset(team)
    makers.check(character, account, "animate-anyone-detect-gen2")
    return OrderRequest(
        team,
        creator,
        "animate-anyone-gen2",
        {"image_url": character},
        template_video=makers.asset(team, "video"),
        account=account,
    )


def test_a_dance_from_a_new_video_brings_its_template_job(
    dance: OrderRequest, service: Service, team: Team
) -> None:
    job = fresh(create.create(dance))
    maker = fresh(job.needs)
    assert (job.code, maker.model, maker.code) == (
        "needs-template",
        "animate-anyone-template-gen2",
        "waiting-turn",
    )
    assert budget.status(team).held == 2 * 45_876
    assert {line.micros for line in estimate(dance).lines} == {45_876}
    maker = visit(maker)
    service.gets = [template_done(maker.task_id, "AACT.9", 4.0)]
    maker = visit(maker)
    assert maker.state == "succeeded"
    job = fresh(job)
    assert (job.code, job.template.template_id) == ("waiting-turn", "AACT.9")
    job = visit(job)
    assert job.state == "running"
    body = (
        service.asked[-1][1]
        if service.asked[-1][0] == "submit"
        else [b for w, b in service.asked if w == "submit"][-1]
    )
    assert body["input"]["template_id"] == "AACT.9"
    service.gets = [done(job.task_id, 4.0, ratio="standard")]
    job = visit(job)
    assert (job.state, job.settled_micros) == ("archiving", 45_876)


def test_the_same_video_is_not_paid_twice(dance: OrderRequest, service: Service) -> None:
    first = create.create(dance)
    second = create.create(dance)
    assert second.needs_id == first.needs_id, "the template under way is waited for"
    maker = visit(fresh(first.needs))
    service.gets = [template_done(maker.task_id)]
    visit(maker)
    third = create.create(dance)
    assert third.needs is None
    assert third.template is not None
    assert dance.team.jobs.filter(model="animate-anyone-template-gen2").count() == 1


def test_a_failed_template_fails_its_dances_for_free(
    dance: OrderRequest, service: Service, team: Team
) -> None:
    job = create.create(dance)
    maker = visit(fresh(job.needs))
    service.gets = [
        task(
            maker.task_id,
            "FAILED",
            code="InvalidFile.Content",
            message="The first frame of input video has no human body.",
        )
    ]
    visit(maker)
    job = fresh(job)
    assert (job.state, job.code) == ("failed", "no-template")
    assert budget.status(team).used == 0


def test_a_forgotten_template_is_marked_and_made_again(
    team: Team, creator: User, account: Account, dance: OrderRequest, service: Service
) -> None:
    import dataclasses

    template = makers.template(team, account)
    job = fresh(create.create(dataclasses.replace(dance, template=template, template_video=None)))
    service.submits = [
        Rejected("InvalidFile.Template.Content", "Invalid template content.", status=400)
    ]
    job = visit(job)
    template.refresh_from_db()
    assert job.state == "failed"
    assert template.forgotten
    anew = create.again(job, creator)
    assert anew.needs is not None
    assert anew.needs.inputs.get().asset_id == template.asset_id


def test_run_again_is_a_new_job(job: Job, creator: User) -> None:
    transitions.cancel(job, creator)
    anew = create.again(fresh(job), creator)
    assert anew.pk != job.pk
    assert (anew.state, anew.again_of_id, anew.parameters) == ("queued", job.pk, job.parameters)


# ── what a review found ──


def test_a_template_canceled_elsewhere_takes_its_dances_along(
    dance: OrderRequest, service: Service, team: Team
) -> None:
    job = create.create(dance)
    maker = visit(fresh(job.needs))
    service.gets = [task(maker.task_id, "CANCELED")]
    assert visit(maker).state == "canceled"
    assert fresh(job).state == "canceled"
    assert budget.status(team).used == 0


def test_a_template_that_ends_while_the_dance_is_made_is_not_missed(
    dance: OrderRequest, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = create.create(dance)
    maker = visit(fresh(first.needs))

    def slow_plan(wish: OrderRequest) -> object:
        ready = plan(wish)
        if ready.waits_for is not None:
            service.gets = [template_done(maker.task_id, "AACT.1", 4.0)]
            visit(maker)
        return ready

    monkeypatch.setattr(create, "plan", slow_plan)
    second = fresh(create.create(dance))
    assert (second.code, second.needs_id) == ("waiting-turn", None)
    assert second.template is not None


def test_an_attempt_that_the_list_no_longer_shows_is_not_sent_again(
    job: Job, service: Service
) -> None:
    job = sent_without_answer(job, service)
    Job.objects.filter(pk=job.pk).update(
        submitting_at=timezone.now() - timedelta(hours=60), tries=5
    )
    job = visit(job)
    assert (job.state, job.code) == ("uncertain", "several-tasks")
    assert service.count("submit") == 1


def test_a_broken_job_rests_and_the_next_one_goes(
    job: Job, wish: OrderRequest, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    other = create.create(dataclasses.replace(wish, title="Second"))
    inputs_for = __import__("jobs.engine.media_urls", fromlist=["x"]).inputs_for
    monkeypatch.setattr(
        "jobs.engine.media_urls.inputs_for",
        lambda one: 1 / 0 if one.pk == job.pk else inputs_for(one),
    )
    job = visit(job)
    assert (job.state, job.code) == ("queued", "backing-off")
    assert "own copy" in job.sentence
    assert fresh(other).state == "running"


def test_a_running_job_without_a_key_is_not_asked_about_all_the_time(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = visit(job)

    def no_key(account: object) -> Service:
        raise NoKey("The connection has no key in use.")

    monkeypatch.setattr("jobs.engine.poll.client_for", no_key)
    job = visit(job)
    assert job.state == "running"
    assert job.next_look_at > timezone.now() + timedelta(seconds=3)


def test_what_waited_for_the_account_is_waiting_for_its_turn_again(
    job: Job, wish: OrderRequest, service: Service
) -> None:
    Account.objects.filter(pk=job.account_id).update(
        paused_until=timezone.now() + timedelta(minutes=5), health_text="The connection rests."
    )
    others = [create.create(wish) for _ in range(3)]
    visit(job)
    assert {fresh(other).code for other in others} == {"account-paused"}
    Account.objects.filter(pk=job.account_id).update(paused_until=None)
    visit(job)
    assert [fresh(other).code for other in others][1:] == ["waiting-turn", "waiting-turn"]


def test_the_same_click_with_another_wish_is_another_job(wish: OrderRequest) -> None:
    import dataclasses

    first = create.create(dataclasses.replace(wish, key="click-1"))
    changed = dataclasses.replace(
        wish, key="click-1", chosen={**wish.chosen, "style_level": "calm"}
    )
    assert create.create(changed).pk != first.pk
