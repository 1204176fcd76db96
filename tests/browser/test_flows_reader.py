"""A newcomer without a key, a session that ended meanwhile, and somebody who reads German on a
clock of Tokyo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.maker import PRICED, SCREENS, Maker, screen
from tests.browser.person import Person, person
from tests.browser.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

pytestmark = [pytest.mark.browser, pytest.mark.flows]
CLICKS = 6
PASSWORD = "three quiet lamps"


def name_of(request: pytest.FixtureRequest) -> str:
    return "".join(letter for letter in request.node.name if letter.isalnum())[-24:]


def sign_up(somebody: Person, name: str) -> None:
    somebody.page.goto("/accounts/signup/")
    somebody.type("[name=email]", f"{name}@example.com")
    somebody.type("[name=password1]", PASSWORD)
    somebody.click("main button[type=submit]")


@pytest.fixture(params=SCREENS, ids=screen)
def newcomer(
    request: pytest.FixtureRequest, playwright: Playwright, studio: Site
) -> Iterator[Person]:
    with person(playwright, studio, *request.param) as somebody:
        yield somebody
        somebody.at_ease()


def test_from_signing_up_to_a_playing_video_without_a_key(
    newcomer: Person, request: pytest.FixtureRequest
) -> None:
    sign_up(newcomer, name_of(request))
    newcomer.see(".simulated:has-text('Videos are simulated on this site')")
    newcomer.click("button:has-text('Try it without a key')")
    newcomer.click("button:has-text('Check the picture')")
    newcomer.see(PRICED)
    assert newcomer.price() > 0, "the price is known before the click"
    newcomer.click("#generate")
    newcomer.click("#toast a")
    newcomer.see("#job[data-state=succeeded] video")
    newcomer.plays()
    assert newcomer.clicks <= CLICKS
    assert newcomer.files == 0


def test_a_session_that_ended_leads_to_the_sign_in_page_and_back_to_the_draft(
    maker: Maker,
) -> None:
    hand = maker.ready()
    email = hand.page.locator(".menu-head").first.text_content() or ""
    hand.page.fill("[name=title]", "Welcome line")
    hand.until("location.search.includes('title=Welcome')")
    hand.page.context.clear_cookies(name="sessionid")
    choice = "label:has([name=style_level][value=calm])"
    hand.page.locator(choice).click()
    hand.see("h1:has-text('Sign in')")
    assert hand.page.locator("#make").count() == 0, "the window itself is the sign-in page"
    assert "next=" in hand.page.url
    hand.type("[name=login]", email.strip())
    hand.type("[name=password]", PASSWORD)
    hand.click("main form button[type=submit]:has-text('Sign in')")
    hand.see(PRICED)
    assert hand.page.input_value("[name=title]") == "Welcome line"
    hand.wrong.clear()  # the console tells of the 401


@pytest.mark.parametrize("pair", SCREENS[:2], ids=screen)
def test_times_and_amounts_are_those_of_the_reader(
    playwright: Playwright, studio: Site, pair: tuple[int, str], request: pytest.FixtureRequest
) -> None:
    with person(playwright, studio, *pair, locale="de-DE", zone="Asia/Tokyo") as somebody:
        sign_up(somebody, name_of(request))
        somebody.click("button:has-text('Try it without a key')")
        somebody.see("[name=title]")
        assert re.search(r"0,\d{4}\s\$", somebody.read("main")), "the check has its price"
        somebody.page.goto(re.sub(r"/make/.*", "/library/", somebody.page.url))
        somebody.page.locator("main a[href*='/library/']:has-text('portrait')").first.click()
        when = somebody.see("main time[title$=UTC]")
        utc, shown = when.get_attribute("datetime"), when.inner_text()
        tokyo = somebody.page.evaluate(
            "(at) => new Intl.DateTimeFormat('de-DE', {timeZone: 'Asia/Tokyo', hour: '2-digit', "
            "minute: '2-digit', day: 'numeric'}).format(new Date(at))",
            utc,
        )
        day, clock = re.findall(r"^\d+|\d\d:\d\d", tokyo)
        assert shown.startswith(f"{day}. "), (shown, tokyo)
        assert shown.endswith(clock), (shown, tokyo)
        somebody.at_ease()
