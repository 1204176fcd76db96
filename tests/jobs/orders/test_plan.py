"""The plan of an order: what it comes to, and each reason for which there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import OPEN, State
from jobs.models import Account, ApiKey, Check, Job, Lane, Template
from jobs.orders import plan as planning
from jobs.orders.order_request import OrderRequest
from jobs.orders.plan import estimate, plan
from jobs.orders.trim import Trim
from studio.common.translatable import phrase
from studio.models import Asset, Team, User
from tests import makers

pytestmark = pytest.mark.django_db
DANCE, MAKER = "animate-anyone-gen2", "animate-anyone-template-gen2"


@pytest.fixture
def portrait(team: Team, creator: User, account: Account) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio", milliseconds=8000)
    makers.check(portrait, account, chosen={"ratio": "3:4"})
    files = {"image_url": portrait, "audio_url": speech}
    return OrderRequest(team, creator, "emo-v1", files, {"ratio": "3:4"}, account=account)


@pytest.fixture
def video(team: Team) -> Asset:
    return makers.asset(team, "video", milliseconds=6000)


@pytest.fixture
def dance(team: Team, creator: User, account: Account, video: Asset) -> OrderRequest:
    picture = makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    return OrderRequest(
        team, creator, DANCE, {"image_url": picture}, template_video=video, account=account
    )


def why(order: OrderRequest, **more: Any) -> list[str]:
    with pytest.raises(Refused) as refused:
        plan(order, **more)
    return [str(sentence) for sentence in refused.value.sentences]


# ── what fits ─────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_says_all_that_the_job_will_be(portrait: OrderRequest, account: Account) -> None:
    made = plan(portrait)
    spec = entries.get("emo-v1")
    assert (made.order, made.spec, made.account) == (portrait, spec, account)
    assert made.chosen == entries.clean_choices(spec, {"ratio": "3:4"})
    assert (made.variant, made.milliseconds) == ("3:4", 8000)
    assert (made.quote.micros, made.quote.currency, made.quote.units) == (183_496, "USD", 8)
    assert made.check == Check.objects.get()
    assert (made.template, made.first, made.waits_for) == (None, None, None)
    task = made.task
    assert (task.account, task.model, task.variant, task.milliseconds) == (
        account,
        "emo-v1",
        "3:4",
        8000,
    )


def test_an_estimate_has_one_line_for_each_thing_that_is_paid(
    portrait: OrderRequest, dance: OrderRequest
) -> None:
    one = estimate(portrait)
    assert [(str(line.label), line.micros) for line in one.lines] == [
        (f"{entries.get('emo-v1').label} 3:4", 183_496)
    ]
    assert (one.micros, one.currency, one.seconds) == (183_496, "USD", 8.0)
    assert str(one.lines[0].formula) == "8 s × $0.022937"
    both = estimate(dance)
    assert [(str(line.label), line.micros) for line in both.lines] == [
        (entries.get(MAKER).label, 68_814),
        (entries.get(DANCE).label, 68_814),
    ]
    assert (both.micros, both.seconds) == (2 * 68_814, 6.0)


def test_a_dance_from_a_new_video_makes_its_template_first(
    dance: OrderRequest, video: Asset, account: Account
) -> None:
    made = plan(replace(dance, key="k", title="A dance"))
    first = made.first
    assert first is not None
    order = first.order
    assert (order.model, order.files, order.chosen) == (MAKER, {"video_url": video}, {})
    assert (order.template_video, order.account, order.title, order.key) == (
        None,
        account,
        video.name,
        "",
    )
    assert (order.team, order.owner) == (dance.team, dance.owner)
    assert (first.milliseconds, made.milliseconds, made.template) == (6000, 6000, None)


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_template_of_the_same_content_is_used(
    dance: OrderRequest, video: Asset, account: Account, forgotten: bool
) -> None:
    template = makers.template(dance.team, account, video, forgotten=forgotten)
    template.milliseconds = 5000
    template.save(update_fields=["milliseconds"])
    made = plan(dance)
    if forgotten:
        assert (made.template, made.first is not None) == (None, True)
    else:
        assert (made.template, made.first, made.milliseconds) == (template, None, 5000)


def test_a_template_of_another_video_or_account_is_not(
    dance: OrderRequest, video: Asset, account: Account
) -> None:
    makers.template(dance.team, account)
    makers.template(dance.team, makers.account(dance.team), video)
    made = plan(dance)
    assert (made.template, made.waits_for, made.first is not None) == (None, None, True)


@pytest.mark.parametrize("state", [*OPEN, State.FAILED])
def test_a_template_that_is_being_made_is_waited_for(
    dance: OrderRequest, video: Asset, account: Account, state: State
) -> None:
    maker = makers.job(dance.team, dance.owner, MAKER, state, account, files={"video_url": video})
    made = plan(dance)
    if state is State.FAILED:
        assert (made.waits_for, made.first is not None) == (None, True)
        return
    assert (made.waits_for, made.first, made.template) == (maker, None, None)
    alone = OrderRequest(dance.team, dance.owner, MAKER, {"video_url": video}, account=account)
    (sentence,) = why(alone)
    assert f"is being made on {account} already: “{maker.title}”" in sentence


def test_what_is_chosen_counts_before_what_is_known(
    dance: OrderRequest, video: Asset, account: Account
) -> None:
    makers.template(dance.team, account, video)
    chosen = makers.template(dance.team, account)
    assert plan(replace(dance, template=chosen)).template == chosen


# ── the account ───────────────────────────────────────────────────────────────────────────────────


def test_the_account_is_the_named_one_the_templates_or_the_teams(
    portrait: OrderRequest, dance: OrderRequest, account: Account
) -> None:
    other = makers.account(portrait.team)
    makers.check(portrait.files["image_url"], other, chosen={"ratio": "1:1"})
    assert plan(replace(portrait, account=other)).account == other
    template = makers.template(portrait.team, other)
    chosen = replace(dance, template=template, template_video=None, account=None)
    assert plan(chosen).account == other
    assert plan(replace(portrait, account=None)).account in (account, other)


@pytest.mark.parametrize("whose", ["account", "team"])
def test_a_template_of_elsewhere_is_refused(
    dance: OrderRequest, account: Account, stranger: User, whose: str
) -> None:
    theirs = stranger.memberships.get().team
    other = makers.account(dance.team)
    template = makers.template(dance.team, other)
    if whose == "team":
        Template.objects.filter(pk=template.pk).update(team=theirs, account=account)
        template.refresh_from_db()
    (sentence,) = why(replace(dance, template=template))
    assert "belongs to another connection" in sentence


def test_without_a_key_or_a_region_there_is_no_account(
    portrait: OrderRequest, account: Account
) -> None:
    Account.objects.update(region="ap-southeast-1")
    account.refresh_from_db()
    (sentence,) = why(replace(portrait, account=account))
    assert "is not offered in" in sentence
    assert account.get_region_display() in sentence
    ApiKey.objects.update(active=False)
    account = Account.objects.get()
    (sentence,) = why(replace(portrait, account=account))
    assert "no Model Studio connection with a key" in sentence
    (sentence,) = why(replace(portrait, account=None))
    assert "no Model Studio connection with a key" in sentence


@pytest.mark.parametrize("twin", [False, True])
def test_a_lane_that_is_drained_takes_nothing_new(
    portrait: OrderRequest, account: Account, owner: User, twin: bool
) -> None:
    lane_of = account
    if twin:
        lane_of = makers.account(portrait.team)
        Account.objects.filter(pk=account.pk).update(same_as=lane_of)
    lane = Lane.objects.create(account=lane_of, model="emo-v1")
    Lane.objects.create(account=lane_of, model=DANCE, pause_state="draining", pause_set_by=owner)
    plan(replace(portrait, account=Account.objects.get(pk=account.pk)))
    Lane.objects.filter(pk=lane.pk).update(pause_state="draining", pause_set_by=owner)
    assert len(why(replace(portrait, account=Account.objects.get(pk=account.pk)))) == 1


# ── files and choices ─────────────────────────────────────────────────────────────────────────────


def test_every_reason_is_said_at_once_with_the_name_of_its_file(portrait: OrderRequest) -> None:
    small = makers.asset(portrait.team, width=300, height=300)
    sentences = why(replace(portrait, files={"image_url": small}))
    spec = entries.get("emo-v1")
    assert len(sentences) == 2
    assert sentences[0].startswith(f"{spec.input('image_url').label}: ")
    assert sentences[1] == f"{spec.input('audio_url').label} is missing. Choose a file."


def test_a_kept_part_is_tested_and_priced_as_the_file_that_it_becomes(
    portrait: OrderRequest,
) -> None:
    speech = makers.asset(portrait.team, "audio", milliseconds=90_000)
    long = replace(portrait, files={**portrait.files, "audio_url": speech})
    assert "90.0 s" in why(long)[0]
    part = replace(long, trims={"audio_url": Trim(((1000, 4500),), 90_000)})
    assert (plan(part).milliseconds, plan(part).quote.micros) == (3500, 80_280)


def test_a_model_or_a_choice_that_is_none_is_said(portrait: OrderRequest) -> None:
    assert why(replace(portrait, model="emo-v9")) == ["The model emo-v9 is not in the catalogue."]
    assert len(why(replace(portrait, chosen={"ratio": "9:1"}))) == 1


def test_a_dance_needs_a_template_or_a_video(dance: OrderRequest) -> None:
    assert why(replace(dance, template_video=None)) == [
        "Choose a dance template, or a video to make one from."
    ]


def test_what_is_wrong_with_the_video_of_a_dance_is_said(dance: OrderRequest) -> None:
    bad = makers.asset(dance.team, "video", fps=5.0)
    assert why(replace(dance, template_video=bad)) != []


def test_a_file_of_no_length_makes_no_video(
    portrait: OrderRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_file_problems", lambda spec, order: [])
    silent = makers.asset(portrait.team, "audio", milliseconds=0)
    order = replace(portrait, files={**portrait.files, "audio_url": silent})
    assert why(order) == ["This would be a video of no length at all. Choose a longer file."]


# ── the check ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("state", "sentence", "said"),
    [
        (None, "", "not checked yet"),
        (Check.State.WAITING, "", "not checked yet"),
        (Check.State.ASKING, "", "not checked yet"),
        (Check.State.REFUSED, "No face was found.", "No face was found."),
        (Check.State.REFUSED, "", "did not pass the check"),
        (Check.State.UNCERTAIN, "", "did not pass the check"),
    ],
)
def test_a_video_needs_a_check_that_passed(
    portrait: OrderRequest, state: str | None, sentence: str, said: str
) -> None:
    if state is None:
        Check.objects.all().delete()
    else:
        Check.objects.update(state=state, sentence=phrase(sentence) if sentence else "")
    assert said in why(portrait)[0]
    page = plan(portrait, checked=False)
    assert page.check is None, "it may be to come"
    with pytest.raises(Refused, match=said):
        page.for_click(portrait)


def test_the_check_is_of_the_very_choice(portrait: OrderRequest) -> None:
    assert "not checked yet" in why(replace(portrait, chosen={"ratio": "1:1"}))[0]


def test_a_plan_of_the_page_becomes_that_of_the_click(
    portrait: OrderRequest, dance: OrderRequest
) -> None:
    for order in (portrait, dance):
        page = plan(order, checked=False)
        click = replace(order, key="k", title="T")
        assert page.serves(click)
        ready = page.for_click(click)
        assert (ready.order, ready.check) == (click, plan(order).check)
        assert (ready.first is None) == (page.first is None)
        assert ready.quote == page.quote


@pytest.mark.parametrize(
    "other",
    [
        {"model": "wan2.2-s2v"},
        {"chosen": {"ratio": "1:1"}},
        {"files": {}},
        {"account": None},
        {"trims": {"audio_url": Trim(((0, 4000),), 8000)}},
    ],
)
def test_a_plan_serves_no_other_order(portrait: OrderRequest, other: dict[str, Any]) -> None:
    page = plan(portrait, checked=False)
    assert not page.serves(replace(portrait, **other))


def test_a_plan_of_what_is_cut_first_serves_nothing(portrait: OrderRequest) -> None:
    cut = replace(portrait, trims={"audio_url": Trim(((0, 4000),), 8000)})
    assert not plan(cut, checked=False).serves(portrait)
    whole = replace(portrait, trims={"audio_url": Trim(((0, 8000),), 8000)})
    whole = replace(whole, trims={})
    assert plan(whole, checked=False).serves(portrait)


def test_jobs_that_are_over_make_nothing(dance: OrderRequest, video: Asset) -> None:
    assert dance.account is not None
    made = makers.job(dance.team, dance.owner, MAKER, files={"video_url": video})
    assert planning.under_way(dance.account, MAKER, video) == made
    assert planning.under_way(dance.account, MAKER, makers.asset(dance.team, "video")) is None
    assert planning.under_way(dance.account, DANCE, video) is None
    assert planning.under_way(makers.account(dance.team), MAKER, video) is None
    Job.objects.update(state=State.SUCCEEDED, finished_at=timezone.now() - timedelta(days=1))
    assert planning.under_way(dance.account, MAKER, video) is None
