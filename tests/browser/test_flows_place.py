"""The create page stays where the person is: what they touched keeps its place and the focus."""

from __future__ import annotations

from typing import Any

import pytest

from tests import files
from tests.browser.maker import PRICED, Maker
from tests.browser.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.flows]
NEAR = 4  # px that what was touched may move
# What a change asks for is there when the form is another element.
MARK = "document.querySelector('#make').dataset.before = ''"
SWAPPED = "!('before' in document.querySelector('#make').dataset)"


def top_of(hand: Person, what: str) -> float:
    return float(hand.page.evaluate(f"document.querySelector({what!r}).getBoundingClientRect().y"))


def test_a_choice_leaves_the_page_where_it_is(maker: Maker) -> None:
    hand = maker.ready()
    for value in ("calm", "active", "normal"):
        choice = f"[name=style_level][value={value}]"
        label = f"label:has({choice})"
        hand.page.locator(label).scroll_into_view_if_needed()
        before = top_of(hand, choice)
        hand.page.evaluate(MARK)
        hand.click(label)
        hand.until(SWAPPED)
        hand.see(PRICED)
        hand.still()
        hand.page.wait_for_timeout(300)  # what moves a page does it after the swap
        assert abs(top_of(hand, choice) - before) <= NEAR, value
        assert hand.page.evaluate(f"document.activeElement.matches({choice!r})"), value


def test_a_key_on_a_choice_leaves_the_page_where_it_is(maker: Maker) -> None:
    hand = maker.ready()
    chosen = "[name=style_level]:checked"
    hand.page.locator(chosen).focus()
    for _ in range(2):
        before = hand.page.evaluate("scrollY")
        hand.page.evaluate(MARK)
        hand.page.keyboard.press("ArrowRight")
        hand.until(SWAPPED)
        hand.see(PRICED)
        hand.page.wait_for_timeout(300)
        assert abs(hand.page.evaluate("scrollY") - before) <= 40, "a line at most"
        assert hand.page.evaluate(f"document.activeElement.matches({chosen!r})")


def test_after_the_click_the_focus_is_on_the_notice(maker: Maker) -> None:
    hand = maker.ready()
    # The hand itself brings the bar's own place into the window.
    hand.page.evaluate("addEventListener('click', () => { window.before = scrollY; }, true)")
    hand.click("#generate")
    hand.see("#toast a")
    hand.still()
    hand.page.wait_for_timeout(300)
    assert hand.page.evaluate("!!document.activeElement.closest('#toast')"), "focus on the notice"
    assert abs(hand.page.evaluate("scrollY - window.before")) <= NEAR


def test_the_verdict_is_not_behind_the_bar(maker: Maker) -> None:
    """Also when the answer is longer than the question was."""
    hand = maker.open("make/portrait/")
    hand.drop(
        "[data-slot=image_url]",
        files.write(maker.folder, "nobody.jpg", files.jpeg(width=900, height=900)),
    )
    hand.click("#consent-image_url")
    hand.see("button:has-text('Check the picture')")
    # as low in the window as it can stand
    hand.page.evaluate("document.querySelector('#check').scrollIntoView({ block: 'end' })")
    hand.click("button:has-text('Check the picture')")
    hand.until("!['none', 'checking'].includes(document.querySelector('#check').dataset.check)")
    hand.still()
    hand.page.wait_for_timeout(300)
    verdict, bar = (
        hand.page.evaluate(f"document.querySelector({what!r}).getBoundingClientRect().toJSON()")
        for what in ("#check", "#order-bar")
    )
    assert verdict["bottom"] <= bar["top"], "the bar covers it"
    assert verdict["top"] >= 0


def test_a_press_while_the_page_renews_itself_counts(maker: Maker) -> None:
    """The new form comes between the two halves of a click: the button that was pressed goes, and
    what was wanted must not go with it."""
    hand = maker.ready()
    held: list[Any] = []
    hand.page.route("**/make/price/**", lambda route: held.append(route))
    hand.page.evaluate(MARK)
    hand.click("label:has([name=style_level][value=calm])")
    for _ in range(100):
        if held:
            break
        hand.page.wait_for_timeout(50)
    box = hand.page.locator("#generate").bounding_box()
    hand.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    hand.page.mouse.down()
    for route in held:
        route.continue_()
    hand.page.wait_for_timeout(1500)
    hand.page.mouse.up()
    hand.page.unroute("**/make/price/**")
    hand.see("#toast .toast")
    hand.page.evaluate(MARK)
    hand.click("label:has([name=style_level][value=normal])")
    hand.until(SWAPPED)  # and the page goes on renewing itself
