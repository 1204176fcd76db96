"""The speech of a create page: the kept part and its price, silence that can be left out, several
films of one that is too long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Account, Job, Price
from studio.files import edit_queue, file_store
from studio.models import Asset, Team, User
from tests import files, makers
from tests.html import parse
from tests.html import text as plain

ClientOf = Callable[[User], Client]
HX = {"headers": {"HX-Request": "true"}}
HEARD = {
    "seconds": 40.0,
    "lead": 2.1,
    "tail": 0.8,
    "pauses": [[10.0, 10.6], [20.0, 21.9]],
    "loudness_db": -17.4,
    "clipped": False,
}


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:portrait", args=[team.slug])


@pytest.fixture
def price_url(team: Team) -> str:
    return reverse("jobs:price", args=[team.slug])


@pytest.fixture
def speech(team: Team) -> Asset:
    """40 s that were listened to: silence at both ends, a short pause and a long one."""
    return makers.asset(team, "audio", milliseconds=40_000, sound=HEARD)


@pytest.fixture
def ready(team: Team, account: Account, creator: User, speech: Asset) -> dict[str, str]:
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    for asset in (picture, speech):
        edit_queue.consent(asset, creator, "The team may use it.")
    return {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": speech.public_id,
    }


def hidden(html: str, name: str) -> str:
    return parse(html).one(f"[name={name}]")["value"]


def quoted(html: str) -> str:
    return parse(html).one("#generate [data-price]").text


def offers(html: str) -> list[tuple[str, str, str]]:
    """(sentence, button, kept parts then) of all that can be left out."""
    buttons = parse(html).all("li > button[name=set_audio_url]")
    return [(one.parent.first("span").text, one.text, one["value"]) for one in buttons]


# ── the kept part ──


def test_all_of_it_is_kept_at_first_with_handles_fields_and_price(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = client_of(creator).get(page, ready).content.decode()
    assert hidden(html, "keep_audio_url") == "0-40000"
    assert hidden(html, "of_audio_url") == ready["audio_url"]
    handles = parse(html).all("input.scripted[type=range]")
    assert [(one["max"], one["value"]) for one in handles] == [("40.0", "0.0"), ("40.0", "40.0")]
    for name, value in (("from_audio_url", "0.0"), ("to_audio_url", "40.0")):
        field = parse(html).one(f"input[name={name}]")
        assert parse(html).one(f"label[for='{field['id']}']").text, f"{name} has no label"
        assert field["value"] == value
    assert 'data-whole="40000"' in html
    assert "<span data-part-price>$0.4588</span>" in html
    assert '<rect class="kept" x="0.0" width="600.0" height="100">' in html
    assert '<rect class="off"' not in html
    assert quoted(html) == "$0.4588"


def test_kept_parts_are_lit_and_the_rest_is_dim(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = (
        client_of(creator)
        .get(page, ready | {"keep_audio_url": "2000-10000.20000-36000"})
        .content.decode()
    )
    rects = parse(html).all("rect.off[height='100'], rect.kept[height='100']")
    assert [(one["class"], one["x"], one["width"]) for one in rects] == [
        ("off", "0.0", "30.0"),
        ("off", "150.0", "150.0"),
        ("off", "540.0", "60.0"),
        ("kept", "30.0", "120.0"),
        ("kept", "300.0", "240.0"),
    ]
    assert "24.0 s of 40.0 s" in plain(html)
    assert quoted(html) == "$0.2753", "24 s × $0.011469"


def test_numbers_in_drawings_are_numbers_in_every_language(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    answer = client_of(creator).get(
        page, ready | {"keep_audio_url": "2050-36000"}, headers={"Accept-Language": "de"}
    )
    html = answer.content.decode()
    assert '<rect class="kept" x="30.8" width="509.2"' in html
    assert 'value="2.1"' in html


def test_typed_times_count_without_a_script(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    fields = ready | {
        "keep_audio_url": "0-40000",
        "of_audio_url": ready["audio_url"],
        "from_audio_url": "2.1",
        "to_audio_url": "12",
        "do": "use",
    }
    answer = client_of(creator).post(page, fields)
    assert answer.status_code == 302
    assert "keep_audio_url=2100-12000" in answer["Location"]
    without_keep = {name: value for name, value in fields.items() if name != "keep_audio_url"}
    assert "keep_audio_url=2100-12000" in client_of(creator).post(page, without_keep)["Location"]


def test_fields_that_nobody_touched_move_nothing(
    client_of: ClientOf, creator: User, price_url: str, ready: dict[str, str]
) -> None:
    fields = ready | {
        "keep_audio_url": "2050-12250.13000-39950",
        "from_audio_url": "2.1",
        "to_audio_url": "40.0",
    }
    html = client_of(creator).get(price_url, fields, **HX).content.decode()
    assert hidden(html, "keep_audio_url") == "2050-12250.13000-39950"
    # One end typed anew, the other and the pause between stay where they were, to the millisecond.
    html = (
        client_of(creator).get(price_url, fields | {"from_audio_url": "3.5"}, **HX).content.decode()
    )
    assert hidden(html, "keep_audio_url") == "3500-12250.13000-39950"


def test_a_click_does_not_pay_for_times_whose_price_was_not_shown(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    fields = ready | {
        "keep_audio_url": "0-12000",
        "from_audio_url": "0.0",
        "to_audio_url": "30",
        "do": "make",
        "key": "k",
    }
    answer = client_of(creator).post(page, fields)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "From and To were changed after the price was shown" in html
    assert hidden(html, "keep_audio_url") == "0-30000"
    assert not Job.objects.exists()


@pytest.mark.parametrize(("start", "stop"), [("30", "12"), ("12", "12.5"), ("39.5", "90")])
def test_too_little_is_said_and_what_was_kept_stays(
    client_of: ClientOf, creator: User, price_url: str, ready: dict[str, str], start: str, stop: str
) -> None:
    fields = ready | {"keep_audio_url": "2000-12000", "from_audio_url": start, "to_audio_url": stop}
    html = client_of(creator).get(price_url, fields, **HX).content.decode()
    assert "is too short; a film has at least 1.0 s" in plain(html)
    assert hidden(html, "keep_audio_url") == "2000-12000"


@pytest.mark.parametrize("typed", ["nan", "inf", "-1", "1e99", "soon", "0x10", "١٢", ""])
def test_what_is_no_time_moves_nothing_and_says_why(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str], typed: str
) -> None:
    answer = client_of(creator).get(
        page,
        ready | {"keep_audio_url": "2000-12000", "from_audio_url": typed, "to_audio_url": "12.0"},
    )
    html = answer.content.decode()
    assert answer.status_code == 200
    assert hidden(html, "keep_audio_url") in ("2000-12000", "12000-13000")
    if typed not in ("", "١٢"):
        assert 'id="trim-error"' in html


def test_times_of_another_file_do_not_count(
    client_of: ClientOf,
    creator: User,
    team: Team,
    price_url: str,
    ready: dict[str, str],
    speech: Asset,
) -> None:
    other = makers.asset(team, "audio", milliseconds=20_000)
    said = {
        "keep_audio_url": "2000-5000",
        "of_audio_url": speech.public_id,
        "from_audio_url": "2.0",
        "to_audio_url": "5.0",
    }
    for chosen in ({"audio_url": other.public_id}, {"pick_audio_url": other.public_id}):
        html = client_of(creator).get(price_url, ready | said | chosen, **HX).content.decode()
        assert hidden(html, "keep_audio_url") == "0-20000"
        assert hidden(html, "of_audio_url") == other.public_id


def test_the_prices_that_run_along_with_a_handle_are_the_servers(
    client_of: ClientOf, creator: User, price_url: str, ready: dict[str, str]
) -> None:
    """A script asks for them while a handle moves, and takes the amounts and what goes along with
    the click out of the answer."""
    Price.objects.filter(model="emo-v1", variant="1:1", currency="USD").update(micros=12_345)
    for word, micros, shown in (
        ("0-40000", 493_800, "$0.4938"),
        ("2100-18333", 200_396, "$0.2004"),
        ("0-1000.2000-3001", 24_702, "$0.0247"),
    ):
        chosen = ready | {"keep_audio_url": word}
        html = client_of(creator).get(price_url, chosen, **HX).content.decode()
        assert set(parse(html).texts("[data-price]")) == {shown}
        assert parse(html).texts("[data-part-price]") == [shown]
        assert f"make={micros}" in parse(html).one("input[data-confirmed-prices]")["value"].split()


# ── silence ──


def test_silence_is_offered_with_what_it_saves(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = client_of(creator).get(page, ready).content.decode()
    assert offers(html) == [
        ("2.1 s of silence at the start.", "Leave it out: −$0.0241", "2100-40000"),
        ("0.8 s of silence at the end.", "Leave it out: −$0.0092", "0-39200"),
        ("A pause of 1.9 s at 0:20.", "Shorten it to 0.3 s: −$0.0184", "0-20150.21750-40000"),
        ("4.5 s of silence altogether.", "Leave all of it out: −$0.0516", "2100-20150.21750-39200"),
    ]
    assert 'data-quiet="0-2100.10000-10600.20000-21900.39200-40000"' in html


def test_an_offer_taken_changes_the_price_by_what_it_said_and_is_not_made_again(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    client = client_of(creator)
    for _sentence, label, word in offers(client.get(page, ready).content.decode()):
        answer = client.post(
            page,
            ready
            | {
                "keep_audio_url": "0-40000",
                "from_audio_url": "0.0",
                "to_audio_url": "40.0",
                "set_audio_url": word,
            },
        )
        assert answer.status_code == 302
        html = client.get(answer["Location"]).content.decode()
        assert hidden(html, "keep_audio_url") == word
        saved = round(float(label.split("$")[1]) * 10_000)
        assert abs(4588 - round(float(quoted(html)[1:]) * 10_000) - saved) <= 1, (
            "each is rounded once"
        )
        assert word not in [offer[2] for offer in offers(html)]
    assert offers(html) == []


def test_what_was_cut_off_is_not_offered(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = client_of(creator).get(page, ready | {"keep_audio_url": "5000-19000"}).content.decode()
    assert offers(html) == []
    # An end that was put into the middle of a pause
    html = client_of(creator).get(page, ready | {"keep_audio_url": "5000-21000"}).content.decode()
    assert [offer[0] for offer in offers(html)] == ["1.0 s of silence at the end."]


def test_many_pauses_are_offered_together(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    pauses = [[at, at + 2.0] for at in (5.0, 10.0, 15.0, 20.0, 25.0)]
    sound = makers.asset(
        team,
        "audio",
        milliseconds=40_000,
        sound=HEARD | {"lead": 0.0, "tail": 0.0, "pauses": pauses},
    )
    found = offers(
        client_of(creator).get(page, ready | {"audio_url": sound.public_id}).content.decode()
    )
    assert len(found) == 4
    assert found[-1][0] == "8.5 s of silence altogether."


def test_old_files_offer_nothing_and_silent_ones_say_so(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    old = makers.asset(team, "audio", milliseconds=40_000)
    html = client_of(creator).get(page, ready | {"audio_url": old.public_id}).content.decode()
    assert offers(html) == []
    assert "data-snap" not in html
    assert "Loudness" not in html
    silent = makers.asset(
        team,
        "audio",
        milliseconds=5000,
        sound=HEARD
        | {"seconds": 5.0, "lead": 5.0, "tail": 0.0, "pauses": [], "loudness_db": -120.0},
    )
    html = client_of(creator).get(page, ready | {"audio_url": silent.public_id}).content.decode()
    assert "Nothing can be heard in it." in html
    assert offers(html) == []


@pytest.mark.parametrize(
    ("loudness", "clipped", "words"),
    [
        (-17.4, False, "Good, 17 dB below full scale."),
        (-38.0, False, "Quiet, 38 dB below full scale. Record closer to the microphone."),
        (-5.0, False, "Very loud, 5 dB below full scale."),
        (-12.0, True, "Good, 12 dB below full scale. Clipped: its loudest peaks are cut off"),
    ],
)
def test_loudness_in_words(
    client_of: ClientOf,
    creator: User,
    page: str,
    ready: dict[str, str],
    speech: Asset,
    loudness: float,
    clipped: bool,
    words: str,
) -> None:
    speech.sound = HEARD | {"loudness_db": loudness, "clipped": clipped}
    speech.save(update_fields=["sound"])
    assert words in plain(client_of(creator).get(page, ready).content.decode())


# ── longer than the model takes ──


def test_a_speech_that_is_too_long_says_what_is_kept_and_what_all_of_it_would_be(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    long = makers.asset(
        team,
        "audio",
        milliseconds=95_200,
        sound=HEARD | {"seconds": 95.2, "lead": 0.0, "tail": 0.0, "pauses": [[48.0, 48.4]]},
    )
    html = client_of(creator).get(page, ready | {"audio_url": long.public_id}).content.decode()
    text = plain(html)
    assert "It lasts 95.2 s; EMO takes 60 s. The first 60 s are kept." in text
    assert hidden(html, "keep_audio_url") == "0-60000"
    assert "2 films: 48.2 s $0.5528 + 47.0 s $0.5390 = $1.0918" in text
    html = (
        client_of(creator)
        .get(page, ready | {"audio_url": long.public_id, "keep_audio_url": "2000-50000"})
        .content.decode()
    )
    assert "It lasts 95.2 s; EMO takes 60 s. 48 s are kept." in plain(html)


def test_an_open_limit_is_not_reached(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    page: str,
    ready: dict[str, str],
) -> None:
    makers.check(
        team.assets.get(public_id=ready["image_url"]),
        account,
        "wan2.2-s2v-detect",
        facts={"humanoid": True},
    )
    html = client_of(creator).get(page, ready | {"model": "wan2.2-s2v"}).content.decode()
    text = plain(html)
    assert "takes less than 20 s. The first 20 s are kept." in text
    assert hidden(html, "keep_audio_url") == "0-19999"
    assert "3 films:" in text
    assert "at most 20.0 s can be used" not in text


def test_what_fits_is_not_offered_as_several(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    text = plain(client_of(creator).get(page, ready).content.decode())
    assert " films:" not in text
    assert "It lasts" not in text


def test_without_a_price_nothing_is_promised(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    Price.objects.all().delete()
    html = client_of(creator).get(page, ready).content.decode()
    assert "data-part-price" not in html
    assert offers(html)[0][1] == "Leave it out"


# ── recording ──


def test_the_recorder_waits_for_a_script_and_may_use_the_microphone(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    answer = client_of(creator).get(page, ready)
    html = answer.content.decode()
    recorder = parse(html).one("div.recorder")
    assert "hidden" in recorder
    assert recorder["data-slot"] == "audio_url"
    assert "speech.js" in html
    assert "microphone=()" not in answer.headers.get("Permissions-Policy", "")
    assert "media-src 'self' blob:" in answer["Content-Security-Policy"]
    assert "blob:" not in str(settings.CONTENT_SECURITY_POLICY["DIRECTIVES"].get("script-src", ""))


def test_a_recording_of_the_browser_becomes_a_job_with_the_price_that_was_shown(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str], tmp_path: Path
) -> None:
    # What MediaRecorder writes: Opus in WebM, which no model takes.
    content = files.sound(2.5, "webm", "libopus", 48000)
    asset, _new = file_store.keep(
        files.write(tmp_path, "r", content), team=team, owner=creator, name="Recording 14:32.wav"
    )
    edit_queue.consent(asset, creator, "The team may use it.")
    assert (asset.kind, asset.format, asset.name) == ("audio", "webm", "Recording 14:32.webm")
    html = client_of(creator).get(page, ready | {"audio_url": asset.public_id}).content.decode()
    assert "Convert it" not in html
    shown = quoted(html)
    fields = {name: hidden(html, name) for name in ("keep_audio_url", "of_audio_url")}
    answer = client_of(creator).post(
        page, ready | fields | {"audio_url": asset.public_id, "do": "make", "key": "k"}
    )
    assert answer.status_code == 302, plain(answer.content.decode())
    job = Job.objects.get()
    sent: Any = job.inputs.get(name="audio_url").asset
    assert (sent.format, sent.parent) == ("wav", asset)
    assert f"${job.quote_micros / 1_000_000:.4f}" == shown
    assert job.milliseconds == sent.milliseconds == int(fields["keep_audio_url"].split("-")[1])


def test_a_sound_shorter_than_a_millisecond_is_told_and_breaks_no_page(
    client_of: ClientOf, creator: User, team: Team, page: str, ready: dict[str, str]
) -> None:
    speck = makers.asset(team, "audio", milliseconds=0)
    client = client_of(creator)
    for url in (page, reverse("jobs:batch", args=[team.slug])):
        fields = ready | {
            "audio_url": speck.public_id,
            "picture": ready["image_url"],
            "speech": speck.public_id,
        }
        assert client.get(url, fields).status_code == 200
        assert client.post(url, fields | {"do": "make", "key": "k"}).status_code == 422
    assert not Job.objects.exists()
