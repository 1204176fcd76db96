"""What a speech goes through: taken as it is, trimmed, freed of silence, parted, recorded."""

from __future__ import annotations

import re

import pytest

from tests import files
from tests.browser.maker import PRICED, SPEECH, Maker, seconds_of
from tests.browser.person import micros
from tests.browser.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.flows]


def test_a_recording_of_another_kind_is_taken_as_it_is(maker: Maker) -> None:
    hand = maker.open()
    maker.other_speech("phone.m4a", files.m4a(seconds=4))
    hand.click("#consent-audio_url")
    hand.see(PRICED)
    assert not hand.page.locator(f"{SPEECH} [role=alert] >> visible=true").count()
    hand.click("#generate")
    maker.video()  # the part that is kept was made a kind that the model takes


def test_what_is_cut_off_the_speech_is_not_paid(maker: Maker) -> None:
    hand = maker.ready()
    whole, price = seconds_of(hand), hand.price()
    hand.type("#trim-to", "2")
    hand.press("#trim-to", "Tab")
    hand.until("new URL(location.href).searchParams.get('keep_audio_url') === '0-2000'")
    hand.see(PRICED)
    assert hand.price() < price
    assert abs(hand.price() / price - 2 / whole) < 0.02
    # the same with the keyboard on the handle
    cheaper = hand.price()
    hand.see(PRICED)
    hand.press("#trim-start", *["ArrowRight"] * 4)
    hand.until("new URL(location.href).searchParams.get('keep_audio_url') === '400-2000'")
    hand.see(PRICED)
    assert hand.price() < cheaper
    # a draft survives a reload
    hand.page.reload()
    assert float(hand.page.input_value("#trim-to")) == 2


def test_silence_that_is_left_out_is_not_paid(maker: Maker) -> None:
    hand = maker.ready()
    maker.other_speech("pauses.mp3", next(SAMPLES.glob("speech.*")).read_bytes())
    hand.click("#consent-audio_url")
    hand.see(PRICED)
    before, offer = hand.price(), hand.read(".offers button")
    hand.click(".offers button")
    hand.until("!document.querySelector('.offers')")
    hand.see(PRICED)
    assert abs(before - hand.price() - micros(offer)) <= 100, "each is shown rounded"


def test_a_speech_that_is_too_long_becomes_several_videos(maker: Maker) -> None:
    hand = maker.ready()
    maker.other_speech("lecture.mp3", files.mp3(seconds=75))
    hand.see(".split")
    assert re.search(r"[23] videos", hand.read(".split"))
    assert seconds_of(hand) <= 60, "as much as the model takes is kept to begin with"


def test_a_long_speech_is_made_as_two_videos_with_one_click(maker: Maker) -> None:
    hand = maker.ready()
    maker.other_speech("sermon.mp3", files.mp3(seconds=64))
    hand.see(".split")
    hand.click("#consent-audio_url")
    hand.see(".split button:not([disabled])")
    price = micros(hand.read(".split button").split("—")[1])
    hand.click(".split button")
    assert abs(micros(hand.read("#toast p").split("$")[1]) - price) <= 100
    hand.click("#toast a")
    hand.see("#rows .job >> nth=1")


def test_a_video_is_made_of_what_the_microphone_heard(maker: Maker) -> None:
    hand = maker.ready()
    before, price = hand.page.input_value("input[type=hidden][name=audio_url]"), hand.price()
    hand.click("[data-record] >> visible=true")
    hand.page.wait_for_timeout(2500)
    hand.click("[data-record-stop]")
    hand.click("[data-record-use]")
    hand.until(
        f"![{before!r}, "
        "''].includes(document.querySelector('input[type=hidden][name=audio_url]').value)"
    )
    hand.see(f"{SPEECH} header:has-text('Recording')")
    hand.see(".wave path.bars")
    hand.click("#consent-audio_url")
    hand.see(PRICED)
    length = seconds_of(hand)
    assert 1 < length < 6
    assert 0 < hand.price() < price
    hand.click("#generate")
    maker.video()
    hand.plays()
    hand.until(f"Math.abs(document.querySelector('#job video').duration - {length}) < 0.5")
