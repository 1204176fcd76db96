"""Somebody who has signed up, added an account and had a portrait checked: where most ways to a
video begin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests import files
from tests.browser.person import Person, person, signed_up
from tests.browser.site import SAMPLES, Site

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

SCREENS = [
    (1440, "light"),
    (390, "dark"),
    (1440, "dark"),
    (390, "light"),
]  # what every flow is gone at: pixels, theme
LONG = 9  # seconds of the speech: longer than a test clip, and rendered in three
# A price that moves with a handle is busy until the server has answered.
PRICED = "#generate:not([disabled]) .price:not([aria-busy=true])"
SPEECH = "section[aria-labelledby=h-sound]"
PICTURE = "section[aria-labelledby=h-picture]"


def screen(pair: tuple[int, str]) -> str:
    """A pair of SCREENS in the name of a test."""
    return f"{pair[0]}-{pair[1]}"


@dataclass
class Maker:
    """A person with a team, a checked portrait and a speech; `chosen` is the address of the form
    that holds both."""

    hand: Person
    studio: Site
    team: str
    chosen: str
    folder: Path

    def open(self, path: str = "") -> Person:
        self.hand.page.goto((path and self.team + path) or self.chosen)
        return self.hand

    def ready(self) -> Person:
        """The form with both files, priced."""
        self.open()
        self.hand.see(PRICED)
        return self.hand

    def video(self) -> None:
        """Follow the notice of the click to the job's page, until the video is there."""
        self.hand.click("#toast a")
        self.hand.see("#job[data-state=succeeded] video")

    def other_speech(self, name: str, data: bytes) -> None:
        self.hand.click(f"{SPEECH} details[data-choose] > summary")
        self.hand.drop("[data-slot=audio_url]", files.write(self.folder, name, data))
        self.hand.see(f"{SPEECH} header:has-text('{name}')")


@contextmanager
def at_work(
    playwright: Playwright, studio: Site, width: int, theme: str, name: str, folder: Path
) -> Iterator[Maker]:
    with person(playwright, studio, width, theme) as hand:
        team = signed_up(hand, name)
        hand.page.goto(team + "make/portrait/")
        hand.drop("[data-slot=image_url]", SAMPLES / "portrait.jpg")
        hand.click("#consent-image_url")
        hand.click("button:has-text('Check the picture')")
        hand.see("rect.frame:not([data-grip])")
        hand.drop(
            "[data-slot=audio_url]", files.write(folder, "speech.mp3", files.mp3(seconds=LONG))
        )
        hand.click("#consent-audio_url")
        hand.see(PRICED)
        yield Maker(hand, studio, team, hand.page.url, folder)


def seconds_of(hand: Person) -> float:
    """How much of the speech is kept."""
    return float(re.sub(r"[^\d.]", "", hand.read("[data-length]")))


def unfold(hand: Person, what: str) -> None:
    hand.click(f"details:has({what}) > summary >> visible=true")
    hand.see(what)
