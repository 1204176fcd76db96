"""From signing up to a video that plays: at most eight clicks and two files, without reading any
help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.maker import PRICED, SCREENS, screen
from tests.browser.person import Person, person, signed_up
from tests.browser.site import SAMPLES, Site

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

pytestmark = [pytest.mark.browser, pytest.mark.flows]
CLICKS, FILES = 8, 2


@pytest.fixture(params=SCREENS, ids=screen)
def newcomer(
    request: pytest.FixtureRequest, playwright: Playwright, studio: Site
) -> Iterator[Person]:
    with person(playwright, studio, *request.param) as somebody:
        yield somebody
        somebody.at_ease()


def name_of(request: pytest.FixtureRequest) -> str:
    return "".join(letter for letter in request.node.name if letter.isalnum())[-24:]


def test_a_talking_portrait(newcomer: Person, request: pytest.FixtureRequest) -> None:
    signed_up(newcomer, name_of(request))
    newcomer.click(".empty a[href$='/make/portrait/']")
    newcomer.drop("[data-slot=image_url]", SAMPLES / "portrait.jpg")
    newcomer.click("#consent-image_url")
    newcomer.click("button:has-text('Check the picture')")
    newcomer.see("rect.frame:not([data-grip])")
    newcomer.drop("[data-slot=audio_url]", next(SAMPLES.glob("speech.*")))
    newcomer.click("#consent-audio_url")
    newcomer.see(PRICED)
    assert newcomer.price() > 0, "the price is known before the click"
    newcomer.click("#generate")
    newcomer.click("#toast a")
    newcomer.see("#job")
    newcomer.see("#job[data-state=succeeded] video")
    newcomer.plays()
    assert newcomer.clicks <= CLICKS
    assert newcomer.files == FILES


def test_a_dance(newcomer: Person, request: pytest.FixtureRequest) -> None:
    signed_up(newcomer, name_of(request))
    newcomer.click(".empty a[href$='/make/dance/']")
    newcomer.drop("[data-slot=image_url]", SAMPLES / "character.png")
    newcomer.click("#consent-image_url")
    newcomer.click("button:has-text('Check the picture')")
    newcomer.see("[data-check=passed], .tag[data-fit=yes]:has-text('Picture approved')")
    newcomer.drop("[data-slot=template_video]", SAMPLES / "dance.mp4")
    newcomer.click("#consent-template_video")
    newcomer.see(PRICED)
    newcomer.click("#generate")
    newcomer.click("#toast a")
    newcomer.see("#job[data-state=succeeded] video")
    newcomer.plays()
    assert newcomer.clicks <= CLICKS
    assert newcomer.files == FILES
