"""A video is shared by link: watched in a browser that is not signed in, with a password, and taken
back while it is open."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.browser.maker import Maker
from tests.browser.person import Person
from tests.browser.test_axe import axe, violations
from tests.browser.test_flows_people import another

__all__ = ["axe"]
pytestmark = [pytest.mark.browser, pytest.mark.flows]
PLAYING = "() => document.querySelector('video').currentTime > 0.3"
ANSWERS = r"status of (410|422)"  # a link that is over, a wrong password
CLICKS = 3  # from the page of the video to the copied link


@pytest.fixture
def hand(maker: Maker) -> Person:
    """On the page of a video that is ready."""
    hand = maker.ready()
    hand.click("#generate")
    maker.video()
    return hand


@pytest.fixture
def visitor(hand: Person) -> Iterator[Person]:
    with another(hand) as somebody:
        yield somebody
        assert [line for line in somebody.wrong if not re.search(ANSWERS, line)] == []


def made_link(hand: Person, password: str = "") -> str:
    """Share the video whose page is open; the address that was copied."""
    hand.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hand.clicks = 0
    hand.click("#job a[href$='/share/']")
    if password:
        hand.type("[name=password]", password)
    hand.click("button:has-text('Make the link')")
    hand.click("section [data-copy]")
    assert hand.clicks == CLICKS
    copied = str(hand.page.evaluate("navigator.clipboard.readText()"))
    assert copied == hand.page.input_value("#address")
    return copied


def plays(visitor: Person) -> None:
    visitor.see("video")
    visitor.page.evaluate("document.querySelector('video').muted = true")
    visitor.page.evaluate("document.querySelector('video').play()")
    visitor.page.wait_for_function(PLAYING)


def test_shared_watched_and_taken_back(hand: Person, visitor: Person, axe: str) -> None:
    link = made_link(hand)
    visitor.page.goto(link)
    plays(visitor)
    assert not visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert violations(visitor.page, axe) == []
    assert visitor.page.get_attribute("meta[property='og:title']", "content")
    assert violations(hand.page, axe) == []
    hand.click("button:has-text('Take the link back')")
    hand.see("text=shows nothing any more")
    assert violations(hand.page, axe) == []
    visitor.see("h1:has-text('This link was taken back')")
    assert violations(visitor.page, axe) == []
    assert visitor.page.locator("video").count() == 0


def test_behind_a_password(hand: Person, visitor: Person, axe: str) -> None:
    link = made_link(hand, "three quiet lamps")
    visitor.page.goto(link)
    assert violations(visitor.page, axe) == []
    visitor.type("[name=password]", "not these words")
    visitor.press("[name=password]", "Enter")
    visitor.see("text=This is not the password")
    assert violations(visitor.page, axe) == []
    visitor.type("[name=password]", "three quiet lamps")
    visitor.press("[name=password]", "Enter")
    plays(visitor)
    film = visitor.page.locator("video").get_attribute("src")
    assert re.search(r"/s/[^/]+/1/video$", film)
    with another(hand) as third:
        assert third.page.request.get(film and link.split("/s/")[0] + film).status == 404
