"""Sets: all jobs or none, one test of their sum, one click one set; test clips and what they are
the beginning of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone

from jobs.billing import budget
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import Code, Rank, State
from jobs.engine import eta
from jobs.models import Account, Budget, Job, JobSet, LedgerEntry
from jobs.orders import create, sets, test_clips, trim
from jobs.orders.create_batch import create_batch
from jobs.orders.order_request import OrderRequest
from jobs.orders.plan import estimate, plan
from jobs.pages.create.confirmation import set_words
from studio.models import Asset, Team, User
from tests import files, makers
from tests.service import Service


@pytest.fixture
def speech(team: Team, tmp_path: Path) -> Asset:
    """A real sound of 12 s, so that it can be cut."""
    content = files.wav(12.0)
    return makers.asset(
        team, "audio", content, extension="wav", format="wav", mime="audio/wav", milliseconds=12_000
    )


@pytest.fixture
def wish(team: Team, creator: User, account: Account, speech: Asset) -> OrderRequest:
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    limits = entries.get("emo-v1").input("audio_url").limits
    assert limits is not None
    trims = {"audio_url": trim.read("", speech, limits)}
    return OrderRequest(
        team,
        creator,
        "emo-v1",
        {"image_url": picture, "audio_url": speech},
        {"ratio": "1:1"},
        account=account,
        title="Welcome",
        key="k",
        trims=trims,
    )


def jobs_of(made: Job | JobSet) -> list[Job]:
    assert isinstance(made, JobSet)
    return list(made.jobs.order_by("id"))


# ── all or nothing ──


def test_a_set_is_one_job_a_wish_with_its_hold(wish: OrderRequest) -> None:
    made = create_batch(sets.sweep(wish), kind=JobSet.Kind.SWEEP, title=wish.title, key="k")
    jobs = jobs_of(made)
    assert [job.parameters["style_level"] for job in jobs] == ["calm", "normal", "active"]
    assert [job.title for job in jobs] == ["Welcome · Calm", "Welcome · Normal", "Welcome · Active"]
    # 12 s at $0.011469
    assert [entry.held for entry in LedgerEntry.objects.order_by("id")] == [137_628] * 3
    assert (
        sum(estimate(one).micros for one in sets.sweep(wish))
        == sets.price(estimate(wish), 3)
        == 3 * 137_628
    )


def test_the_same_click_is_the_same_set_and_another_wish_is_not(wish: OrderRequest) -> None:
    several = sets.sweep(wish)
    first = create_batch(several, kind=JobSet.Kind.SWEEP, title="W", key="k")
    assert create_batch(several, kind=JobSet.Kind.SWEEP, title="W", key="k") == first
    assert Job.objects.count() == 3
    other = create_batch(
        [replace(one, chosen={**one.chosen}) for one in several[:2]],
        kind=JobSet.Kind.SWEEP,
        title="W",
        key="k",
    )
    assert other != first


def test_the_sum_is_tested_and_nothing_is_left_when_it_does_not_fit(
    wish: OrderRequest, team: Team
) -> None:
    Budget.objects.create(team=team, micros=2 * 137_628 + 1)
    with pytest.raises(budget.OverBudget, match=r"This needs \$0.4129"):
        create_batch(sets.sweep(wish), kind=JobSet.Kind.SWEEP, title="W", key="k")
    assert not Job.objects.exists()
    assert not JobSet.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_refused_names_the_one_that_does_not_fit(wish: OrderRequest, team: Team) -> None:
    unknown = replace(wish, title="Second", files={**wish.files, "image_url": makers.asset(team)})
    with pytest.raises(Refused, match=r"^Second: The picture is not checked yet"):
        create_batch([wish, unknown], kind=JobSet.Kind.BATCH, title="W", key="k")
    assert not Job.objects.exists()


def test_the_limit_of_waiting_jobs_counts_the_whole_set(wish: OrderRequest, team: Team) -> None:
    team.waiting_limit = 2
    team.save(update_fields=["waiting_limit"])
    with pytest.raises(Refused, match="You would have 3 jobs waiting"):
        create_batch(sets.sweep(wish), kind=JobSet.Kind.SWEEP, title="W", key="k")
    assert not JobSet.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_a_set_has_at_most_a_hundred_jobs(wish: OrderRequest) -> None:
    with pytest.raises(Refused, match="101 videos, and at most 100"):
        create_batch([wish] * 101, kind=JobSet.Kind.BATCH, title="W", key="k")
    with pytest.raises(Refused, match="nothing to make"):
        create_batch([], kind=JobSet.Kind.BATCH, title="W", key="k")


def test_places_in_line_are_told_one_behind_the_other(wish: OrderRequest) -> None:
    jobs = jobs_of(create_batch(sets.sweep(wish), kind=JobSet.Kind.SWEEP, title="W", key="k"))
    told = [job.forecast_ready_at for job in jobs]
    assert None not in told
    assert told == sorted(told)  # type: ignore[type-var]
    assert len(set(told)) == 3
    # the same as what the board then says, once the lane is there
    assert [eta.place(job).position for job in jobs] == [1, 2, 3]


def test_a_template_that_all_need_is_made_and_paid_once(
    team: Team, creator: User, account: Account
) -> None:
    picture, video = makers.asset(team), makers.asset(team, "video", codec="h264")
    makers.check(picture, account, "animate-anyone-detect-gen2")
    wish = OrderRequest(
        team,
        creator,
        "animate-anyone-gen2",
        {"image_url": picture},
        template_video=video,
        account=account,
        title="Dance",
    )
    several = sets.sweep(wish)
    assert len(several) == 2
    total = sets.price(estimate(wish), 2)
    made = create_batch(several, kind=JobSet.Kind.SWEEP, title="Dance", key="k")
    maker = Job.objects.get(model="animate-anyone-template-gen2")
    assert [job.needs for job in jobs_of(made)] == [maker, maker]
    assert {job.code for job in jobs_of(made)} == {Code.NEEDS_TEMPLATE}
    assert sum(entry.held for entry in LedgerEntry.objects.all()) == total == 3 * 45_876
    # and one undo takes back all of it
    assert "2 videos are canceled" in sets.cancel(made, creator)
    assert set(Job.objects.values_list("state", flat=True)) == {State.CANCELED}
    assert sum(entry.held for entry in LedgerEntry.objects.all()) == 0


def test_a_template_of_an_earlier_click_survives_the_undo(
    team: Team, creator: User, account: Account
) -> None:
    picture, video = makers.asset(team), makers.asset(team, "video", codec="h264")
    makers.check(picture, account, "animate-anyone-detect-gen2")
    maker = makers.job(
        team, creator, "animate-anyone-template-gen2", account=account, files={"video_url": video}
    )
    wish = OrderRequest(
        team,
        creator,
        "animate-anyone-gen2",
        {"image_url": picture},
        template_video=video,
        account=account,
        title="Dance",
    )
    made = create_batch(sets.sweep(wish), kind=JobSet.Kind.SWEEP, title="Dance", key="k")
    sets.cancel(made, creator)
    maker.refresh_from_db()
    assert maker.state == State.QUEUED


def test_the_undo_of_a_set_leaves_a_template_that_another_dance_waits_for(
    team: Team, creator: User, owner: User, account: Account
) -> None:
    picture, video = makers.asset(team), makers.asset(team, "video", codec="h264")
    makers.check(picture, account, "animate-anyone-detect-gen2")
    wish = OrderRequest(
        team,
        creator,
        "animate-anyone-gen2",
        {"image_url": picture},
        template_video=video,
        account=account,
        title="Dance",
    )
    made = create_batch(sets.sweep(wish), kind=JobSet.Kind.SWEEP, title="Dance", key="k")
    other = create.create(replace(wish, owner=owner))
    sets.cancel(made, creator)
    other.refresh_from_db()
    assert other.needs is not None
    assert (other.state, other.needs.state) == (State.QUEUED, State.QUEUED)


def test_the_undo_of_a_set_asks_for_a_template_that_was_sent(
    team: Team, creator: User, account: Account, service: Service
) -> None:
    picture, video = makers.asset(team), makers.asset(team, "video", codec="h264")
    makers.check(picture, account, "animate-anyone-detect-gen2")
    wish = OrderRequest(
        team,
        creator,
        "animate-anyone-gen2",
        {"image_url": picture},
        template_video=video,
        account=account,
        title="Dance",
    )
    made = create_batch(sets.sweep(wish), kind=JobSet.Kind.SWEEP, title="Dance", key="k")
    assert "$0.1376 is reserved for them" in set_words(made), "the template with them"
    Job.objects.filter(model="animate-anyone-template-gen2").update(
        state=State.RUNNING, group=1, task_id="t-1", attempt=1
    )
    sets.cancel(made, creator)
    assert set(Job.objects.values_list("state", flat=True)) == {State.CANCELED}
    assert sum(entry.held for entry in LedgerEntry.objects.all()) == 0


# ── what is swept ──


@pytest.mark.parametrize(
    ("model", "chosen", "name"),
    [
        ("emo-v1", {}, "style_level"),
        ("animate-anyone-gen2", {"use_ref_img_bg": False}, "use_ref_img_bg"),
        ("wan2.2-s2v", {}, None),  # sharpness changes the price
        ("wan2.2-animate-move", {}, None),  # a mark in a corner is nothing to compare
    ],
)
def test_what_is_swept_is_told_by_the_declaration(
    model: str, chosen: dict[str, object], name: str | None
) -> None:
    spec = entries.get(model)
    parameter = sets.swept(spec, chosen)
    assert (parameter.name if parameter else None) == name
    if parameter is not None:
        assert (
            len(
                {
                    spec.variant_of({**entries.clean_choices(spec, {}), parameter.name: value})
                    for value in parameter.values
                }
            )
            == 1
        )


# ── clips ──


def test_a_clip_is_the_first_five_seconds_and_goes_first(wish: OrderRequest) -> None:
    job = sets.make(wish, "clip")
    assert isinstance(job, Job)
    assert (job.milliseconds, job.rank, job.quote_micros) == (5000, Rank.SHORT, 57_345)
    sound = job.inputs.get(name="audio_url").asset
    assert sound.parent == wish.files["audio_url"]
    assert 4.9 < sound.seconds < 5.1
    assert job.title == "Welcome, first 5 s"


def test_the_whole_of_a_clip_is_what_was_chosen_in_full(
    wish: OrderRequest, creator: User, speech: Asset
) -> None:
    limits = entries.get("emo-v1").input("audio_url").limits
    assert limits is not None
    chosen = replace(
        wish,
        trims={"audio_url": trim.read("1000-4000.5000-12000", speech, limits)},
        chosen={"ratio": "1:1", "style_level": "calm"},
    )
    clip = sets.make(chosen, "clip")
    assert isinstance(clip, Job)
    whole = test_clips.whole(clip, creator, "k2")
    assert whole is not None
    assert whole.trims["audio_url"].form_value == "1000-4000.5000-12000"
    job = create.create(whole.trimmed(), again_of=clip)
    assert (job.title, job.milliseconds, job.parameters["style_level"], job.again_of) == (
        "Welcome",
        10_000,
        "calm",
        clip,
    )
    assert job.full == {}
    Asset.objects.filter(pk=speech.pk).update(public_id="gone")
    assert test_clips.whole(clip, creator) is None


def test_a_short_speech_has_no_clip(wish: OrderRequest) -> None:
    short = replace(wish, trims={"audio_url": replace(wish.trims["audio_url"], parts=((0, 8000),))})
    with pytest.raises(Refused, match="too short for a test clip"):
        sets.make(short, "clip")
    assert not Job.objects.exists()


def test_a_sweep_of_clips_is_priced_and_held_as_clips(wish: OrderRequest) -> None:
    jobs = jobs_of(sets.make(wish, "sweep-clip"))
    assert [job.quote_micros for job in jobs] == [57_345] * 3
    assert all(job.rank == Rank.SHORT and job.full["milliseconds"] == 12_000 for job in jobs)
    assert sum(entry.held for entry in LedgerEntry.objects.all()) == sets.price(
        estimate(test_clips.first(wish)[0]), 3
    )


def test_a_split_is_one_video_a_part_in_order(wish: OrderRequest) -> None:
    whole = wish.trims["audio_url"]
    made = sets.make(wish, "split", [whole.within(0, 6500), whole.within(6500, 12_000)])
    jobs = jobs_of(made)
    assert [(job.title, job.milliseconds) for job in jobs] == [
        ("Welcome · 1/2", 6500),
        ("Welcome · 2/2", 5500),
    ]
    assert isinstance(made, JobSet)
    assert made.kind == JobSet.Kind.SPLIT
    with pytest.raises(Refused, match="nothing to split"):
        sets.make(wish, "split", [])


# ── what failed, once more ──


def test_failed_jobs_are_run_again_in_their_set_once(wish: OrderRequest, creator: User) -> None:
    made = create_batch(sets.sweep(wish), kind=JobSet.Kind.SWEEP, title="W", key="k")
    first = jobs_of(made)[0]
    Job.objects.filter(pk=first.pk).update(state=State.FAILED)
    failed = sets.failed(made)
    assert failed == [first]
    wishes = [create.request_of(job, creator) for job in failed]
    for _click in range(2):
        assert create_batch(wishes, again_of=failed, into=made) == made
    assert made.jobs.count() == 4
    assert made.jobs.get(again_of=first).parameters["style_level"] == "calm"
    assert sets.failed(made) == []


def test_what_was_run_again_from_its_own_page_is_offered_only_when_that_came_to_nothing(
    wish: OrderRequest, creator: User
) -> None:
    made = create_batch(sets.sweep(wish), kind=JobSet.Kind.SWEEP, title="W", key="k")
    first = jobs_of(made)[0]
    Job.objects.filter(pk=first.pk).update(state=State.FAILED)
    alone = create.again(first, creator, key="again")
    assert alone.set_id is None
    assert sets.failed(made) == []
    Job.objects.filter(pk=alone.pk).update(state=State.CANCELED)
    assert sets.failed(made) == [first]


def test_a_plan_of_this_request_serves_the_click_and_no_other(wish: OrderRequest) -> None:
    """Where every file goes whole; one that has to be cut is planned again from what was cut."""
    planned = plan(wish, checked=False)
    assert planned.check is None
    click = wish.trimmed()
    assert planned.serves(replace(click, title="Another title", key=""))
    assert not planned.serves(replace(click, chosen={**click.chosen, "style_level": "calm"}))
    job = create.create(click, planned=planned)
    assert job.check_used is not None
    assert job.quote_micros == planned.estimate.micros
    assert create.create(click, planned=planned) == job


def test_a_plan_of_a_cut_speech_is_made_again(wish: OrderRequest) -> None:
    part = wish.trims["audio_url"].within(0, 6000)
    request = replace(wish, trims={"audio_url": part})
    assert not plan(request, checked=False).serves(request.trimmed())
