"""A board that is right by itself: one makes, another watches, and nobody loads a page again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.maker import PRICED, Maker, at_work
from tests.browser.person import PATIENCE, SIZES, Person
from tests.browser.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

pytestmark = [pytest.mark.browser, pytest.mark.flows]

# Every number of the board beside what is really in its list.
NUMBERS = """() => {
    const number = (words) => Number((words ?? '0').replace(/\\D/g, ''));
    const rows = (name) => document.querySelectorAll(`[data-section=${name}] [data-job]`).length;
    const told = [...document.querySelectorAll('[data-part=counts] dd')];
    const tabs = Object.fromEntries([...document.querySelectorAll('[data-part=tabs] a')].map(
        (a) => [a.childNodes[0].textContent.trim(), number(a.querySelector('.n').textContent)]));
    const foot = document.querySelector('[data-part=foot] p')?.textContent ?? '';
    const states = [...document.querySelectorAll('#rows [data-job]')].map(
        ({ dataset }) => [dataset.state, dataset.group]);
    return {
        told: told.map((dd) => number(dd.textContent)),
        listed: [rows('stage'), rows('waiting'), rows('needs')],
        ended: rows('ended'), tabs, foot: foot.match(/\\d+/g)?.map(Number) ?? [0, 0],
        title: document.title.match(/\\((\\d+)[^,]*, (\\d+)/)?.slice(1).map(Number) ?? [0, 0],
        astray: [...document.querySelectorAll('[data-section=ended] [data-job]')].filter(
            ({ dataset }) => dataset.group < 3).length + [...document.querySelectorAll(
            '[data-section=stage] [data-job], [data-section=waiting] [data-job]')].filter(
            ({ dataset }) => dataset.group >= 3).length,
        all: states.length,
    };
}"""


def agree(page: Any) -> dict[str, Any]:
    """What the board says, which must be one story."""
    seen: dict[str, Any] = page.evaluate(NUMBERS)
    assert seen["told"] == seen["listed"], seen
    assert seen["title"] == seen["told"][:2], seen
    assert seen["foot"][:2] == seen["told"][:2], seen
    assert seen["tabs"]["All"] == seen["all"], seen
    assert seen["tabs"]["Working"] == seen["told"][0] + seen["told"][1], seen
    assert seen["tabs"]["Done"] == seen["ended"], seen
    assert seen["astray"] == 0, seen
    return seen


@contextmanager
def watching(maker: Maker, width: int, theme: str, path: str = "") -> Iterator[Person]:
    """A second browser window of the same team, at `path`."""
    context = maker.hand.page.context
    other = context.browser.new_context(
        base_url=maker.studio.address,
        viewport={"width": width, "height": SIZES[width]},
        color_scheme="dark" if theme == "dark" else "light",
        storage_state=context.storage_state(),
    )
    other.set_default_timeout(PATIENCE)
    somebody = Person(other.new_page(), maker.studio.address)
    somebody.page.goto(path or maker.team)
    somebody.page.evaluate("window.neverLoadedAgain = true")
    try:
        yield somebody
        assert somebody.page.evaluate("window.neverLoadedAgain"), "the page was loaded again"
        somebody.at_ease()
    finally:
        other.close()


def order(hand: Person, titles: list[str], button: str = "#generate") -> None:
    for title in titles:
        hand.see(PRICED)
        hand.type("#title", title)
        hand.still()
        hand.page.click(button)
        hand.see(f"#toast:has-text('{title}')")
        hand.page.wait_for_timeout(1100)  # longer than a double click


@pytest.fixture(scope="module")
def two(
    playwright: Playwright, studio: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Maker]:
    desk = tmp_path_factory.mktemp("desk")
    with at_work(playwright, studio, 1440, "light", "live", desk) as made:
        yield made


def test_twenty_jobs_are_ordered_and_finish_before_the_eyes_of_another(two: Maker) -> None:
    number = 20
    hand = two.ready()
    with watching(two, 1440, "dark") as wide, watching(two, 390, "light") as narrow:
        before = agree(wide.page)["all"]
        most = 0
        for one in range(number):
            order(hand, [f"Number {one}"], "#clip")
            most = max(most, *(sum(agree(who.page)["told"]) for who in (wide, narrow)))
        assert most > 1, "somebody saw them wait"
        end = time.monotonic() + 240
        while agree(wide.page)["ended"] < before + number:
            assert time.monotonic() < end, agree(wide.page)
            agree(narrow.page)
            wide.page.wait_for_timeout(200)
        narrow.until(f"({NUMBERS})().ended === {before + number}")
        for who in (wide, narrow):
            assert agree(who.page)["told"] == [0, 0, 0]
            assert who.page.title().startswith("Jobs")
            spent = who.read("[data-part=foot] .num")
            who.page.evaluate("window.neverLoadedAgain")
            assert "$0.00" not in spent
    assert "Ready" in hand.read("#toast"), "the notice of the click knows as well"


def test_the_notice_of_a_click_and_the_foot_of_a_page_go_on(two: Maker) -> None:
    hand = two.ready()
    order(hand, ["Noticed"])
    assert "is reserved" in hand.read("#toast") or "Noticed" in hand.read("#toast")
    page = hand.page.get_attribute("#toast a", "href") or ""
    with watching(two, 390, "dark", page) as job:
        job.see("#job[data-state=succeeded] video")
        paid = job.read("[data-part=foot] .num")
        order(hand, ["Another"], "#clip")
        job.until(
            f"document.querySelector('[data-part=foot] .num').innerText.replace(/\\s+/g, ' ')"
            f".trim() !== {paid!r}",
            "what is spent stands still at the foot of a page that is over",
        )
    hand.see("#toast:has-text('Ready')")


def test_a_row_in_use_stays_under_the_pointer(two: Maker) -> None:
    hand = two.ready()
    order(hand, [f"Pointed {one}" for one in range(8)])
    with watching(two, 1440, "light") as who:
        row = who.see("[data-section=waiting] [data-job]:has-text('Pointed 7')")
        name = row.get_attribute("id")
        row.locator("h3 a").hover()
        top = row.evaluate("(row) => row.getBoundingClientRect().top")
        who.until(
            f"document.getElementById({name!r}).dataset.state === 'succeeded'",
            "a row in use is renewed where it is",
        )
        here = f"document.getElementById({name!r})"
        assert abs(who.page.evaluate(f"{here}.getBoundingClientRect().top") - top) < 1.5
        who.page.mouse.move(5, 5)
        who.until(f"{here}.closest('[data-section]').dataset.section === 'ended'")
        agree(who.page)
