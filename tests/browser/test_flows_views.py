"""A filter of the board is kept, found again, given another name and let go: by keyboard alone,
with scripts and without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.maker import SCREENS, screen
from tests.browser.person import Person, person, signed_up
from tests.browser.site import Site
from tests.browser.test_axe import axe, violations

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

__all__ = ["axe"]
pytestmark = [pytest.mark.browser, pytest.mark.flows]
FILTER = "?outcome=failed&sort=cost"


@pytest.fixture(params=SCREENS, ids=screen)
def somebody(
    request: pytest.FixtureRequest, playwright: Playwright, studio: Site
) -> Iterator[Person]:
    with person(playwright, studio, *request.param) as hand:
        yield hand
        hand.at_ease()


@pytest.fixture(params=SCREENS, ids=screen)
def plain(request: pytest.FixtureRequest, playwright: Playwright, studio: Site) -> Iterator[Person]:
    with person(playwright, studio, *request.param, scripts=False) as hand:
        yield hand
        hand.at_ease()


def keep(hand: Person, name: str, *, for_all: bool = False) -> None:
    """Save the list that is shown, as `name`."""
    hand.page.focus("summary:has-text('Save this view')")
    hand.page.keyboard.press("Enter")
    hand.page.keyboard.press("Tab")
    hand.page.keyboard.type(name)
    if for_all:
        hand.page.keyboard.press("Tab")
        hand.page.keyboard.press("Space")
    hand.page.focus("#view-name")
    hand.page.keyboard.press("Enter")
    hand.see(f".saved-views nav a[aria-current]:has-text('{name[:40]}')")
    hand.at_ease()


def changed(hand: Person, name: str) -> None:
    """Unfold what changes the view `name`, which is shown."""
    hand.page.focus(f"summary:has-text('Change “{name}”')")
    hand.page.keyboard.press("Enter")
    hand.page.keyboard.press("Tab")


def goes_through(hand: Person, team: str) -> None:
    page = hand.page
    page.goto(team)
    assert page.locator(".saved-views").count() == 0, "nothing is filtered, and nothing kept"
    page.goto(team + FILTER)
    keep(hand, "Dear failures")
    page.goto(f"{team}?tab=mine")
    keep(hand, "W" * 60, for_all=True)
    page.goto(team)
    link = hand.see(".saved-views nav a:has-text('Dear failures')")
    assert page.locator(".saved-views nav a[aria-current]").count() == 0
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{FILTER}")
    hand.see(".saved-views nav a[aria-current]:has-text('Dear failures')")
    assert page.locator(".saved-views nav a[aria-current]").count() == 1
    changed(hand, "Dear failures")
    page.keyboard.press("Control+A")
    page.keyboard.type("Failed")
    page.keyboard.press("Enter")
    hand.see(".saved-views nav a[aria-current]:has-text('Failed')")
    hand.at_ease()
    changed(hand, "Failed")
    page.focus("button:has-text('Delete the view')")
    page.keyboard.press("Enter")
    hand.see("text=The view “Failed” is deleted.")
    page.wait_for_url(f"**{FILTER}")
    assert page.locator(".saved-views nav a").count() == 1, "only that of the team is left"


def test_a_view_is_kept_by_keyboard(somebody: Person, request: pytest.FixtureRequest) -> None:
    name = f"views{request.node.callspec.id.replace('-', '')}"
    goes_through(somebody, signed_up(somebody, name))


def test_what_keeps_and_changes_a_view_keeps_nobody_out(
    somebody: Person, axe: str, request: pytest.FixtureRequest
) -> None:
    team = signed_up(somebody, f"axeviews{request.node.callspec.id.replace('-', '')}")
    somebody.page.goto(team + FILTER)
    keep(somebody, "Dear failures", for_all=True)
    for fold in somebody.page.locator(".saved-views summary").all():
        fold.click()
    somebody.see("button:has-text('Delete the view')")
    assert violations(somebody.page, axe) == []


def test_a_view_is_kept_without_scripts(plain: Person, request: pytest.FixtureRequest) -> None:
    name = f"plainviews{request.node.callspec.id.replace('-', '')}"
    goes_through(plain, signed_up(plain, name))
