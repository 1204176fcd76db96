"""The board in daily use: ticks by keyboard alone, a gallery that plays, names of 200 W, and a
page that does not jump."""

from __future__ import annotations

import zipfile

import pytest

from tests.browser.maker import PRICED, Maker
from tests.browser.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.flows]
LONG = "W" * 200
SHIFT = """() => new Promise((done) => {
    const found = { sum: 0, of: [] };
    new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) if (!shift.hadRecentInput) {
            found.sum += shift.value;
            found.of.push(...shift.sources.map(({ node, previousRect, currentRect }) =>
                `${node?.nodeName}.${node?.className} ${previousRect.y} ${currentRect.y}`));
        }
    }).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(found), 1500);
})"""


def rests(hand: Person) -> None:
    """The page, loaded again when nothing happens any more, did not move under the eyes."""
    hand.page.reload()
    shift = hand.page.evaluate(SHIFT)
    assert shift["sum"] <= 0.02, shift


def clip(maker: Maker, *titles: str) -> None:
    hand = maker.ready()
    for title in titles:
        hand.see(PRICED)
        hand.type("#title", title)
        hand.still()
        hand.page.click("#clip")
        hand.see(f"#toast:has-text('{title[:40]}')")
        hand.page.wait_for_timeout(1100)  # longer than a double click


def test_the_board_by_keyboard_alone(maker: Maker) -> None:
    clip(maker, "One", "Two", LONG)
    hand = maker.open("?tab=all")
    page = hand.page
    hand.see("[data-section=ended] [data-job] >> nth=2")
    rests(hand)
    hand.at_ease()  # nothing is wider than the window
    page.keyboard.press("?")
    hand.see("#keys-help[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    assert hand.read("[data-ticked]") == "3 jobs ticked"
    with page.expect_download() as download:
        page.focus("#many button[formmethod=get]")
        page.keyboard.press("Enter")
    assert len(zipfile.ZipFile(download.value.path()).namelist()) == 3
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=two**")
    assert page.locator("#rows [data-job]").count() == 1
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    hand.see("#job video")
    rests(hand)


def test_a_gallery_plays_and_is_remembered(maker: Maker) -> None:
    clip(maker, "Shown")
    hand = maker.open("?tab=all")
    hand.see("[data-section=ended] [data-job]:has-text('Shown')")
    hand.click("a:has-text('Show as gallery')")
    card = hand.see(".gallery [data-job]:has-text('Shown')")
    card.locator("h3 a").focus()
    hand.until("[...document.querySelectorAll('.gallery video')].some((one) => !one.paused)")
    hand.page.goto(maker.team)
    hand.see(".gallery [data-job]")
    rests(hand)
    hand.click("a.rename >> nth=0")
    hand.type("dialog[open] [name=title]", "Named anew")
    hand.click("dialog[open] button:has-text('Save')")
    hand.see(".gallery [data-job]:has-text('Named anew')")
    hand.click("a:has-text('Show as list')")
    hand.see(".jobs [data-job]")
