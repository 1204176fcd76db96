"""One studio and one browser's worth of fixtures for all tests of this folder; without Chromium
nothing is started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser import pages, site
from tests.browser.maker import SCREENS, Maker, at_work, screen

if TYPE_CHECKING:
    from playwright.sync_api import Playwright


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium. Skips without one, and fails in CI."""
    if site.CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not on PATH, and this test is never skipped in CI")
        pytest.skip(
            "chromium is not installed, so no page is looked at in a browser (apt install chromium)"
        )
    if not os.environ.get("CI"):
        pytest.importorskip("playwright.sync_api")
    return site.CHROMIUM


@pytest.fixture(scope="package")
def playwright(chromium: str) -> Iterator[Playwright]:
    """The one driver of every browser here: a second beside it is refused. It keeps an event loop
    running, in which Django asks no database, so it ends with the last test of this folder."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def studio(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[site.Site]:
    """A studio that runs in a folder of its own, simulator and all."""
    with site.running(tmp_path_factory.mktemp("studio")) as running:
        yield running


@pytest.fixture(scope="package")
def lived_in(playwright: Playwright, studio: site.Site) -> Iterator[pages.Cast]:
    """The same, filled with people, files and videos, and a browser in which its owner is signed
    in."""
    told = site.filled(studio)
    with (
        site.debugging(studio) as debug,
        pages.cast(playwright, studio.address, told, debug) as cast,
    ):
        yield cast


@pytest.fixture(scope="module", params=SCREENS, ids=screen)
def made(
    request: pytest.FixtureRequest,
    playwright: Playwright,
    studio: site.Site,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Maker]:
    """Somebody for all flows of one file, at one width and in one theme."""
    width, theme = request.param
    name = f"{request.path.stem.rpartition('_')[2]}{width}{theme}"
    desk = tmp_path_factory.mktemp("desk")
    with at_work(playwright, studio, width, theme, name, desk) as somebody:
        yield somebody


@pytest.fixture
def maker(made: Maker) -> Iterator[Maker]:
    """The same for one flow, at the end of which nothing may have gone wrong behind the page."""
    made.hand.clicks = 0
    yield made
    made.hand.at_ease()
