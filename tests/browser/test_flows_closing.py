"""An owner deletes the team and reopens it."""

from __future__ import annotations

import pytest

from tests.browser.maker import Maker
from tests.browser.person import Person
from tests.browser.test_axe import axe, violations

__all__ = ["axe"]
pytestmark = [pytest.mark.browser, pytest.mark.flows]


def fits(hand: Person, axe: str) -> None:
    assert not hand.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert violations(hand.page, axe) == []


def test_closed_and_reopened(maker: Maker, axe: str) -> None:
    hand = maker.ready()
    team, create = maker.team, hand.page.url
    hand.page.goto(f"{team}team/settings/")
    fits(hand, axe)
    hand.click("main a[href$='/team/delete/']")
    hand.see("h2:has-text('What stays')")
    fits(hand, axe)
    hand.type("#id_name", "another")
    hand.click("main button[type=submit]")
    hand.see("text=nothing was deleted")
    fits(hand, axe)
    name = hand.read("main form strong")
    hand.type("#id_name", name)
    hand.click("main button[type=submit]")
    hand.see("h1:has-text('is closed')")
    fits(hand, axe)
    answer = hand.page.goto(create)
    assert answer is not None
    assert answer.status == 403, "nobody orders here"
    hand.see("main :text('was deleted')")
    fits(hand, axe)
    hand.page.goto(team)
    fits(hand, axe)
    hand.click(".team-closed a")
    hand.click("button[value=reopen]")
    hand.see("text=is open again")
    answer = hand.page.goto(create)
    assert answer is not None
    assert answer.status == 200
    assert not hand.page.locator(".team-closed").count()
    # the browser's own words about the two refusals that were meant
    assert len(hand.wrong) == 2, hand.wrong
    assert all(
        f"status of {code}" in said for code, said in zip((422, 403), hand.wrong, strict=True)
    )
    hand.wrong.clear()
