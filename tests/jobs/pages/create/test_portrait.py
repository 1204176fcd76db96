"""The page of the talking portrait: a draft in the address, the check paid once, the price before
the click, one job per click."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.catalogue import entries
from jobs.models import Account, Budget, Check, Job, LedgerEntry
from studio.models import Team, User
from tests import files, makers
from tests.html import Element, parse, text

ClientOf = Callable[[User], Client]
HX = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:portrait", args=[team.slug])


@pytest.fixture
def ready(team: Team, account: Any) -> dict[str, str]:
    """A draft that lacks nothing: portrait checked, 4 s of speech."""
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    return {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": makers.asset(team, "audio").public_id,
    }


def button(html: str) -> Element:
    return parse(html).one("button#generate")


def test_viewer_may_not_create(client_of: ClientOf, viewer: User, page: str) -> None:
    assert client_of(viewer).get(page).status_code == 403


def test_stranger_learns_nothing(client_of: ClientOf, stranger: User, page: str) -> None:
    assert client_of(stranger).get(page).status_code == 404


def test_without_account_the_button_says_why_and_an_admin_gets_the_way(
    client_of: ClientOf, admin: User, creator: User, team: Team, page: str
) -> None:
    html = client_of(admin).get(page).content.decode()
    assert "disabled" in button(html)
    assert "There is no Model Studio connection yet" in html
    keys = reverse("jobs:keys", args=[team.slug])
    assert keys in parse(html).one("#make").values("a", "href")
    # creators cannot open the page of keys, so they are told whom to ask
    told = parse(client_of(creator).get(page)).one("#make")
    assert keys not in told.values("a", "href")
    assert "owner or admin" in told.text


def test_accounts_that_cannot_make_it_are_greyed_with_the_reason(
    client_of: ClientOf, creator: User, team: Team, account: Any, page: str, ready: dict[str, str]
) -> None:
    far = makers.account(team, label="Far", key="sk-test-0004")
    Account.objects.filter(pk=far.pk).update(region="ap-southeast-1")
    Account.objects.create(team=team, label="Empty")
    client = client_of(creator)
    html = client.get(page, ready).content.decode()
    offered = {
        option.text: {"disabled", "selected"} & option.attributes.keys()
        for option in parse(html).all("select#account option")
    }
    assert offered == {
        "Empty · has no key": {"disabled"},
        "Far · not offered in Singapore": {"disabled"},
        account.label: {"selected"},
    }
    with CaptureQueriesContext(connection) as few:
        client.get(page, ready)
    for number in range(5):
        makers.account(team, label=f"More {number}", key=f"sk-test-1{number:03}")
    with CaptureQueriesContext(connection) as many:
        client.get(page, ready)
    # What is kept for a minute may be read again meanwhile, once.
    assert len(many) <= len(few) + 1, "a connection more is no query more"
    html = client.get(page, ready | {"account": far.public_id}).content.decode()
    assert "disabled" in button(html)
    assert "EMO is not offered in Singapore. Choose a connection of another region." in html
    client.post(page, ready | {"account": far.public_id, "do": "make", "key": "k"})
    assert not Job.objects.exists()


def test_whole_draft_shows_boxes_frame_and_price_on_the_button(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = client_of(creator).get(page, ready).content.decode()
    # 4 s at $0.011469, in the bill, in the order bar and on the button
    assert "$0.0459" in button(html).text
    assert "disabled" not in button(html)
    assert "4 s × $0.011469" in html
    assert '<rect class="face" x="200" y="200" width="200" height="220">' in html
    assert '<rect class="frame" x="60" y="60" width="600" height="600">' in html
    assert 'viewBox="60 60 600 600" width="512" height="512"' in html
    assert "nothing is paid again" in html


def test_ratio_decides_price_and_needs_its_own_check(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = client_of(creator).get(page, ready | {"ratio": "3:4"}).content.decode()
    assert "$0.0917" in html
    assert "disabled" in button(html)
    assert "Check the picture (3:4) — $0.0006" in text(html)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("waiting", "Checking the picture"),
        ("refused", "does not take this picture"),
        ("uncertain", "Ask again — $0.0006"),
        ("failed", "Ask again — $0.0006"),
    ],
)
def test_every_other_verdict_keeps_the_button_off(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str], state: str, words: str
) -> None:
    Check.objects.update(
        state=state,
        sentence="Two people are in the picture.",
        code="InvalidFile.MultiHuman",
        request_id="r-1",
    )
    html = client_of(creator).get(page, ready).content.decode()
    assert words in text(html)
    assert "disabled" in button(html)
    assert ("Two people are in the picture." in html) == (state != "waiting")


def test_check_is_held_once_and_polled_until_there_is_a_verdict(
    client_of: ClientOf, creator: User, team: Team, account: Any, page: str
) -> None:
    client, picture = client_of(creator), makers.asset(team)
    fields = {"page": "portrait", "model": "emo-v1", "image_url": picture.public_id}
    url = reverse("jobs:check", args=[team.slug])
    for _click in range(2):
        html = client.post(url, fields, **HX).content.decode()
        assert 'hx-trigger="every 1s"' in html
    check = Check.objects.get()
    assert (check.model, check.choice, check.asset_id) == ("emo-detect-v1", "ratio=1:1", picture.pk)
    assert [entry.held for entry in LedgerEntry.objects.all()] == [574]
    assert client.get(url, fields, **HX).status_code == 204
    Check.objects.update(state="refused", sentence="No face was found. Choose another picture.")
    answer = client.get(url, fields, **HX)
    assert "No face was found." in answer.content.decode()
    assert "every 1s" not in answer.content.decode()
    assert picture.public_id in answer["HX-Replace-Url"]


def test_picture_outside_the_limits_is_neither_asked_nor_paid(
    client_of: ClientOf, creator: User, team: Team, account: Any, page: str
) -> None:
    small = makers.asset(team, width=300, height=300)
    fields = {"page": "portrait", "image_url": small.public_id}
    html = client_of(creator).get(page, fields).content.decode()
    assert "300 × 300 px; the short side needs 400 px or more" in html
    assert "Check the picture" not in html
    client_of(creator).post(reverse("jobs:check", args=[team.slug]), fields)
    assert not Check.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_of_a_speech_of_61_seconds_as_much_is_kept_as_the_model_takes(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    long = makers.asset(team, "audio", milliseconds=61_000)
    html = client_of(creator).get(page, ready | {"audio_url": long.public_id}).content.decode()
    assert "disabled" not in button(html)
    assert "$0.6881" in button(html).text, "60 s × 0.011469"


def test_more_than_the_model_takes_is_refused_with_its_sentence(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    long = makers.asset(team, "audio", milliseconds=61_000)
    html = (
        client_of(creator)
        .get(page, ready | {"audio_url": long.public_id, "keep_audio_url": "0-60500"})
        .content.decode()
    )
    assert "It lasts 60.5 s; at most 60.0 s can be used." in html
    assert "disabled" in button(html)


def test_library_offers_what_fits_first_and_says_why_not(
    client_of: ClientOf, creator: User, team: Team, account: Any, page: str
) -> None:
    fits = makers.asset(team, name="fits.jpg")
    makers.asset(team, name="small.jpg", width=200, height=200)
    html = client_of(creator).get(page).content.decode()
    inputs = parse(html).all("input.pick.cover")
    assert [("disabled" in one) for one in inputs] == [False, True]
    assert fits.public_id in inputs[0].attributes.values()
    cards = [card.text for card in parse(html).all("li") if card.has("input.pick.cover")]
    assert ["fits.jpg" in cards[0], "small.jpg" in cards[1]] == [True, True]
    assert "200 × 200 px; the short side needs" in html


def test_choice_in_the_library_replaces_what_the_form_remembered(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    other = makers.asset(team, name="other.jpg")
    answer = client_of(creator).get(
        reverse("jobs:price", args=[team.slug]), ready | {"pick_image_url": other.public_id}, **HX
    )
    assert f'name="image_url" value="{other.public_id}"' in answer.content.decode()
    assert f"image_url={other.public_id}" in answer["HX-Replace-Url"]


def test_file_of_another_team_is_not_here(
    client_of: ClientOf, creator: User, stranger: User, page: str, account: Any
) -> None:
    foreign = makers.asset(stranger.teams.get())
    html = client_of(creator).get(page, {"image_url": foreign.public_id}).content.decode()
    assert foreign.name not in html
    assert "not in the team’s library" in html


def test_click_makes_one_job_however_often_it_is_repeated(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    fields = ready | {"do": "make", "key": "k1", "title": "Welcome <b>", "style_level": "calm"}
    client = client_of(creator)
    first, second = client.post(page, fields), client.post(page, fields)
    job = Job.objects.get()
    assert first["Location"] == second["Location"] == job.get_absolute_url()
    assert (job.title, job.owner, job.quote_micros, job.parameters["style_level"]) == (
        "Welcome <b>",
        creator,
        45_876,
        "calm",
    )
    assert [entry.held for entry in LedgerEntry.objects.filter(job=job)] == [45_876]
    shown = client.get(job.get_absolute_url()).content.decode()
    assert "is in line; $0.0459 is reserved" in shown
    assert "<b>”" not in shown


def test_over_the_limit_nothing_is_made_and_the_form_stays_filled(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    Budget.objects.create(team=team, member=creator, micros=40_000)
    answer = client_of(creator).post(page, ready | {"do": "make", "title": "Kept", "key": "k"})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert not Job.objects.exists()
    assert "has $0.04 of $0.04 left" in html
    assert "Chidi" in html
    assert 'value="Kept"' in html
    assert ready["audio_url"] in html


def test_unchecked_picture_cannot_be_sent_by_hand(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    Check.objects.all().delete()
    answer = client_of(creator).post(page, ready | {"do": "make", "key": "k"})
    assert answer.status_code == 422
    assert not Job.objects.exists()


def test_without_script_a_file_comes_with_the_form(
    client_of: ClientOf, creator: User, team: Team, account: Any, page: str
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    picture = SimpleUploadedFile("me.jpg", files.jpeg(640, 640), "image/jpeg")
    answer = client_of(creator).post(
        page, {"page": "portrait", "upload_image_url": picture, "do": "upload"}
    )
    asset = team.assets.get()
    assert (answer.status_code, asset.width) == (302, 640)
    assert f"image_url={asset.public_id}" in answer["Location"]
    broken = SimpleUploadedFile("me.jpg", b"no picture at all", "image/jpeg")
    answer = client_of(creator).post(
        page,
        {
            "page": "portrait",
            "image_url": asset.public_id,
            "upload_image_url": broken,
            "do": "upload",
        },
    )
    assert answer.status_code == 422
    assert asset.public_id in answer.content.decode()
    assert team.assets.count() == 1


def test_another_model_of_the_same_kind_needs_no_page_of_its_own(
    client_of: ClientOf, creator: User, team: Team, account: Any, page: str
) -> None:
    picture = makers.asset(team)
    makers.check(picture, account, "wan2.2-s2v-detect", facts={"humanoid": True})
    fields = {
        "model": "wan2.2-s2v",
        "image_url": picture.public_id,
        "audio_url": makers.asset(team, "audio").public_id,
    }
    html = client_of(creator).get(page, fields).content.decode()
    for _value, label, _help in entries.get("wan2.2-s2v").parameters[0].words:
        assert label in html
    assert "$0.2867" in button(html).text  # 4 s × $0.071684
    assert "Calm" not in html
    job = client_of(creator).post(
        page, fields | {"page": "portrait", "do": "make", "key": "x", "resolution": "720P"}
    )
    assert Job.objects.get().variant == "720P"
    assert job.status_code == 302


def test_model_of_another_page_is_not_found(client_of: ClientOf, creator: User, page: str) -> None:
    assert client_of(creator).get(page, {"model": "animate-anyone-gen2"}).status_code == 404
    assert client_of(creator).get(page, {"model": "emo-v9"}).status_code == 404


def test_nonsense_in_the_address_falls_back_to_defaults(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    answer = client_of(creator).get(
        page, ready | {"ratio": "9:9", "style_level": "<x>", "template": "zz", "account": "nope"}
    )
    assert answer.status_code == 200
    assert "$0.0459" in button(answer.content.decode()).text


def test_page_keeps_the_strict_policy(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = client_of(creator).get(page, ready).content.decode()
    parse(html).obeys_the_policy()
