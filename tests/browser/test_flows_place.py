"""The create page stays where the person is: what they touched keeps its place and the focus."""

from __future__ import annotations

from typing import Any

import pytest

from tests import files
from tests.browser.maker import PRICED, SPEECH, Maker
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


@pytest.mark.parametrize("button", ["right", "left"])
def test_a_press_that_orders_nothing_holds_no_form_up(maker: Maker, button: str) -> None:
    """Of a press on a list, or for a menu, no page is told the end; the price comes anyhow."""
    hand = maker.ready()
    hand.page.evaluate(MARK)
    where = "#generate" if button == "right" else "#title"
    hand.page.evaluate(
        """([where, button]) => document.querySelector(where).dispatchEvent(
            new PointerEvent("pointerdown", { bubbles: true, isPrimary: true, button }))""",
        [where, 2 if button == "right" else 0],
    )
    hand.page.evaluate("document.querySelector('[name=style_level][value=calm]').click()")
    hand.until(SWAPPED)


def test_a_press_that_ends_elsewhere_holds_no_form_up(maker: Maker) -> None:
    """The window lost the pointer, to another one or to a dialog of the machine."""
    hand = maker.ready()
    hand.page.evaluate(MARK)
    hand.page.evaluate(
        """() => {
            document.querySelector("#generate").dispatchEvent(
                new PointerEvent("pointerdown", { bubbles: true, isPrimary: true }));
            document.querySelector("[name=style_level][value=calm]").click();
        }"""
    )
    hand.page.wait_for_timeout(1000)
    assert not hand.page.evaluate(SWAPPED), "it waits for the press to end"
    hand.page.evaluate("window.dispatchEvent(new Event('blur'))")
    hand.until(SWAPPED)


def test_a_file_whose_connection_broke_is_sent_again(maker: Maker) -> None:
    hand = maker.open()
    cut: list[str] = []

    def once(route: Any) -> None:
        if route.request.method == "PUT" and not cut:
            cut.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    hand.page.route("**/upload/**", once)
    hand.drop("[data-slot=audio_url]", files.write(maker.folder, "cut.mp3", files.mp3(seconds=5)))
    hand.see(f"{SPEECH} .clip:has-text('cut.mp3')")
    assert len(cut) == 1
    hand.page.unroute("**/upload/**")
    hand.wrong[:] = [one for one in hand.wrong if "ERR_FAILED" not in one]
