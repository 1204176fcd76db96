"""Files get tags and are put into a collection, several at once, and are found by both: by keyboard
alone."""

from __future__ import annotations

import pytest

from tests import files
from tests.browser.maker import Maker
from tests.browser.test_axe import axe, violations

__all__ = ["axe"]
pytestmark = [pytest.mark.browser, pytest.mark.flows]


def test_files_are_tagged_collected_and_found(maker: Maker, axe: str) -> None:
    hand, page = maker.open("library/"), maker.hand.page
    for n in range(2):
        name = f"look {n}.jpg"
        path = files.write(maker.folder, name, files.jpeg(600 + n, 800))
        hand.drop("form[data-upload] [data-drop]", path)
        hand.see(f"#files h3:has-text('{name}')")
    # Both are tagged at once
    page.goto(f"{maker.team}library/?select=1&q=look")
    for box in page.locator("#files input[name=asset]").all():
        box.focus()
        page.keyboard.press("Space")
    page.focus("#tag-ticked")
    page.keyboard.type("Front desk")
    page.keyboard.press("Enter")
    hand.see("text=2 files have the tag “Front desk” now.")
    hand.see(".file-tags a:has-text('Front desk')").focus()
    page.keyboard.press("Enter")
    hand.see(".file-tags a[aria-current]:has-text('Front desk')")
    assert page.locator("#files .card").count() == 2
    # A collection is made, and filled
    page.focus("summary:has-text('New collection')")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("W" * 60)
    assert violations(page, axe) == []
    page.keyboard.press("Enter")
    hand.see("text=is empty")
    page.goto(f"{maker.team}library/?select=1&tag=front+desk")
    page.locator("#files input[name=asset]").first.focus()
    page.keyboard.press("Space")
    page.focus("button:has-text('Put what is ticked into it')")
    page.keyboard.press("Enter")
    hand.see("text=1 file is new in")
    page.goto(f"{maker.team}library/")
    page.focus(".collections nav a")
    page.keyboard.press("Enter")
    hand.see(".collections nav a[aria-current=page]")
    assert page.locator("#files .card").count() == 1
    page.focus("summary:has-text('Change')")
    page.keyboard.press("Enter")
    hand.at_ease()
    assert violations(page, axe) == []
    page.focus("button:has-text('Delete the collection')")
    page.keyboard.press("Enter")
    hand.see("text=is deleted; its files are in the library")
    # And a tag is taken from one on its own page
    page.focus("#files h3:has-text('look 0') a")
    page.keyboard.press("Enter")
    page.focus("#tags button[name=take]")
    page.keyboard.press("Enter")
    hand.see("#tags:not(:has(a.tag)) #new-tag")
    assert violations(page, axe) == []
