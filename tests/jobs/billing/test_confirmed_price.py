"""The price that was read is the price that is held: a click whose price has risen since makes
nothing and says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.billing import confirmed_price
from jobs.common.states import State
from jobs.models import Account, Job, LedgerEntry, Price, Template
from studio.models import Consent, Team, User
from tests import files, makers
from tests.html import parse

ClientOf = Callable[[User], Client]
HX: dict[str, Any] = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:portrait", args=[team.slug])


@pytest.fixture
def ready(team: Team, account: Account) -> dict[str, str]:
    """Checked in both shapes, 12 s of speech: $0.1376, and $0.2752 as half body."""
    picture = makers.asset(team)
    for ratio in ("1:1", "3:4"):
        makers.check(picture, account, chosen={"ratio": ratio}, answered_at=timezone.now())
    sound = makers.asset(
        team,
        "audio",
        files.wav(12.0),
        extension="wav",
        format="wav",
        mime="audio/wav",
        milliseconds=12_000,
    )
    return {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": sound.public_id,
        "title": "Welcome",
    }


def fields_of(html: str, form: str = "#make") -> dict[str, str]:
    """What a browser sends with the form."""
    return parse(html).one(form).fields()


def dearer(model: str = "emo-v1", variant: str = "1:1") -> None:
    Price.objects.create(
        model=model,
        variant=variant,
        currency="USD",
        unit="second",
        micros=20_000,
        effective_from=date(2026, 1, 1),
        source="test",
    )


def test_a_page_from_before_the_update_is_asked_as_well(
    client_of: Callable[[User], Client], creator: User, page: str, ready: dict[str, str]
) -> None:
    """It was open while the site was updated, and sends its prices under the name of then."""
    client = client_of(creator)
    fields = fields_of(client.get(page, ready).content.decode()) | ready
    fields["told"] = fields.pop(confirmed_price.FIELD)
    dearer()
    answer = client.post(page, fields | {"do": "make"})
    assert "the button said" in answer.content.decode()
    assert not Job.objects.exists()


def test_words_read_back_and_nonsense_tells_nothing() -> None:
    said = confirmed_price.form_value({"make": 472_523, "sweep-clip": 172_035})
    assert confirmed_price.changed(said, "make", 472_523, "USD") == ""
    assert confirmed_price.changed(said, "sweep-clip", 172_035, "USD") == ""
    assert "$0.9450 now" in confirmed_price.changed(said, "make", 945_046, "USD")
    assert "the button said $0.4725" in confirmed_price.changed(said, "make", 945_046, "USD")
    assert confirmed_price.changed(said, "make", 472_530, "USD") == "", "what is shown is the same"
    assert confirmed_price.changed(said, "make", 100_000, "USD") == "", (
        "nobody pays more than they read"
    )
    assert "$0.1000 now" in confirmed_price.changed(said, "make", 100_000, "USD", exact=True)
    for nonsense in (
        "",
        "make",
        "make=",
        "make=x",
        "make=-1",
        "make=४७",
        "make=nan",
        "=5",
        "make=" + "9" * 400,
        "sweep=1",
        "\x00",
    ):
        assert confirmed_price.changed(nonsense, "make", 5_000_000, "USD") == ""


@pytest.mark.parametrize("do", ["make", "clip", "sweep", "sweep-clip"])
def test_a_new_price_is_said_before_it_is_held(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str], do: str
) -> None:
    client = client_of(creator)
    form = fields_of(client.get(page, ready).content.decode())
    dearer()
    answer = client.post(page, form | {"do": do})
    assert answer.status_code == 422
    assert "now, and the button said $" in answer.content.decode()
    assert not LedgerEntry.objects.exists()
    # read, and clicked again with the same key
    form = fields_of(answer.content.decode())
    assert client.post(page, form | {"do": do}).status_code == 302
    assert LedgerEntry.objects.exists()


def test_a_choice_that_changed_after_the_price_was_shown_is_priced_first(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    """Without a script the button keeps the price of what was chosen before; with one, a click can
    overtake the question."""
    client = client_of(creator)
    form = fields_of(client.get(page, ready).content.decode())
    html = client.post(page, form | {"ratio": "3:4", "do": "make"}, **HX).content.decode()
    assert "The price is $0.2752 now, and the button said $0.1376." in html
    assert not Job.objects.exists()
    assert not Consent.objects.filter(by__isnull=False).exists()
    client.post(page, fields_of(html) | {"do": "make"}, **HX)
    assert Job.objects.get().quote_micros == 275_244


def test_a_longer_speech_is_priced_first_and_a_shorter_one_is_made(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    client = client_of(creator)
    short = fields_of(client.get(page, ready | {"keep_audio_url": "0-9000"}).content.decode())
    times = ("from_audio_url", "to_audio_url")
    longer = {name: value for name, value in short.items() if name not in times} | {
        "keep_audio_url": "0-12000",
        "do": "make",
    }
    assert client.post(page, longer).status_code == 422
    form = fields_of(client.get(page, ready).content.decode())
    shorter = {name: value for name, value in form.items() if name not in times} | {
        "keep_audio_url": "0-9000",
        "do": "make",
    }
    assert client.post(page, shorter).status_code == 302
    assert Job.objects.get().quote_micros == 103_221


def test_a_split_tells_its_sum(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    sound = makers.asset(
        team,
        "audio",
        files.wav(61.0, rate=8000),
        extension="wav",
        format="wav",
        mime="audio/wav",
        milliseconds=61_000,
    )
    client = client_of(creator)
    form = fields_of(client.get(page, ready | {"audio_url": sound.public_id}).content.decode())
    dearer()
    assert client.post(page, form | {"do": "split"}).status_code == 422
    assert not Job.objects.exists()


def test_a_double_click_on_a_dance_is_one_though_the_second_would_be_cheaper(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    client, picture = client_of(creator), makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    video = makers.asset(team, "video", codec="h264")
    dance = reverse("jobs:dance", args=[team.slug])
    form = fields_of(
        client.get(
            dance, {"image_url": picture.public_id, "template_video": video.public_id}
        ).content.decode()
    )
    first, second = (client.post(dance, form | {"do": "make"}) for _click in range(2))
    assert first["Location"] == second["Location"]
    assert Job.objects.count() == 2


# ── run again ──
def test_run_again_shows_what_it_holds_when_the_template_is_made_anew(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    picture, video = makers.asset(team), makers.asset(team, "video", codec="h264")
    makers.check(picture, account, "animate-anyone-detect-gen2")
    template = makers.template(team, account, video)
    job = makers.job(
        team,
        creator,
        "animate-anyone-gen2",
        State.SUCCEEDED,
        account=account,
        files={"image_url": picture},
        template=template,
    )
    client = client_of(creator)
    html = client.get(job.get_absolute_url()).content.decode()
    assert "Run again — $0.0459" in html
    before = fields_of(html, f"form[action$='{job.public_id}/again/']")
    # the service forgets it, and a new one is paid besides
    Template.objects.update(forgotten=True)
    again = reverse("jobs:again", args=[team.slug, job.public_id])
    assert client.post(again, before)["Location"] == job.get_absolute_url()
    assert Job.objects.count() == 1
    html = client.get(job.get_absolute_url()).content.decode()
    assert "The price is $0.0918 now, and the button said $0.0459." in html
    assert "Run again — $0.0918" in html
    form = fields_of(html, f"form[action$='{job.public_id}/again/']")
    first, second = client.post(again, form), client.post(again, form)
    assert first["Location"] == second["Location"]
    assert Job.objects.count() == 3
    assert sum(Job.objects.exclude(pk=job.pk).values_list("quote_micros", flat=True)) == 2 * 45_876
    assert "$0.0918 is reserved for it" in client.get(first["Location"]).content.decode()


def test_run_again_and_the_full_length_at_a_new_price_are_said_first(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    client = client_of(creator)
    client.post(page, ready | {"do": "clip"})
    clip = Job.objects.get()
    Job.objects.filter(pk=clip.pk).update(state=State.FAILED, group=4)
    html = client.get(clip.get_absolute_url()).content.decode()
    dearer()
    for name in ("again", "whole"):
        url = reverse(f"jobs:{name}", args=[team.slug, clip.public_id])
        client.post(url, fields_of(html, f"form[action$='/{name}/']"))
        assert Job.objects.count() == 1
        assert "now, and the button said $" in client.get(clip.get_absolute_url()).content.decode()
    html = client.get(clip.get_absolute_url()).content.decode()
    client.post(
        reverse("jobs:whole", args=[team.slug, clip.public_id]),
        fields_of(html, "form[action$='/whole/']"),
    )
    assert Job.objects.exclude(pk=clip.pk).get().quote_micros == 240_000


def test_the_failed_ones_of_a_set_at_a_new_price_are_said_first(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    client = client_of(creator)
    client.post(page, ready | {"do": "sweep"})
    Job.objects.update(state=State.FAILED, group=4)
    jobset = team.sets.get()
    html = client.get(jobset.get_absolute_url()).content.decode()
    dearer()
    again = reverse("jobs:set_again", args=[team.slug, jobset.public_id])
    client.post(again, fields_of(html, "form[action$='/again/']"))
    assert Job.objects.count() == 3
    html = client.get(jobset.get_absolute_url()).content.decode()
    assert "The price is $0.7200 now, and the button said $0.4129." in html
    client.post(again, fields_of(html, "form[action$='/again/']"))
    assert Job.objects.count() == 6
