"""A video goes into the trash and comes back; several files go from the library at once."""

from __future__ import annotations

import pytest

from tests.browser.maker import Maker
from tests.browser.person import Person
from tests.browser.test_axe import axe, violations

__all__ = ["axe"]
pytestmark = [pytest.mark.browser, pytest.mark.flows]


@pytest.fixture
def hand(maker: Maker) -> Person:
    """On the page of a video that is ready."""
    hand = maker.ready()
    hand.click("#generate")
    maker.video()
    return hand


def fits(hand: Person, axe: str) -> None:
    assert not hand.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert violations(hand.page, axe) == []


def test_deleted_and_restored(hand: Person, axe: str) -> None:
    job = hand.page.url.split("?")[0].split("#")[0]
    hand.click("#job a[href$='/delete/']")
    hand.see("h2:has-text('What stays')")
    fits(hand, axe)
    hand.click("button[name=sure]")
    hand.see("h1:has-text('Trash')")
    fits(hand, axe)
    assert hand.page.request.get(job).status == 410
    hand.click(".trash > li:first-child input[type=checkbox]")
    hand.click("button[value=restore]")
    hand.see("text=is where it was")
    hand.page.goto(job)
    hand.see("video")


def test_several_files_of_the_library(hand: Person, axe: str) -> None:
    hand.page.goto(hand.page.url.split("/jobs/")[0] + "/library/?select=1")
    boxes = hand.page.locator("input[name=asset]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    fits(hand, axe)
    hand.click("button:has-text('Delete what is ticked')")
    hand.see("h1:has-text('Delete 2 things')")
    fits(hand, axe)
    hand.click("button[name=sure]")
    hand.see("h1:has-text('Trash')")
    assert hand.page.locator(".trash > li").count() >= 2


def test_a_video_is_kept_for_good(hand: Person, axe: str) -> None:
    """The team lets old things go, and one of them stays."""
    job = hand.page.url.split("?")[0].split("#")[0]
    team = job.split("/jobs/")[0]
    hand.page.goto(f"{team}/team/settings/")
    hand.page.select_option("#id_keep_days", "30")
    fits(hand, axe)
    hand.click("button:has-text('Save')")
    hand.see("text=Saved.")
    hand.click("a:has-text('What goes soon')")
    hand.see("text=Nothing goes within a week.")
    fits(hand, axe)
    hand.page.goto(job)
    hand.click("button:has-text('Keep it for good')")
    hand.see("text=1 thing stays.")
    hand.see("button:has-text('Let it go when it is old')")
    fits(hand, axe)
