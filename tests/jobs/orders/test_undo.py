"""The click with a script: the page stays for a variation, one click is one job, and the way back
is free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.billing import budget
from jobs.catalogue import entries
from jobs.common.states import State
from jobs.models import Account, Budget, Job, LedgerEntry
from jobs.orders import consent, create
from studio.models import Consent, Team, User
from tests import makers
from tests.html import parse
from tests.service import Service

ClientOf = Callable[[User], Client]
HX: dict[str, Any] = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:portrait", args=[team.slug])


@pytest.fixture
def ready(team: Team, account: Account) -> dict[str, str]:
    """A draft that lacks nothing, and its click: portrait checked, 41.2 s of speech."""
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    sound = makers.asset(team, "audio", milliseconds=41_200)
    return {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": sound.public_id,
        "title": "Welcome line",
        "key": "k1",
        "do": "make",
    }


def key_in(html: str) -> str:
    return parse(html).one("#make [name=key]")["value"]


def toast(html: str) -> str:
    return " ".join(parse(html).texts("#toast"))


def undo_in(html: str) -> str:
    """Where the notice of the click takes it back."""
    return parse(html).one("#toast form[hx-post]")["hx-post"]


def test_the_page_stays_with_its_form_and_a_new_key(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = client_of(creator).post(page, ready | {"style_level": "calm"}, **HX).content.decode()
    job = Job.objects.get()
    assert "“Welcome line” is in line; $0.4725 is held" in toast(html)
    shown = parse(html)
    assert shown.one("#toast a")["href"].startswith(job.get_absolute_url())
    form = shown.one("#make").fields()
    assert form["title"] == "Welcome line"
    assert form["audio_url"] == ready["audio_url"]
    assert form["style_level"] == "calm"
    assert key_in(html) not in ("", "k1")


def test_a_double_click_is_one_job_and_the_next_key_makes_another(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    client = client_of(creator)
    client.post(page, ready, **HX)
    html = client.post(page, ready, **HX).content.decode()
    assert Job.objects.count() == 1
    assert "is in line" in toast(html)
    client.post(page, ready | {"key": key_in(html)}, **HX)
    assert Job.objects.count() == 2


def test_a_double_click_is_one_job_when_the_budget_has_room_for_one(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    Budget.objects.create(team=team, micros=500_000)
    client = client_of(creator)
    first, second = client.post(page, ready), client.post(page, ready)
    assert first["Location"] == second["Location"] == Job.objects.get().get_absolute_url()
    assert client.post(page, ready | {"key": "k2"}).status_code == 422
    assert Job.objects.count() == 1


def test_without_a_script_the_click_leads_to_the_job(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    assert client_of(creator).post(page, ready)["Location"] == Job.objects.get().get_absolute_url()


def test_what_cannot_be_made_is_said_in_the_page_that_stays(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    Budget.objects.create(team=team, micros=100_000)
    answer = client_of(creator).post(page, ready, **HX)
    # a script does not swap in what comes with an error's number
    assert answer.status_code == 200
    assert "the limit of Studio North has $0.10 of $0.10 left" in answer.content.decode()
    assert not toast(answer.content.decode())
    assert key_in(answer.content.decode()) == "k1"
    assert not Job.objects.exists()


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


def test_a_reload_keeps_the_whole_draft(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    """The address is the draft: what the form holds after any change is what a reload of the new
    address shows."""
    client = client_of(creator)
    fields = ready | {"ratio": "3:4", "style_level": "active", "keep_audio_url": "1000-9000"}
    fields.pop("do")
    address = client.get(reverse("jobs:price", args=[team.slug]), fields, **HX)["HX-Replace-Url"]
    shown = parse(client.get(address))
    form = shown.one("#make").fields()
    for name in ("image_url", "audio_url"):
        assert form[name] == ready[name]
    assert (form["ratio"], form["style_level"]) == ("3:4", "active")
    assert form["title"] == "Welcome line"
    assert "8 s × $0.022937" in shown.text


def test_what_is_left_is_told_as_a_length(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    Budget.objects.create(team=team, micros=8_000_000)
    shown = parse(client_of(creator).get(page, ready))
    left = 8_000_000 - 472_523
    seconds = left // next(
        p.micros for p in entries.get("emo-v1").prices if (p.variant, p.currency) == ("1:1", "USD")
    )
    assert f"leaves $7.52, about {seconds // 60} m {seconds % 60} s at this price" in shown.text


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
    assert "$0.0918 is held for it" in toast(
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


def test_undo_is_for_those_who_may_make(
    client_of: ClientOf, creator: User, viewer: User, page: str, ready: dict[str, str]
) -> None:
    undo = undo_in(client_of(creator).post(page, ready, **HX).content.decode())
    assert client_of(viewer).post(undo, **HX).status_code == 403
    assert client_of(creator).get(undo).status_code == 405
    assert Job.objects.get().state == State.QUEUED
    # without a script it leads back to the job
    assert client_of(creator).post(undo)["Location"] == Job.objects.get().get_absolute_url()


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


def test_a_form_that_was_gone_back_to_makes_one_on_another_account(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    page: str,
    ready: dict[str, str],
) -> None:
    other = makers.account(team)
    for chosen in (account, account, other):
        client_of(creator).post(page, ready | {"account": chosen.public_id})
    assert [job.account for job in Job.objects.order_by("id")] == [account, other]


def test_letters_that_no_database_keeps_are_no_file(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    for name in ("image_url", "audio_url", "account", "from"):
        html = client_of(creator).get(page, ready | {name: "a\x00b"})
        assert html.status_code == 200
        assert client_of(creator).post(page, ready | {name: "a\x00b"}).status_code in (302, 422)


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


def test_a_click_that_made_nothing_takes_back_no_word_that_a_film_needs(
    creator: User, team: Team
) -> None:
    used, unused = makers.asset(team), makers.asset(team)
    makers.job(team, creator, files={"image_url": used})
    Consent.objects.update(by=creator)
    consent.take_back([used, unused], creator)
    assert Consent.objects.filter(asset=used).exists()
    assert not Consent.objects.filter(asset=unused).exists()
