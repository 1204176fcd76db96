"""Undo takes back what the click made, and nothing else."""

from __future__ import annotations

import pytest
from django.urls import reverse

from jobs.billing import budget
from jobs.common.states import State
from jobs.models import Account, Budget, Job, LedgerEntry
from jobs.orders import create
from studio.models import Consent, Team, User
from tests import makers
from tests.jobs.orders.undo.clicks import HX, ClientOf, key_in, toast, undo_in
from tests.service import Service


def test_undo_cancels_gives_back_and_says_so_in_the_toast(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    client = client_of(creator)
    html = client.post(page, ready, **HX).content.decode()
    answer = client.post(undo_in(html), **HX)
    assert "Canceled. It was not sent, so it cost nothing." in answer.content.decode()
    assert "Undo" not in answer.content.decode()
    # the till must be reckoned anew: the money is back
    assert answer["HX-Trigger"] == "undone"
    assert Job.objects.get().state == State.CANCELED
    assert sum(entry.held for entry in LedgerEntry.objects.all()) == 0


@pytest.mark.parametrize("do", ["make", "sweep"])
def test_a_click_that_comes_again_after_its_undo_is_told_and_the_next_one_makes(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str], do: str
) -> None:
    """As from a page of before, by the browser's way back: nothing is in line, and nothing may be
    said to be."""
    client = client_of(creator)
    first = client.post(page, ready | {"do": do}, **HX).content.decode()
    client.post(undo_in(first), **HX)
    made = Job.objects.count()
    html = client.post(page, ready | {"do": do}, **HX).content.decode()
    assert "This click made “Welcome line” before" in toast(html)
    assert "in line" not in toast(html)
    assert Job.objects.count() == made
    client.post(page, ready | {"do": do, "key": key_in(html)}, **HX)
    assert Job.objects.filter(state=State.QUEUED).count() == made


def test_undo_of_a_dance_takes_back_the_template_that_the_click_wanted(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    client, picture = client_of(creator), makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    video = makers.asset(team, "video", codec="h264")
    page = reverse("jobs:dance", args=[team.slug])
    fields = {
        "page": "dance",
        "image_url": picture.public_id,
        "template_video": video.public_id,
        "key": "k",
        "do": "make",
    }
    html = client.post(page, fields, **HX).content.decode()
    assert Job.objects.count() == 2
    client.post(undo_in(html), **HX)
    assert set(Job.objects.values_list("state", flat=True)) == {State.CANCELED}


def test_undo_of_a_dance_leaves_a_template_that_was_under_way_before(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    client, picture = client_of(creator), makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    video = makers.asset(team, "video", codec="h264")
    maker = makers.job(
        team, creator, "animate-anyone-template-gen2", account=account, files={"video_url": video}
    )
    page = reverse("jobs:dance", args=[team.slug])
    fields = {
        "page": "dance",
        "image_url": picture.public_id,
        "template_video": video.public_id,
        "key": "k",
        "do": "make",
    }
    html = client.post(page, fields, **HX).content.decode()
    client.post(undo_in(html), **HX)
    maker.refresh_from_db()
    assert maker.state == State.QUEUED
    assert Job.objects.exclude(pk=maker.pk).get().state == State.CANCELED


def dance(team: Team, account: Account, key: str = "k") -> tuple[str, dict[str, str]]:
    """The page of dances, and a form whose click makes a template first."""
    picture = makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    video = makers.asset(team, "video", codec="h264")
    fields = {
        "page": "dance",
        "image_url": picture.public_id,
        "template_video": video.public_id,
        "key": key,
        "do": "make",
    }
    return reverse("jobs:dance", args=[team.slug]), fields


def test_what_is_held_is_told_with_the_template(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    page, fields = dance(team, account)
    assert "$0.0918 is reserved for it" in toast(
        client_of(creator).post(page, fields, **HX).content.decode()
    )


def test_undo_after_a_double_click_takes_back_the_template_too(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    client, (page, fields) = client_of(creator), dance(team, account)
    client.post(page, fields, **HX)
    client.post(undo_in(client.post(page, fields, **HX).content.decode()), **HX)
    assert set(Job.objects.values_list("state", flat=True)) == {State.CANCELED}
    assert sum(entry.held for entry in LedgerEntry.objects.all()) == 0


def test_the_page_of_the_dance_cancels_its_template_too(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    client, (page, fields) = client_of(creator), dance(team, account)
    client.post(page, fields)
    made = Job.objects.get(model="animate-anyone-gen2")
    client.post(reverse("jobs:cancel", args=[team.slug, made.public_id]))
    assert set(Job.objects.values_list("state", flat=True)) == {State.CANCELED}


def test_undo_leaves_a_template_that_somebody_else_waits_for(
    client_of: ClientOf, creator: User, owner: User, team: Team, account: Account
) -> None:
    page, fields = dance(team, account)
    undo = undo_in(client_of(creator).post(page, fields, **HX).content.decode())
    client_of(owner).post(page, fields | {"key": "other", "use_ref_img_bg": "true"}, **HX)
    client_of(creator).post(undo, **HX)
    states = {job.owner: job.state for job in Job.objects.filter(model="animate-anyone-gen2")}
    assert states == {creator: State.CANCELED, owner: State.QUEUED}
    assert Job.objects.get(model="animate-anyone-template-gen2").state == State.QUEUED


def test_undo_of_somebody_who_only_waits_leaves_the_template(
    client_of: ClientOf, creator: User, owner: User, team: Team, account: Account
) -> None:
    page, fields = dance(team, account)
    client_of(creator).post(page, fields, **HX)
    undo = undo_in(client_of(owner).post(page, fields | {"key": "other"}, **HX).content.decode())
    client_of(owner).post(undo, **HX)
    states = {job.owner: job.state for job in Job.objects.filter(model="animate-anyone-gen2")}
    assert states == {creator: State.QUEUED, owner: State.CANCELED}
    assert Job.objects.get(model="animate-anyone-template-gen2").state == State.QUEUED


@pytest.mark.parametrize("stopped", [True, False])
def test_undo_takes_the_dance_back_though_its_template_was_sent(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    service: Service,
    stopped: bool,
) -> None:
    client, (page, fields) = client_of(creator), dance(team, account)
    undo = undo_in(client.post(page, fields, **HX).content.decode())
    maker = Job.objects.get(model="animate-anyone-template-gen2")
    Job.objects.filter(pk=maker.pk).update(state=State.RUNNING, group=1, task_id="t-1", attempt=1)
    service.cancels = [stopped]
    answer = client.post(undo, **HX).content.decode()
    maker.refresh_from_db()
    assert Job.objects.get(model="animate-anyone-gen2").state == State.CANCELED
    assert maker.state == (State.CANCELED if stopped else State.RUNNING)
    assert ("Its template was sent before and goes on" in answer) is not stopped
    assert sum(entry.held for entry in LedgerEntry.objects.all()) == (0 if stopped else 45_876)


def test_a_budget_too_small_names_the_sum_with_the_template(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    from jobs.orders import create
    from jobs.orders.order_request import OrderRequest

    _page, fields = dance(team, account)
    Budget.objects.create(team=team, micros=50_000)
    picture = team.assets.get(public_id=fields["image_url"])
    video = team.assets.get(public_id=fields["template_video"])
    with pytest.raises(budget.OverBudget, match=r"This needs \$0\.0918"):
        create.create(
            OrderRequest(
                team,
                creator,
                "animate-anyone-gen2",
                {"image_url": picture},
                template_video=video,
                account=account,
            )
        )
    assert not Job.objects.exists()


def test_the_slower_half_of_a_double_click_finds_the_dance_although_the_budget_is_used_up(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both halves looked before either had written; the words that came with them stand."""
    page, fields = dance(team, account)
    Budget.objects.create(team=team, micros=100_000)
    Consent.objects.all().delete()
    fields |= {f"consent_{name}": fields[name] for name in ("image_url", "template_video")}
    client, usual = client_of(creator), create.ready_plan

    def slow(order: create.OrderRequest, planned: create.Plan | None) -> create.Plan:
        found = usual(order, planned)
        monkeypatch.setattr(create, "ready_plan", usual)
        client.post(page, fields)
        return found

    monkeypatch.setattr(create, "ready_plan", slow)
    answer = client.post(page, fields)
    assert answer.status_code == 302
    assert answer["Location"] == Job.objects.get(model="animate-anyone-gen2").get_absolute_url()
    assert Consent.objects.count() == 2
