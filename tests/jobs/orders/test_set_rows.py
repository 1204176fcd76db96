"""What each click on several videos makes, what they cost together, and what a cancel of them
says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from jobs.billing import ledger
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.models import Account, Job, JobSet
from jobs.orders import create, plan, sets, trim, undo
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db
SECOND = 11_469  # micros of an emo-v1 video 1:1
DANCE, MAKER = "animate-anyone-gen2", "animate-anyone-template-gen2"


@pytest.fixture
def order(team: Team, creator: User, account: Account, noon: datetime) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio", milliseconds=4000)
    makers.check(portrait, account)
    files = {"image_url": portrait, "audio_url": speech}
    return OrderRequest(
        team, creator, "emo-v1", files, {"ratio": "1:1"}, account=account, title="Video", key="k"
    )


@pytest.fixture
def dance(team: Team, creator: User, account: Account) -> OrderRequest:
    picture, video = makers.asset(team), makers.asset(team, "video")
    makers.check(picture, account, "animate-anyone-detect-gen2")
    files = {"image_url": picture}
    return OrderRequest(
        team, creator, DANCE, files, template_video=video, account=account, title="Dance", key="k"
    )


def swept(order: OrderRequest) -> JobSet:
    made = sets.make(order, "sweep")
    assert isinstance(made, JobSet)
    return made


# ── what is made ──────────────────────────────────────────────────────────────────────────────────


def test_side_by_side_differs_in_one_choice_alone(order: OrderRequest) -> None:
    several = sets.sweep(order)
    assert [one.chosen for one in several] == [
        {"ratio": "1:1", "style_level": level} for level in ("calm", "normal", "active")
    ]
    for one in several:
        assert replace(one, chosen=order.chosen, title=order.title) == order


def test_a_long_title_keeps_the_word_that_tells_the_videos_apart(order: OrderRequest) -> None:
    long = replace(order, title="x" * 199 + "y")
    assert sets.sweep(long)[0].title == "x" * 150 + " · Calm"


@pytest.mark.parametrize("model", ["wan2.2-s2v", "animate-anyone-template-gen2"])
def test_what_has_nothing_to_compare_is_refused(order: OrderRequest, model: str) -> None:
    with pytest.raises(Refused, match="no choice whose values could be compared at one price"):
        sets.sweep(replace(order, model=model, chosen={}))


@pytest.mark.parametrize(
    ("chosen", "compared"),
    [({"use_ref_img_bg": True}, True), ({"use_ref_img_bg": False}, False), ({}, False)],
)
def test_a_choice_that_is_not_heeded_is_not_compared(
    chosen: dict[str, Any], compared: bool
) -> None:
    """The shape of a dance counts only with the picture's own background."""
    whole = entries.get(DANCE)
    shape = tuple(one for one in whole.parameters if one.name == "video_ratio")
    found = sets.swept(replace(whole, parameters=shape), chosen)
    assert (found is not None) is compared


def test_a_set_has_kind_title_and_owner_of_its_click(order: OrderRequest) -> None:
    made = swept(order)
    assert (made.kind, made.title, made.owner, made.team) == (
        JobSet.Kind.SWEEP,
        "Video",
        order.owner,
        order.team,
    )
    assert made.idempotency_key != ""
    assert swept(order) == made, "the same click"
    assert swept(replace(order, key="k2")) != made
    assert [job.full for job in made.jobs.all()] == [{}, {}, {}]


def test_videos_that_are_made_again_say_of_what(order: OrderRequest) -> None:
    first = create.create(order)
    made = sets.make(replace(order, key="k2"), "sweep", again_of=first)
    assert isinstance(made, JobSet)
    assert [job.again_of for job in made.jobs.all()] == [first] * 3
    again = sets.make(replace(order, key="k3"), "make", again_of=first)
    assert isinstance(again, Job)
    assert again.again_of == first


def test_a_plan_that_is_known_is_not_made_again(
    order: OrderRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = plan.plan(order, checked=False)
    monkeypatch.setattr(create, "plan", None)
    job = sets.make(order, "make", planned=ready)
    assert isinstance(job, Job)
    assert job.quote_micros == 4 * SECOND


# ── what they cost ────────────────────────────────────────────────────────────────────────────────


def test_a_template_is_in_the_price_of_several_once(dance: OrderRequest) -> None:
    estimate = plan.estimate(dance)
    once, video = (line.micros for line in estimate.lines)
    assert (once, video) == (45_876, 45_876)
    assert [sets.price(estimate, videos) for videos in (0, 1, 3)] == [
        once,
        once + video,
        once + 3 * video,
    ]


def test_the_sums_of_a_set_are_those_of_its_jobs_and_their_template(
    dance: OrderRequest, order: OrderRequest
) -> None:
    made = swept(dance)
    other = create.create(replace(order, key="alone"))
    assert sets.sums(made) == (3 * 45_876, 0)
    first = made.jobs.earliest("id")
    ledger.settle(first, Decimal(2), first.variant)
    assert sets.sums(made) == (2 * 45_876, 22_938)
    ledger.settle(other, Decimal(2), other.variant)
    assert sets.sums(made) == (2 * 45_876, 22_938), "what is not of it does not count"


def test_a_set_without_entries_costs_nothing(order: OrderRequest) -> None:
    empty = JobSet.objects.create(team=order.team, owner=order.owner, title="Empty")
    assert sets.sums(empty) == (0, 0)


def test_all_of_it_again_is_priced_job_by_job(
    order: OrderRequest, creator: User, noon: datetime
) -> None:
    jobs = list(swept(order).jobs.all())
    longer = makers.asset(order.team, "audio", milliseconds=6000)
    other = create.create(replace(order, files={**order.files, "audio_url": longer}, key="longer"))
    assert sets.total_again(jobs, creator) == 3 * 4 * SECOND
    assert sets.total_again([*jobs, other], creator) == (3 * 4 + 6) * SECOND
    assert sets.total_again([], creator) == 0


def test_dances_again_pay_a_forgotten_template_once(
    dance: OrderRequest, creator: User, account: Account
) -> None:
    assert dance.template_video is not None
    template = makers.template(dance.team, account, dance.template_video)
    made = swept(replace(dance, template=template, template_video=None))
    jobs = list(made.jobs.select_related("template__asset", "team", "account"))
    assert sets.total_again(jobs, creator) == 2 * 45_876
    template.forgotten = True
    template.save(update_fields=["forgotten"])
    jobs = list(made.jobs.select_related("template__asset", "team", "account"))
    assert sets.total_again(jobs, creator) == 3 * 45_876


# ── what failed, and a cancel ─────────────────────────────────────────────────────────────────────


def test_only_what_failed_here_is_offered_again(order: OrderRequest) -> None:
    made = swept(order)
    one, two, three = made.jobs.order_by("id")
    Job.objects.filter(pk__in=[three.pk, one.pk]).update(state=State.FAILED)
    Job.objects.filter(pk=two.pk).update(state=State.CANCELED)
    elsewhere = create.create(replace(order, key="elsewhere"))
    Job.objects.filter(pk=elsewhere.pk).update(state=State.FAILED)
    assert sets.failed(made) == [one, three]
    Job.objects.filter(pk=one.pk).update(adopted=True)
    assert sets.failed(made) == [three], "a task that was made elsewhere has no order"
    again = makers.job(order.team, order.owner, again_of=three, set=made)
    Job.objects.filter(pk=again.pk).update(state=State.FAILED)
    assert sets.failed(made) == [again], "in the set it was run again, whatever came of it"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (0, "3 videos are canceled and cost nothing."),
        (1, "2 videos are canceled and cost nothing. 1 was sent before and goes on."),
        (2, "1 video is canceled and cost nothing. 2 were sent before and go on."),
        (3, "Nothing of it waits here any more, so there is nothing to cancel."),
    ],
)
def test_a_cancel_says_what_it_stopped(
    order: OrderRequest, owner: User, sent: int, said: str
) -> None:
    made = swept(order)
    jobs = list(made.jobs.order_by("id"))
    Job.objects.filter(pk__in=[job.pk for job in jobs[:sent]]).update(state=State.RUNNING)
    assert sets.cancel(made, owner) == said
    states = list(made.jobs.order_by("id").values_list("state", flat=True))
    assert states == [State.RUNNING] * sent + [State.CANCELED] * (3 - sent)
    for job in jobs[sent:]:
        assert str(owner.short_name) in str(job.events.last().text)


def test_a_cancel_of_a_set_drops_the_template_of_its_click_in_the_name_of_who_did_it(
    dance: OrderRequest, owner: User
) -> None:
    made = swept(dance)
    (maker,) = undo.makers_of(made)
    sets.cancel(made, owner)
    maker.refresh_from_db()
    assert maker.state == State.CANCELED


def test_parts_of_a_speech_are_numbered_in_its_order(order: OrderRequest) -> None:
    limits = entries.get("emo-v1").input("audio_url").limits
    assert limits is not None
    whole = trim.read("", order.files["audio_url"], limits)
    parts = [whole.within(0, 2000), whole.within(2000, 4000)]
    several = sets.split(replace(order, title="t" * 199), "audio_url", parts)
    assert [one.title for one in several] == ["t" * 180 + " · 1/2", "t" * 180 + " · 2/2"]
    assert [one.trims for one in several] == [{"audio_url": part} for part in parts]


def test_a_split_needs_two_parts_and_keeps_its_click(order: OrderRequest) -> None:
    for parts in ([], [object()]):
        with pytest.raises(Refused, match="fits into one video"):
            sets.make(order, "split", parts)  # type: ignore[arg-type]
    assert not Job.objects.exists()


def test_clicks_are_those_that_are_made(order: OrderRequest) -> None:
    made: dict[str, Any] = {}
    assert sets.CLICKS == ("make", "clip", "sweep", "sweep-clip", "split")
    made["make"] = sets.make(order, "make")
    made["sweep"] = sets.make(order, "sweep")
    assert isinstance(made["make"], Job)
    assert isinstance(made["sweep"], JobSet)
    for do in ("clip", "sweep-clip"):
        with pytest.raises(Refused, match="too short for a test clip"):
            sets.make(order, do)
