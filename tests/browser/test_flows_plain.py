"""A browser without scripts: forms and buttons alone lead to a video, and the pages say what is
missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.maker import PICTURE, PRICED, SCREENS, SPEECH, screen
from tests.browser.person import Person, micros, person, signed_up
from tests.browser.site import SAMPLES, Site

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

pytestmark = [pytest.mark.browser, pytest.mark.flows]
PASSWORD = "three quiet lamps"


@pytest.fixture(params=SCREENS, ids=screen)
def plain(request: pytest.FixtureRequest, playwright: Playwright, studio: Site) -> Iterator[Person]:
    with person(playwright, studio, *request.param, scripts=False) as somebody:
        yield somebody
        somebody.at_ease()


def ends(hand: Person, what: str, looks: str) -> None:
    """Follow the link `looks` until `what` is there: no page renews itself."""
    for _ in range(60):
        if hand.page.locator(what).count():
            return
        hand.page.wait_for_timeout(500)
        hand.at_ease()
        hand.click(looks)
    raise AssertionError(f"{what} never came: {hand.page.url}")


def upload(hand: Person, part: str, name: str) -> None:
    """Choose a file with the browser's own control and press the button beside it."""
    hand.page.set_input_files(f"{part} [data-slot] input[type=file]", SAMPLES / name)
    hand.click(f"{part} [data-slot] button:has-text('Upload')")
    hand.see(f"{part} header:has-text('{name}')")


def nothing_dead(hand: Person) -> None:
    """What only a script works is not shown, and one sentence says so."""
    assert "Scripts are off" in hand.read("main .notice")
    dead = hand.page.locator("main button[type=button], header.topbar button[type=button]").all()
    assert [button.inner_text() for button in dead if button.is_visible()] == []


def test_a_talking_portrait_without_scripts(plain: Person, request: pytest.FixtureRequest) -> None:
    hand = plain
    name = f"plain{request.node.callspec.id.replace('-', '')}"
    team = signed_up(hand, name)
    # signed out and in again
    hand.page.goto("/accounts/logout/")
    hand.click("main button[type=submit]")
    hand.page.goto("/accounts/login/")
    hand.type("[name=login]", f"{name}@example.com")
    hand.type("[name=password]", PASSWORD)
    hand.click("main button:has-text('Sign in')")
    hand.page.goto(team + "make/portrait/")
    nothing_dead(hand)
    # the picture, and its check
    upload(hand, PICTURE, "portrait.jpg")
    hand.page.check("#consent-image_url")
    hand.click("button:has-text('Check the picture')")
    ends(hand, "#check[data-check=passed]", "#check a:has-text('Look again')")
    assert hand.page.is_checked("#consent-image_url")
    # the speech, and what of it is kept
    upload(hand, SPEECH, "speech.mp3")
    hand.page.check("#consent-audio_url")
    hand.type("#trim-to", "3")
    hand.click("button:has-text('Use these times')")
    assert float(hand.page.input_value("#trim-to")) == 3
    assert hand.page.is_checked("#consent-audio_url")
    # a choice, the price after it, the click
    price = hand.price()
    hand.page.check("input[name=style_level][value=calm]", force=True)
    hand.type("#title", "By hand")
    hand.click("button:has-text('Show the price')")
    hand.see(PRICED)
    assert hand.page.is_checked("input[name=style_level][value=calm]")
    assert hand.page.input_value("#title") == "By hand"
    assert hand.price() == price
    nothing_dead(hand)
    hand.at_ease()
    hand.click("#generate")
    hand.see("h1:has-text('By hand')")
    assert abs(micros(hand.read(".messages").split("$")[1]) - price) <= 100
    ends(hand, "#job[data-state=succeeded] video", "a:has-text('Load this page again')")
    assert hand.page.locator("#job video[controls]").count() == 1, "the browser's own player"
    nothing_dead(hand)
    hand.page.goto(team)
    assert hand.page.locator("li.job:has-text('By hand')").count() == 1


def test_a_dance_without_scripts(plain: Person, request: pytest.FixtureRequest) -> None:
    hand = plain
    team = signed_up(hand, f"dancer{request.node.callspec.id.replace('-', '')}")
    hand.page.goto(team + "make/dance/")
    nothing_dead(hand)
    upload(hand, PICTURE, "character.png")
    hand.page.check("#consent-image_url")
    hand.click("button:has-text('Check the picture')")
    ends(hand, "#check[data-check=passed]", "#check a:has-text('Look again')")
    hand.page.set_input_files("#new [data-slot] input[type=file]", SAMPLES / "dance.mp4")
    hand.click("#new [data-slot] button:has-text('Upload')")
    hand.see("#new video")
    hand.page.check("#consent-template_video")
    hand.click("button:has-text('Show the price')")
    hand.see(PRICED)
    hand.click("#generate")
    ends(hand, "#job[data-state=succeeded] video", "a:has-text('Load this page again')")
