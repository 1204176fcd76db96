"""Files of the library get tags, several at once, and are found by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests import files
from tests.browser.maker import SCREENS, screen
from tests.browser.person import Person, person, signed_up
from tests.browser.site import Site
from tests.browser.test_axe import axe, violations

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

__all__ = ["axe"]
pytestmark = [pytest.mark.browser, pytest.mark.flows]
NAMES = ("Mia.png", "Noor.png", "Olu.png")
LONG = "W" * 40


@pytest.fixture(params=SCREENS, ids=screen)
def somebody(
    request: pytest.FixtureRequest, playwright: Playwright, studio: Site
) -> Iterator[Person]:
    with person(playwright, studio, *request.param) as hand:
        yield hand
        hand.at_ease()


@pytest.fixture(params=SCREENS[:2], ids=screen)
def plain(request: pytest.FixtureRequest, playwright: Playwright, studio: Site) -> Iterator[Person]:
    with person(playwright, studio, *request.param, scripts=False) as hand:
        yield hand
        hand.at_ease()


def library(hand: Person, name: str) -> str:
    """The address of the library of a new team, with the three files of NAMES."""
    home = signed_up(hand, name) + "library/"
    hand.page.goto(home)
    token = hand.page.locator("main input[name=csrfmiddlewaretoken]").first.input_value()
    for number, called in enumerate(NAMES):
        kept = hand.page.request.post(
            home + "upload/",
            headers={"Referer": home},
            multipart={
                "csrfmiddlewaretoken": token,
                "file": {
                    "name": called,
                    "mimeType": "image/png",
                    "buffer": files.png(400 + number, 400),
                },
            },
        )
        assert kept.ok
    hand.page.goto(home)
    return home


def titles(hand: Person) -> list[str]:
    return [words.strip() for words in hand.page.locator(".card h3").all_inner_texts()]


def tick(hand: Person, *names: str) -> None:
    for name in names:
        hand.page.check(f"input[name=asset][aria-label='{name}']")


def tags_are_given_and_taken(hand: Person, home: str) -> None:
    hand.click("a:has-text('Select several')")
    tick(hand, "Mia.png", "Olu.png")
    hand.type("#tag-ticked", "Front desk")
    hand.page.press("#tag-ticked", "Enter")
    hand.see("text=2 files have the tag “Front desk” now.")
    hand.click(".file-tags a:has-text('Front desk')")
    hand.see(".file-tags a[aria-current]")
    assert titles(hand) == ["Olu.png", "Mia.png"]
    assert "select=1" in hand.page.url, "what was chosen stays"
    tick(hand, "Olu.png")
    hand.click("button:has-text('Take this tag away')")
    hand.see("text=1 file has the tag “Front desk” no more.")
    assert titles(hand) == ["Mia.png"]
    hand.page.goto(home + "?tag=front%20desk")
    hand.click(".card h3 a")
    hand.see("#tags a:has-text('Front desk')")
    hand.type("#new-tag", LONG)
    hand.page.press("#new-tag", "Enter")
    hand.see(f"#tags a:has-text('{LONG}')")
    hand.at_ease()


def test_tags_of_several_files(somebody: Person, axe: str, request: pytest.FixtureRequest) -> None:
    home = library(somebody, f"tags{request.node.callspec.id.replace('-', '')}")
    tags_are_given_and_taken(somebody, home)
    assert violations(somebody.page, axe) == []
    somebody.page.goto(home + "?select=1")
    somebody.page.locator("#lq").press_sequentially("mia")
    somebody.page.wait_for_url("**q=mia**")
    somebody.still()
    somebody.click(".file-tags a:has-text('Front desk')")
    somebody.page.wait_for_url("**tag=Front+desk**")
    assert "q=mia" in somebody.page.url, "the search stays when a tag is pressed"
    assert titles(somebody) == ["Mia.png"]
    assert violations(somebody.page, axe) == []


def test_tags_without_scripts(plain: Person, request: pytest.FixtureRequest) -> None:
    home = library(plain, f"plaintags{request.node.callspec.id.replace('-', '')}")
    tags_are_given_and_taken(plain, home)
