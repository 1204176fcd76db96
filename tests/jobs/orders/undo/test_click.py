"""A click makes one job and the page stays."""

from __future__ import annotations

from django.urls import reverse

from jobs.catalogue import entries
from jobs.common.states import State
from jobs.models import Account, Budget, Job
from jobs.orders import consent
from studio.models import Consent, Team, User
from tests import makers
from tests.html import parse
from tests.jobs.orders.undo.clicks import HX, ClientOf, key_in, toast, undo_in


def test_the_page_stays_with_its_form_and_a_new_key(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = client_of(creator).post(page, ready | {"style_level": "calm"}, **HX).content.decode()
    job = Job.objects.get()
    assert "“Welcome line” is in line; $0.4725 is reserved" in toast(html)
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
    assert (
        "the limit of Studio North for a month has $0.10 of $0.10 left" in answer.content.decode()
    )
    assert not toast(answer.content.decode())
    assert key_in(answer.content.decode()) == "k1"
    assert not Job.objects.exists()


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


def test_undo_is_for_those_who_may_make(
    client_of: ClientOf, creator: User, viewer: User, page: str, ready: dict[str, str]
) -> None:
    undo = undo_in(client_of(creator).post(page, ready, **HX).content.decode())
    assert client_of(viewer).post(undo, **HX).status_code == 403
    assert client_of(creator).get(undo).status_code == 405
    assert Job.objects.get().state == State.QUEUED
    # without a script it leads back to the job
    assert client_of(creator).post(undo)["Location"] == Job.objects.get().get_absolute_url()


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


def test_a_click_that_made_nothing_takes_back_no_word_that_a_video_needs(
    creator: User, team: Team
) -> None:
    used, unused = makers.asset(team), makers.asset(team)
    makers.job(team, creator, files={"image_url": used})
    Consent.objects.update(by=creator)
    consent.take_back([used, unused], creator)
    assert Consent.objects.filter(asset=used).exists()
    assert not Consent.objects.filter(asset=unused).exists()
