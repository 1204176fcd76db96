"""Silence, speeches that are too long, and recordings of the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse

from jobs.models import Account, Job, Price
from studio.files import edit_queue, file_store
from studio.models import Asset, Team, User
from tests import files, makers
from tests.html import parse
from tests.html import text as plain
from tests.jobs.pages.create.speech_panel.speeches import HEARD, ClientOf, hidden, quoted


def offers(html: str) -> list[tuple[str, str, str]]:
    """(sentence, button, kept parts then) of all that can be left out."""
    buttons = parse(html).all("li > button[name=set_audio_url]")
    return [(one.parent.first("span").text, one.text, one["value"]) for one in buttons]


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
    assert "2 videos: 48.2 s $0.5528 + 47.0 s $0.5390 = $1.0918" in text
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
    assert "3 videos:" in text
    assert "at most 20.0 s can be used" not in text


def test_what_fits_is_not_offered_as_several(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    text = plain(client_of(creator).get(page, ready).content.decode())
    assert " videos:" not in text
    assert "It lasts" not in text


def test_without_a_price_nothing_is_promised(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    Price.objects.all().delete()
    html = client_of(creator).get(page, ready).content.decode()
    assert "data-part-price" not in html
    assert offers(html)[0][1] == "Leave it out"


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
