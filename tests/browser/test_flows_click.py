"""The click that costs, and what stands around it: the form that stays, undo, presets, a video
changed, the model that follows."""

from __future__ import annotations

import pytest

from tests import files
from tests.browser.maker import PRICED, Maker, seconds_of, unfold

pytestmark = [pytest.mark.browser, pytest.mark.flows]
MOMENT = 600  # milliseconds


def test_the_form_stays_and_the_click_can_be_undone(maker: Maker) -> None:
    hand = maker.ready()
    key = hand.page.input_value("#make [name=key]")
    # the first keeps the service busy, so what is taken back still waits behind it
    maker.other_speech("sermon.mp3", files.mp3(seconds=58))
    hand.click("#consent-audio_url")
    for word in ("one", "two", "three"):
        hand.see(PRICED)
        hand.type("#title", word)
        hand.click("#generate")
        hand.see(f"#toast:has-text('{word}')")
        hand.page.wait_for_timeout(1100)  # longer than a double click
    assert hand.page.input_value("#make [name=key]") != key, "the next click is a job of its own"
    hand.click("#toast button:has-text('Undo')")
    hand.see("#toast:not(:has(button:has-text('Undo')))")
    hand.page.goto(maker.team)
    assert "Canceled" in hand.read("li.job:has-text('three')")


def test_a_preset_keeps_the_choices(maker: Maker) -> None:
    hand = maker.ready()
    hand.click("label:has-text('Calm')")
    hand.until("new URL(location.href).searchParams.get('style_level') === 'calm'")
    unfold(hand, "#preset_name")
    hand.type("#preset_name", "Quiet desk")
    hand.still()
    assert hand.page.input_value("#preset_name") == "Quiet desk", (
        "the answer to the choice leaves what is typed"
    )
    hand.click("button[formaction$='/presets/']")
    hand.see(".presets a:has-text('Quiet desk')")
    hand.page.goto(maker.team + "make/portrait/")
    unfold(hand, ".presets a")
    hand.click(".presets a:has-text('Quiet desk')")
    hand.until("document.querySelector('[name=style_level]:checked')?.value === 'calm'")


def test_remix_shows_what_was_changed(maker: Maker) -> None:
    hand = maker.ready()
    hand.type("#title", "Remixed")
    hand.click("#generate")
    maker.video()
    hand.click("a:has-text('Change and make again')")
    hand.see(PRICED)
    hand.click("label:has-text('Active')")
    hand.see("fieldset .tag:has-text('was')")
    hand.see(PRICED)
    hand.click("#generate")
    hand.click("#toast a")
    assert "→" in hand.read(".note-line")
    hand.see("#job[data-state=succeeded] video")


def test_a_model_that_ends_names_its_successor_and_takes_the_draft_along(maker: Maker) -> None:
    hand = maker.ready()
    assert "10 Oct 2026" in hand.read(".successor")
    hand.click(".successor a.btn")
    hand.there("#make [name=model][value='wan2.2-s2v']")
    assert hand.page.input_value("input[type=hidden][name=image_url]")
    assert hand.page.input_value("input[type=hidden][name=audio_url]")


def test_the_successor_makes_the_video_of_the_same_draft(maker: Maker) -> None:
    hand = maker.ready()
    hand.click(".successor a.btn")
    hand.there("#make [name=model][value='wan2.2-s2v']")
    hand.click("button:has-text('Check the picture')")
    hand.see(PRICED)
    hand.click("#generate")
    hand.click("#toast a")
    hand.see("#job[data-state=succeeded] video")


# ── nothing is lost, nothing is paid twice ──
def test_a_draft_survives_a_reload_with_what_was_typed_a_moment_before(maker: Maker) -> None:
    hand = maker.ready()
    hand.click("label:has-text('Calm')")
    hand.until("new URL(location.href).searchParams.get('style_level') === 'calm'")
    hand.see(PRICED)
    hand.page.locator("#title").press_sequentially("Half a na")
    hand.page.wait_for_timeout(MOMENT)
    hand.page.reload()
    assert hand.page.input_value("#title") == "Half a na"
    hand.page.locator("#trim-to").press("Control+a")
    hand.page.locator("#trim-to").press_sequentially("3.5")
    hand.page.wait_for_timeout(MOMENT)
    hand.page.reload()
    hand.see(PRICED)
    assert float(hand.page.input_value("#trim-to")) == 3.5
    assert hand.page.input_value("#title") == "Half a na"
    assert hand.page.locator("[name=style_level][value=calm]").is_checked()
    for name in ("image_url", "audio_url"):
        assert hand.page.input_value(f"input[type=hidden][name={name}]")
        assert hand.page.locator(f"#consent-{name}:checked, .consent:not(:has(input))").count()
    assert abs(seconds_of(hand) - 3.5) < 0.05
    # a choice made and left at once, for another page and back
    hand.click("label:has-text('Active')")
    hand.page.goto(maker.team)
    hand.page.go_back()
    hand.see(PRICED)
    assert hand.page.locator("[name=style_level][value=active]").is_checked()
    assert hand.page.input_value("#title") == "Half a na"


def test_a_double_click_makes_one_job(maker: Maker) -> None:
    hand = maker.ready()
    hand.type("#title", "Clicked twice")
    hand.page.dblclick("#generate")
    hand.see("#toast:has-text('Clicked twice')")
    hand.page.wait_for_timeout(1500)  # a second job would be made by now
    hand.page.goto(maker.team)
    hand.see("li.job:has-text('Clicked twice')")
    assert hand.page.locator("li.job:has-text('Clicked twice')").count() == 1
    # the same for a form that leaves the page
    hand.click("li.job a:has-text('Clicked twice')")
    hand.see("#job[data-state=succeeded] video")
    hand.page.dblclick("button:has-text('Run again')")
    hand.see(".note-line:has-text('made again')")
    hand.page.goto(maker.team)
    hand.see("li.job:has-text('Clicked twice') >> nth=1")
    assert hand.page.locator("li.job:has-text('Clicked twice')").count() == 2, (
        "the first, and one more"
    )
