"""One studio and one browser's worth of fixtures for all tests of this folder; without Chromium nothing is started."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.browser import pages, site


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium. Skips without one, and fails in CI."""
    if site.CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not on PATH, and this test is never skipped in CI")
        pytest.skip("chromium is not installed, so no page is looked at in a browser (apt install chromium)")
    if not os.environ.get("CI"):
        pytest.importorskip("playwright.sync_api")
    return site.CHROMIUM


@pytest.fixture(scope="session")
def studio(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[site.Site]:
    """A studio that runs in a folder of its own, simulator and all."""
    with site.running(tmp_path_factory.mktemp("studio")) as running:
        yield running


@pytest.fixture(scope="session")
def lived_in(studio: site.Site) -> Iterator[pages.Cast]:
    """The same, filled with people, files and films, and a browser in which its owner is signed in."""
    told = site.filled(studio)
    with site.debugging(studio) as debug, pages.cast(studio.address, told, debug) as cast:
        yield cast
