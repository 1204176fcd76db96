"""The page of a video: played by keyboard, made again, and what it says when there is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import files
from tests.browser.maker import PRICED, Maker
from tests.browser.person import Person, micros

pytestmark = [pytest.mark.browser, pytest.mark.flows]


def test_the_player_obeys_the_keyboard(maker: Maker) -> None:
    hand = maker.ready()
    hand.type("#title", "Played")
    hand.click("#generate")
    maker.video()
    hand.plays()
    hand.page.focus("[data-film]")
    at = "document.querySelector('#job video').currentTime"
    paused = "document.querySelector('#job video').paused"
    hand.page.keyboard.press("k")
    hand.until(f"{paused} || document.querySelector('#job video').ended")
    hand.page.evaluate("document.querySelector('#job video').currentTime = 1")
    hand.until(f"{at} === 1 && !document.querySelector('#job video').seeking")
    hand.page.keyboard.press(".")
    hand.until(f"{at} > 1.03 && {at} < 1.15", "a frame on")
    hand.page.keyboard.press("l")
    hand.see("[data-loop][aria-pressed=true]")
    hand.page.select_option("[data-speed]", "0.5")
    assert hand.page.evaluate("document.querySelector('#job video').playbackRate") == 0.5
    assert "settled" in hand.read("section[aria-labelledby=cost]").lower()
    with hand.page.expect_download() as saved:
        hand.click("a[download]:has-text('Download')")
    assert Path(saved.value.path()).read_bytes()[4:8] == b"ftyp"


def test_a_video_is_made_again_for_the_price_on_its_button(maker: Maker) -> None:
    hand = maker.ready()
    price = hand.price()
    hand.click("#generate")
    hand.click("#toast a")
    hand.see("#job[data-state=succeeded] video")
    first = hand.page.url
    assert micros(hand.read("button:has-text('Run again')")) == price
    hand.click("button:has-text('Run again')")
    hand.until(f"location.pathname !== new URL({first!r}).pathname")
    hand.see("#job[data-state=succeeded] video")


# ── free, and not ──
def asked_again(hand: Person) -> str:
    """What the page that answers the click says."""
    with hand.page.expect_navigation():
        hand.click("button:has-text('Look again — free')")
    return hand.read(".messages")


def test_a_task_is_looked_at_again_for_nothing(maker: Maker) -> None:
    hand = maker.ready()
    maker.other_speech("homily.mp3", files.mp3(seconds=57))
    hand.click("#consent-audio_url")
    hand.see(PRICED)
    price = hand.price()
    hand.click("#generate")
    hand.click("#toast a")
    hand.see("#job[data-state=running]")
    said = asked_again(hand)
    while "a moment ago" in said:  # the engine has just looked by itself, or so has the last click
        hand.page.wait_for_timeout(1000)
        said = asked_again(hand)
    assert "free" in said
    hand.see("#job[data-state=succeeded] video")
    assert hand.page.locator(".attempts li").count() == 1, "a look is no second task"
    assert abs(micros(hand.read("section[aria-labelledby=cost] .sum")) - price) <= price / 20, (
        "and is not paid"
    )
    assert not hand.page.locator("button:has-text('Look again')").count()


def test_a_video_is_downloaded_again_for_nothing(maker: Maker) -> None:
    hand = maker.ready()
    price = hand.price()
    maker.studio.simulator("arm", fault="result-404", times=100)
    hand.click("#generate")
    hand.click("#toast a")
    try:
        hand.see("button:has-text('Download again — free')")
        assert "bringing the video home" in hand.read(".verdict .state")
    finally:
        maker.studio.simulator("disarm")
    hand.click("button:has-text('Download again — free')")
    assert "free" in hand.read(".messages")
    hand.see("#job[data-state=succeeded] video")
    hand.plays()
    assert hand.page.locator(".attempts li").count() == 1
    assert abs(micros(hand.read("section[aria-labelledby=cost] .sum")) - price) <= price / 20
    assert micros(hand.read("button:has-text('Run again')")) == price, (
        "another video is another price"
    )


def test_a_failure_is_told_in_plain_words_and_its_code_unfolds_by_keyboard(maker: Maker) -> None:
    hand = maker.ready()
    maker.studio.simulator("arm", fault="task-fails:InvalidFile.FullFace", model="emo-v1")
    hand.click("#generate")
    hand.click("#toast a")
    hand.see("#job[data-state=failed]")
    assert hand.read("#blame") == "The face is not wholly visible."
    answers = hand.read(".blame .answers")
    assert re.search(
        r"Whose fault The input What to do Use a picture with the whole face.* What it cost "
        r"Nothing was produced, cost \$0\.00",
        answers,
    )
    code = hand.page.locator("#raw code >> nth=0")
    assert not code.is_visible()
    assert "InvalidFile" not in hand.read("main"), "raw words are for support"
    hand.page.focus("#raw summary")
    hand.page.keyboard.press("Enter")
    code.wait_for()
    assert code.inner_text() == "InvalidFile.FullFace"
    hand.page.keyboard.press("Enter")
    code.wait_for(state="hidden")
    # what to do is one click away, with its price
    assert "$" in hand.read(".blame button:has-text('Run again')")
    hand.click(".blame button:has-text('Run again')")
    hand.see("#job[data-state=succeeded] video")
