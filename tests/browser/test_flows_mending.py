"""What helps a file that does not fit, and the ways on from it: shrunk, without its silence, in parts, again, with the model that follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests import files
from tests.browser.person import Person, micros, person, signed_up
from tests.browser.site import SAMPLES, Site

pytestmark = [pytest.mark.browser, pytest.mark.flows]
PRICED = "#generate:not([disabled]) .price"
SPEECH = "section[aria-labelledby=h-sound]"


@pytest.fixture(scope="module", params=[(1440, "dark"), (390, "light")], ids=lambda pair: f"{pair[0]}-{pair[1]}")
def made(request: pytest.FixtureRequest, chromium: str, studio: Site) -> Iterator[tuple[Person, str, str]]:
    """A person, the team's address, and that of a form with a checked portrait and the sample speech."""
    with person(chromium, studio, *request.param) as hand:
        team = signed_up(hand, "mender{}{}".format(*request.param))
        hand.page.goto(team + "make/portrait/")
        hand.drop("[data-slot=image_url]", SAMPLES / "portrait.jpg")
        hand.click("#consent-image_url")
        hand.click("button:has-text('Check the picture')")
        hand.see("rect.frame:not([data-grip])")
        hand.drop("[data-slot=audio_url]", next(SAMPLES.glob("speech.*")))
        hand.click("#consent-audio_url")
        hand.see(PRICED)
        yield hand, team, hand.page.url


@pytest.fixture
def hand(made: tuple[Person, str, str]) -> Iterator[Person]:
    """The person in front of that form."""
    somebody, _team, chosen = made
    somebody.page.goto(chosen)
    somebody.see(PRICED)
    yield somebody
    somebody.at_ease()


def test_a_picture_that_is_too_large_is_shrunk_and_checked_by_itself(hand: Person, tmp_path: Path) -> None:
    large = tmp_path / "poster.jpg"
    with Image.open(SAMPLES / "portrait.jpg") as small:
        small.resize((5760, 7200)).save(large, quality=60)
    hand.click("section[aria-labelledby=h-picture] details[data-choose] > summary")
    hand.drop("[data-slot=image_url]", large)
    hand.see("section[aria-labelledby=h-picture] [role=alert]")
    assert "$" in hand.read(".mend button"), "the check that follows is paid, so the button says for what"
    hand.click(".mend button")
    hand.see("[data-check=passed], [data-check=refused]")
    assert "7200" not in hand.read("section[aria-labelledby=h-picture] header")
    hand.see("button:has-text('Back to the original')")


def test_silence_that_is_left_out_is_not_paid(hand: Person) -> None:
    before, offer = hand.price(), hand.read(".offers button")
    hand.click(".offers button")
    hand.until("!document.querySelector('.offers')")
    hand.see(PRICED)
    assert abs(before - hand.price() - micros(offer)) <= 100, "each is shown rounded"


def test_a_long_speech_is_made_as_two_films_with_one_click(hand: Person, tmp_path: Path) -> None:
    hand.click(f"{SPEECH} details[data-choose] > summary")
    hand.drop("[data-slot=audio_url]", files.write(tmp_path, "lecture.mp3", files.mp3(seconds=64)))
    hand.see(".split")
    hand.click("#consent-audio_url")
    hand.see(".split button:not([disabled])")
    price = micros(hand.read(".split button").split("—")[1])
    hand.click(".split button")
    assert abs(micros(hand.read("#toast p").split("$")[1]) - price) <= 100
    hand.click("#toast a")
    hand.see("#rows .job >> nth=1")


def test_a_film_is_made_again_for_the_price_on_its_button(hand: Person) -> None:
    price = hand.price()
    hand.click("#generate")
    hand.click("#toast a")
    hand.see("#job[data-state=succeeded] video")
    first = hand.page.url
    assert micros(hand.read("button:has-text('Run again')")) == price
    hand.click("button:has-text('Run again')")
    hand.until(f"location.pathname !== new URL({first!r}).pathname")
    hand.see("#job[data-state=succeeded] video")


def test_the_successor_makes_the_film_of_the_same_draft(hand: Person) -> None:
    hand.click(".successor a.btn")
    hand.there("#make [name=model][value='wan2.2-s2v']")
    hand.click("button:has-text('Check the picture')")
    hand.see(PRICED)
    hand.click("#generate")
    hand.click("#toast a")
    hand.see("#job[data-state=succeeded] video")
