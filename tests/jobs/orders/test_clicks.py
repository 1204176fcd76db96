"""The same click is the same job or set; another order is not; and what an order again is made
of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError

from jobs.billing import budget
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.models import Account, ApiKey, Budget, Job, JobSet, Lane, LedgerEntry
from jobs.orders import create, create_batch, undo
from jobs.orders.order_request import OrderRequest
from jobs.orders.plan import plan
from studio.models import Asset, Team, User
from tests import makers

pytestmark = pytest.mark.django_db
PRICE = 45_876
DANCE, MAKER = "animate-anyone-gen2", "animate-anyone-template-gen2"


@pytest.fixture
def order(team: Team, creator: User, account: Account) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    makers.check(portrait, account, chosen={"ratio": "3:4"})
    files = {"image_url": portrait, "audio_url": speech}
    return OrderRequest(team, creator, "emo-v1", files, {"ratio": "1:1"}, title="Video", key="k")


@pytest.fixture
def dance(team: Team, creator: User, account: Account) -> OrderRequest:
    picture, video = makers.asset(team), makers.asset(team, "video")
    makers.check(picture, account, "animate-anyone-detect-gen2")
    files = {"image_url": picture}
    return OrderRequest(team, creator, DANCE, files, template_video=video, key="k", title="Dance")


def others(order: OrderRequest) -> dict[str, dict[str, Any]]:
    """Changes that make another order of one, by what is changed."""
    team, files = order.team, order.files
    return {
        "key": {"key": "k2"},
        "model": {"model": "wan2.2-s2v"},
        "file": {"files": {**files, "audio_url": makers.asset(team, "audio")}},
        "choice": {"chosen": {"ratio": "3:4"}},
        "template": {"template": makers.template(team, team.accounts.get())},
        "video": {"template_video": makers.asset(team, "video")},
    }


# ── one job ───────────────────────────────────────────────────────────────────────────────────────


def test_every_part_of_an_order_is_in_the_key_of_its_click(order: OrderRequest) -> None:
    keys = {create.click_key(order)}
    for change in others(order).values():
        keys.add(create.click_key(replace(order, **change)))
    assert len(keys) == 7
    assert all(len(key) == 40 for key in keys)
    assert create.click_key(replace(order, key="")) == ""
    turned = dict(reversed(list(order.files.items())))
    assert create.click_key(replace(order, files=turned)) == create.click_key(order)


def test_the_same_click_is_the_same_job_and_is_not_planned_again(
    order: OrderRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = create.create(order)
    assert job.idempotency_key == create.click_key(order)
    monkeypatch.setattr(create, "plan", None)
    assert create.create(replace(order, title="Another name")) == job
    assert Job.objects.count() == 1


def test_without_a_key_each_is_another_job(order: OrderRequest) -> None:
    first, second = (create.create(replace(order, key="")) for _ in range(2))
    assert first != second
    assert (first.idempotency_key, second.idempotency_key) == ("", "")


def test_a_click_of_another_team_is_another_job(order: OrderRequest, stranger: User) -> None:
    job = create.create(order)
    theirs = stranger.memberships.get().team
    Job.objects.filter(pk=job.pk).update(team=theirs)
    assert create.create(order) != job


@pytest.mark.parametrize("known", ["before", "never"])
def test_the_slower_half_of_a_double_click(
    order: OrderRequest, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    """Only a job of the same click takes the place of what the database refused."""
    job = create.create(order) if known == "before" else None
    seen = [None, job]
    monkeypatch.setattr(create, "_made_before", lambda order: seen.pop(0))

    def refused(*args: Any) -> Job:
        raise IntegrityError("one_job_per_click")

    for way in ("_create", "_create_locked"):
        monkeypatch.setattr(create, way, refused)
    if job is None:
        with pytest.raises(IntegrityError):
            create.create(order)
    else:
        assert create.create(order) == job


def test_a_plan_of_the_page_is_taken_where_it_serves(
    order: OrderRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = plan(order, checked=False)
    other = replace(order, chosen={"ratio": "3:4"})
    assert create.ready_plan(other, page).variant == "3:4"
    assert create.ready_plan(order, None).check is not None
    monkeypatch.setattr(create, "plan", None)
    assert create.ready_plan(replace(order, title="X"), page).order.title == "X"


def test_a_dance_and_its_template_are_one_test_of_the_budget(dance: OrderRequest) -> None:
    limit = Budget.objects.create(team=dance.team, micros=2 * PRICE - 1)
    with pytest.raises(budget.OverBudget, match=r"0\.0918"):
        create.create(dance)
    assert (Job.objects.count(), LedgerEntry.objects.count()) == (0, 0)
    limit.micros += 1
    limit.save(update_fields=["micros"])
    job = create.create(dance)
    maker = job.needs
    assert maker is not None
    assert maker.idempotency_key == undo.key_of(job.idempotency_key)
    assert [lane.wakeups for lane in Lane.objects.all()] == [1, 1]
    assert {lane.model for lane in Lane.objects.all()} == {DANCE, MAKER}
    assert undo.makers_of(job) == [maker]
    assert undo.held(job) == 2 * PRICE


def test_a_lane_is_woken_by_its_click(order: OrderRequest) -> None:
    job = create.create(order)
    job.lane.refresh_from_db()
    assert job.lane.wakeups == 1


@pytest.mark.parametrize("several", [False, True])
def test_who_has_too_many_waiting_makes_nothing(order: OrderRequest, several: bool) -> None:
    # The click may be of a page that read the team before the limit was set.
    Team.objects.filter(pk=order.team.pk).update(waiting_limit=1)
    if not several:
        create.create(order)
    click = create_batch.create_batch if several else create.create
    with pytest.raises(Refused, match="2 jobs waiting"):
        click([order, order] if several else replace(order, key="k2"))  # type: ignore[operator]
    assert Job.objects.count() == (0 if several else 1)
    assert JobSet.objects.count() == 0


# ── again ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_again_is_the_same_as_another_job(
    order: OrderRequest, owner: User, account: Account
) -> None:
    job = create.create(order, full={"name": "audio_url"})
    wish = create.request_of(job, owner, "again")
    assert (wish.team, wish.owner, wish.model, wish.files) == (
        order.team,
        owner,
        "emo-v1",
        order.files,
    )
    assert (wish.chosen, wish.account, wish.title, wish.key) == (
        job.parameters,
        account,
        "Video",
        "again",
    )
    assert (wish.template, wish.template_video) == (None, None)
    more = create.again(job, owner, "again")
    assert (more.again_of, more.full, more.owner) == (job, {"name": "audio_url"}, owner)
    assert create.again(job, owner, "again") == more
    assert create.again(job, owner) != more


@pytest.mark.parametrize("gone", ["key", "draining"])
def test_an_account_that_takes_nothing_more_is_left(order: OrderRequest, gone: str) -> None:
    job = create.create(order)
    if gone == "key":
        ApiKey.objects.update(active=False)
    else:
        Account.objects.update(pause_state="draining")
    assert create.request_of(Job.objects.get(pk=job.pk), order.owner).account is None


def test_a_dance_again_uses_its_template_or_has_it_made(
    dance: OrderRequest, account: Account
) -> None:
    video = dance.template_video
    job = create.create(dance)
    wish = create.request_of(job, dance.owner)
    assert (wish.template, wish.template_video) == (None, video)
    template = makers.template(dance.team, account, video)
    Job.objects.filter(pk=job.pk).update(template=template)
    wish = create.request_of(Job.objects.get(pk=job.pk), dance.owner)
    assert (wish.template, wish.template_video) == (template, None)
    template.forgotten = True
    template.save(update_fields=["forgotten"])
    wish = create.request_of(Job.objects.get(pk=job.pk), dance.owner)
    assert (wish.template, wish.template_video) == (None, video)


# ── a set ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_set_is_what_its_click_says(order: OrderRequest, account: Account) -> None:
    other = replace(order, chosen={"ratio": "3:4"}, title="Second")
    before, full = makers.job(order.team, order.owner), {"name": "audio_url"}
    made = create_batch.create_batch(
        [order, other],
        kind="sweep",
        title="  Two \n videos " + "x" * 250,
        key="k",
        again_of=[before, None],
        full=[None, full],
    )
    assert (made.team, made.owner, made.kind) == (order.team, order.owner, "sweep")
    assert made.title == ("Two videos " + "x" * 250)[:200]
    first, second = made.jobs.order_by("pk")
    assert [(one.title, one.variant, one.idempotency_key) for one in (first, second)] == [
        ("Video", "1:1", ""),
        ("Second", "3:4", ""),
    ]
    assert (first.again_of, second.again_of) == (before, None)
    assert (first.full, second.full) == ({}, full)
    assert Lane.objects.get().wakeups == 1


def test_the_same_click_is_the_same_set(order: OrderRequest) -> None:
    other = replace(order, chosen={"ratio": "3:4"})
    made = create_batch.create_batch([order, other], kind="sweep", key="k")
    assert create_batch.create_batch([order, other], kind="sweep", key="k") == made
    rest = [
        create_batch.create_batch([order, other], kind="sweep", key="k2"),
        create_batch.create_batch([order, other], kind="split", key="k"),
        create_batch.create_batch([other, order], kind="sweep", key="k"),
        create_batch.create_batch([order], kind="sweep", key="k"),
        create_batch.create_batch([order, other], kind="sweep"),
        create_batch.create_batch([order, other], kind="sweep"),
    ]
    assert len({one.pk for one in (made, *rest)}) == 7
    assert [len(one.idempotency_key) for one in (made, *rest)] == [40] * 5 + [0, 0]


def test_a_set_is_one_test_of_the_budget(order: OrderRequest, dance: OrderRequest) -> None:
    Budget.objects.create(team=order.team, micros=3 * PRICE - 1)
    with pytest.raises(budget.OverBudget, match=r"0\.1376"):
        create_batch.create_batch([order, dance])
    assert (Job.objects.count(), JobSet.objects.count()) == (0, 0)


@pytest.mark.parametrize("number", [0, create_batch.MOST + 1])
def test_a_set_of_none_or_too_many_is_refused(order: OrderRequest, number: int) -> None:
    with pytest.raises(Refused) as refused:
        create_batch.create_batch([order] * number)
    assert ("nothing to make" in str(refused.value)) is (number == 0)
    create_batch._require_a_number_that_fits(create_batch.MOST)
    create_batch._require_a_number_that_fits(1)


def test_what_does_not_fit_is_named(order: OrderRequest) -> None:
    small = makers.asset(order.team, width=300, height=300)
    bad = replace(order, files={**order.files, "image_url": small})
    with pytest.raises(Refused) as refused:
        create_batch.create_batch([order, bad, replace(bad, title="")])
    first, second = (str(sentence) for sentence in refused.value.sentences)
    assert first.startswith("Video: ")
    assert second.startswith("EMO") or ": " in second
    assert JobSet.objects.count() == 0


def test_a_set_that_is_joined_takes_each_job_again_once(order: OrderRequest, creator: User) -> None:
    made = create_batch.create_batch([order], key="k")
    (job,) = made.jobs.all()
    Job.objects.filter(pk=job.pk).update(state=State.FAILED)
    wish = create.request_of(job, creator)
    assert create_batch.create_batch([wish], again_of=[job], into=made) == made
    assert made.jobs.count() == 2
    assert create_batch.create_batch([wish], again_of=[job], into=made) == made
    assert (made.jobs.count(), JobSet.objects.count()) == (2, 1)


def test_a_template_of_a_set_is_known_by_the_set(
    dance: OrderRequest,
) -> None:
    second = replace(dance, title="Second")
    made = create_batch.create_batch([dance, second], key="k")
    makers_made = Job.objects.filter(model=MAKER)
    (maker,) = makers_made
    assert maker.idempotency_key.startswith(undo.key_of_set(made))
    assert len(maker.idempotency_key) <= 40
    assert undo.makers_of(made) == [maker]
    assert undo.held(made) == 3 * PRICE
    assert [job.needs for job in made.jobs.all()] == [maker, maker]
    assert {lane.wakeups for lane in Lane.objects.all()} == {1}


# ── undone ────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_of_nothing_is_nothing() -> None:
    assert undo.key_of("") == ""
    assert undo.key_of("a") != undo.key_of("b")
    assert len(undo.key_of("a")) == 40


def test_the_template_of_another_click_is_not_this_ones(
    dance: OrderRequest, account: Account
) -> None:
    first = create.create(dance)
    second = create.create(replace(dance, key="k2"))
    assert second.needs == first.needs
    assert undo.makers_of(second) == []
    assert undo.held(second) == PRICE
    assert undo.makers_of(create.create(replace(dance, key=""))) == []


@pytest.mark.parametrize(
    ("waiting", "state", "gone"),
    [
        ([], State.QUEUED, True),
        ([State.CANCELED, State.FAILED], State.QUEUED, True),
        ([State.QUEUED], State.QUEUED, False),
        ([State.CANCELED, State.UNCERTAIN], State.QUEUED, False),
        ([], State.SUCCEEDED, False),
    ],
)
def test_a_template_is_dropped_when_nobody_waits_for_it(
    team: Team, creator: User, owner: User, waiting: list[State], state: State, gone: bool
) -> None:
    maker = makers.job(team, creator, MAKER, state)
    for one in waiting:
        makers.job(team, creator, DANCE, one, needs=maker)
    assert undo.drop(maker, owner)
    maker.refresh_from_db()
    assert maker.state == (State.CANCELED if gone else state)
    if gone:
        assert "Aiko" in maker.events.last().text


@pytest.mark.parametrize("stops", [True, False])
def test_a_template_that_was_sent_is_stopped_while_that_is_free(
    dance: OrderRequest, service: Any, stops: bool
) -> None:
    job = create.create(dance)
    maker = job.needs
    assert maker is not None
    Job.objects.filter(pk=maker.pk).update(state=State.RUNNING, task_id="task-1", attempt=1)
    service.cancels = [stops]
    said = undo.undo(job, dance.owner)
    assert ("Its template was sent before" in said) is not stops
    assert service.asked == [("cancel", "task-1")]
    assert Job.objects.get(pk=job.pk).state == State.CANCELED


def test_what_cannot_be_taken_back_leaves_its_template(dance: OrderRequest, service: Any) -> None:
    job = create.create(dance)
    Job.objects.filter(pk=job.pk).update(state=State.UNCERTAIN, attempt=1)
    job.refresh_from_db()
    said = undo.undo(job, dance.owner)
    assert "template" not in said
    assert job.needs is not None
    assert Job.objects.get(pk=job.needs.pk).state == State.QUEUED


def test_files_are_those_of_the_order(order: OrderRequest) -> None:
    names: dict[str, Asset] = {row.name: row.asset for row in create.create(order).inputs.all()}
    assert names == order.files
