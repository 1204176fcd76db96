"""Videos that belong together: a clip and its full length, styles side by side, many at once."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from tests import files
from tests.browser.maker import PRICED, Maker
from tests.browser.person import micros
from tests.browser.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.flows]


def test_a_test_clip_goes_on_with_the_full_length(maker: Maker) -> None:
    hand = maker.ready()
    price = hand.price()
    label = hand.read("#clip")
    assert micros(label.split("—")[1]) < price
    hand.click("#clip")
    maker.video()
    whole = hand.read("#whole button")
    assert micros(whole.split("—")[1]) == price, "the whole costs what the form said"
    hand.click("#whole button")
    hand.see("#job[data-state=succeeded] video")
    hand.until("document.querySelector('#job video').duration > 5")


def test_three_styles_are_played_together_and_one_is_picked(maker: Maker) -> None:
    hand = maker.ready()
    offer = hand.see(".less button")
    assert abs(micros(offer.inner_text().split("—")[1]) - 3 * hand.price()) < 200, (
        "each is shown rounded"
    )
    hand.click(".less button")
    hand.click("#toast a")
    hand.see("[data-compare]")
    hand.until("document.querySelectorAll('[data-compare] video').length === 3")
    hand.click("[data-all-play]")
    hand.until(
        "[...document.querySelectorAll('[data-compare] video')].every((one) => "
        "one.currentTime > 0.3)"
    )
    hand.click("[data-all-play]")
    hand.click("[data-compare] button:has-text('Pick this one') >> nth=1")
    hand.see(".film-of.won")
    assert hand.page.locator(".film-of.won").count() == 1


def test_styles_are_tried_as_clips_and_the_picked_one_is_made_in_full(maker: Maker) -> None:
    hand = maker.ready()
    whole, clip = hand.price(), micros(hand.read("#clip").split("—")[1])
    offer = hand.read(".less button:has-text('as 5 s clips')")
    price = micros(offer.split("—")[1])
    assert abs(price - 3 * clip) < 200, "each is shown rounded"
    hand.click(".less button:has-text('as 5 s clips')")
    assert abs(micros(hand.read("#toast p").split("$")[1]) - price) <= 100
    hand.click("#toast a")
    hand.until("document.querySelectorAll('[data-compare] video').length === 3")
    hand.click("[data-all-play]")
    hand.until(
        "[...document.querySelectorAll('[data-compare] video')].every((one) => "
        "one.currentTime > 0.3)"
    )
    spread = (
        "(() => { const at = [...document.querySelectorAll('[data-compare] "
        "video')].map((video) => video.currentTime);"
    )
    hand.until(
        spread + " return Math.max(...at) - Math.min(...at) < 0.15 })()",
        "the videos do not keep step",
    )
    hand.click("[data-all-play]")
    hand.click("[data-compare] button:has-text('Pick this one') >> nth=1")
    won = hand.see(".film-of.won").get_attribute("id").removeprefix("film-")
    hand.click(f"#job-{won} a:has-text('Full length')")
    assert micros(hand.read("#whole button").split("—")[1]) == whole, (
        "the whole costs what the form said"
    )
    hand.click("#whole button")
    hand.see("#job[data-state=succeeded] video")
    hand.until("document.querySelector('#job video').duration > 5")


def test_pictures_times_speeches(maker: Maker) -> None:
    hand = maker.open("make/batch/?model=emo-v1")
    hand.click(".picker label:has-text('portrait') >> nth=0")
    hand.see("input[name=picture]:checked")
    hand.click(".picker label:has-text('speech') >> nth=0")
    hand.see("[data-cell]")
    hand.see(PRICED)
    hand.type("#title", "Front desk")
    hand.click("#generate")
    hand.see("h1:has-text('Front desk')")
    hand.see("#rows .job[data-state=succeeded], #rows [data-state=succeeded]")
    hand.page.reload()
    with hand.page.expect_download() as saved:
        hand.click("a:has-text('Download all')")
    names = zipfile.ZipFile(io.BytesIO(Path(saved.value.path()).read_bytes())).namelist()
    assert len(names) == 1
    assert names[0].endswith(".mp4")


def test_many_at_once_makes_what_can_be_made_for_one_price(maker: Maker) -> None:
    hand = maker.open("make/batch/?model=emo-v1")
    short = [files.write(maker.folder, f"line-{n}.mp3", files.mp3(seconds=n)) for n in (2, 3)]
    hand.page.set_input_files(
        "#upload-files", [SAMPLES / "portrait.jpg", SAMPLES / "nobody.jpg", *short]
    )
    hand.until(
        "document.querySelectorAll('tbody tr').length === 2 && "
        "document.querySelectorAll('[data-cell]').length === 4"
    )
    hand.drop("form[data-upload]", SAMPLES / "dance.mp4")
    assert "not used here" in hand.read("[data-uploads] [data-end]"), (
        "what stands below is not told twice"
    )
    assert hand.page.locator("[data-cell]").count() == 4
    hand.click("button:has-text('Check')")
    hand.until(
        "document.querySelectorAll('[data-cell=fits]').length === 2 && "
        "document.querySelectorAll('[data-cell=refused]').length === 2"
    )
    assert "No person" in hand.read("tr:has-text('nobody') [data-cell=refused]")
    for box in hand.page.locator(".consent input").all():
        box.check()
    hand.still()
    hand.see(PRICED)
    cells = [
        micros(words) for words in hand.page.locator("[data-cell=fits] .num").all_inner_texts()
    ]
    assert abs(hand.price() - sum(cells)) <= 100, "only what can be made is counted"
    assert "2 videos" in hand.read("#generate")
    hand.click("[data-cell=fits] input >> nth=0")
    hand.see("#generate:has-text('1 video')")
    assert abs(hand.price() - cells[1]) <= 100
    hand.click("[data-cell=fits] input >> nth=0")
    hand.see("#generate:has-text('2 videos')")
    hand.type("#title", "Two lines")
    hand.click("#generate")
    hand.see("h1:has-text('Two lines')")
    hand.until("document.querySelectorAll('#rows .job[data-state=succeeded]').length === 2")
    assert hand.page.locator("#rows .job").count() == 2
    hand.page.reload()
    with hand.page.expect_download() as saved:
        hand.click("a:has-text('Download all')")
    names = zipfile.ZipFile(io.BytesIO(Path(saved.value.path()).read_bytes())).namelist()
    assert len(names) == len(set(names)) == 2
    assert all(name.endswith(".mp4") for name in names)
