"""Every way to a film, as a person goes it: files dropped, keys pressed, at both widths and in both themes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.media import probe
from studio.media.edits import with_sound
from tests import files
from tests.browser.person import Person, micros, person, signed_up
from tests.browser.site import SAMPLES, Site

pytestmark = [pytest.mark.browser, pytest.mark.flows]
LONG = 9  # seconds of the speech: longer than a test clip, and rendered in three


@dataclass
class Maker:
    """A person with a team, a checked portrait and a speech; `chosen` is the address of the form that holds both."""

    hand: Person
    team: str
    chosen: str
    folder: Path

    def open(self, path: str = "") -> Person:
        self.hand.page.goto((path and self.team + path) or self.chosen)
        return self.hand

    def ready(self) -> Person:
        """The form with both files, priced."""
        self.open()
        self.hand.see("#generate:not([disabled]) .price")
        return self.hand

    def film(self) -> None:
        """Follow the notice of the click to the job's page, until the film is there."""
        self.hand.click("#toast a")
        self.hand.see("#job[data-state=succeeded] video")


@pytest.fixture(scope="module", params=[(1440, "light"), (390, "dark"), (1440, "dark"), (390, "light")], ids=lambda pair: f"{pair[0]}-{pair[1]}")
def made(request: pytest.FixtureRequest, chromium: str, studio: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    width, theme = request.param
    with person(chromium, studio, width, theme) as hand:
        team = signed_up(hand, f"maker{width}{theme}")
        hand.page.goto(team + "make/portrait/")
        hand.drop("[data-slot=image_url]", SAMPLES / "portrait.jpg")
        hand.click("#consent-image_url")
        hand.click("button:has-text('Check the picture')")
        hand.see("rect.frame:not([data-grip])")
        desk = tmp_path_factory.mktemp("desk")
        hand.drop("[data-slot=audio_url]", files.write(desk, "speech.mp3", files.mp3(seconds=LONG)))
        hand.click("#consent-audio_url")
        hand.see("#generate:not([disabled]) .price")
        yield Maker(hand, team, hand.page.url, desk)


@pytest.fixture
def maker(made: Maker) -> Iterator[Maker]:
    made.hand.clicks = 0
    yield made
    made.hand.at_ease()


def seconds_of(hand: Person) -> float:
    return float(re.sub(r"[^\d.]", "", hand.read("[data-length]")))


def unfold(hand: Person, what: str) -> None:
    hand.click(f"details:has({what}) > summary >> visible=true")
    hand.see(what)


def other_speech(maker: Maker, name: str, data: bytes) -> None:
    maker.hand.click("section[aria-labelledby=h-sound] details[data-choose] > summary")
    maker.hand.drop("[data-slot=audio_url]", files.write(maker.folder, name, data))
    maker.hand.see(f"section[aria-labelledby=h-sound] header:has-text('{name}')")


# ── the picture ──
def test_a_picture_that_does_not_fit_is_told_at_once(maker: Maker) -> None:
    hand = maker.open("make/portrait/")
    small = files.write(maker.folder, "tiny.png", files.png(200, 260))
    hand.drop("[data-slot=image_url]", small)
    assert "400" in hand.read("#make [role=alert]"), "what is asked for stands there in numbers"
    assert hand.page.locator("#generate").is_disabled()


def test_a_recording_of_another_kind_is_taken_as_it_is(maker: Maker) -> None:
    hand = maker.open()
    other_speech(maker, "phone.m4a", files.m4a(seconds=4))
    hand.click("#consent-audio_url")
    hand.see("#generate:not([disabled]) .price")
    assert not hand.page.locator("section[aria-labelledby=h-sound] [role=alert] >> visible=true").count()
    hand.click("#generate")
    maker.film()  # the part that is kept was made a kind that the model takes


def test_a_crop_is_drawn_with_keys_and_is_a_new_picture(maker: Maker) -> None:
    hand = maker.ready()
    before = hand.page.input_value("input[type=hidden][name=image_url]")
    unfold(hand, "rect.frame[data-grip]")
    shown = hand.read("[data-size]")
    hand.press("circle[data-grip=rb]", *["Shift+ArrowLeft"] * 3, *["ArrowUp"] * 5)
    assert hand.read("[data-size]") != shown
    hand.type("#crop-left", "60")
    hand.press("#crop-left", "Tab")
    hand.click("details.crop button[data-do]")
    hand.until(f"document.querySelector('input[type=hidden][name=image_url]').value !== {before!r}", "the new picture takes the place of the old one")
    hand.see("button:has-text('Back to the original')")
    hand.click("button:has-text('Back to the original')")
    hand.until(f"document.querySelector('input[type=hidden][name=image_url]').value === {before!r}")
    hand.see("#generate:not([disabled]) .price")


# ── the speech ──
def test_what_is_cut_off_the_speech_is_not_paid(maker: Maker) -> None:
    hand = maker.ready()
    whole, price = seconds_of(hand), hand.price()
    hand.type("#trim-to", "2")
    hand.press("#trim-to", "Tab")
    hand.until("new URL(location.href).searchParams.get('keep_audio_url') === '0-2000'")
    hand.see("#generate:not([disabled]) .price")
    assert hand.price() < price
    assert abs(hand.price() / price - 2 / whole) < 0.02
    # the same with the keyboard on the handle
    cheaper = hand.price()
    hand.see("#generate:not([disabled]) .price")
    hand.press("#trim-start", *["ArrowRight"] * 4)
    hand.until("new URL(location.href).searchParams.get('keep_audio_url') === '400-2000'")
    hand.see("#generate:not([disabled]) .price")
    assert hand.price() < cheaper
    # a draft survives a reload
    hand.page.reload()
    assert float(hand.page.input_value("#trim-to")) == 2


def test_a_speech_that_is_too_long_becomes_several_films(maker: Maker) -> None:
    hand = maker.open("make/portrait/")
    long = files.write(maker.folder, "lecture.mp3", files.mp3(seconds=75))
    hand.page.goto(maker.chosen)
    unfold(hand, "#upload_audio_url") if not hand.page.locator("[data-slot=audio_url]").first.is_visible() else None
    hand.drop("[data-slot=audio_url]", long)
    hand.see(".split")
    assert re.search(r"[23] films", hand.read(".split"))
    assert seconds_of(hand) <= 60, "as much as the model takes is kept to begin with"


def test_speech_comes_from_the_microphone(maker: Maker) -> None:
    hand = maker.open("make/portrait/")
    hand.page.goto(maker.chosen)
    before = hand.page.input_value("input[type=hidden][name=audio_url]")
    hand.click("[data-record] >> visible=true")
    hand.page.wait_for_timeout(2500)
    hand.click("[data-record-stop]")
    hand.click("[data-record-use]")
    hand.until(f"![{before!r}, ''].includes(document.querySelector('input[type=hidden][name=audio_url]').value)")
    hand.see(".wave path.bars")


# ── the click ──
def test_the_form_stays_and_the_click_can_be_undone(maker: Maker) -> None:
    hand = maker.ready()
    key = hand.page.input_value("#make [name=key]")
    # the first keeps the service busy, so what is taken back still waits behind it
    other_speech(maker, "sermon.mp3", files.mp3(seconds=58))
    hand.click("#consent-audio_url")
    for word in ("one", "two", "three"):
        hand.see("#generate:not([disabled]) .price")
        hand.type("#title", word)
        hand.click("#generate")
        hand.see(f"#toast:has-text('{word}')")
        hand.page.wait_for_timeout(1100)  # longer than a double click
    assert hand.page.input_value("#make [name=key]") != key, "the next click is a job of its own"
    hand.click("#toast button:has-text('Undo')")
    hand.see("#toast:not(:has(button:has-text('Undo')))")
    hand.page.goto(maker.team)
    assert "Canceled" in hand.read("li.job:has-text('three')")


def test_a_test_clip_goes_on_with_the_full_length(maker: Maker) -> None:
    hand = maker.ready()
    price = hand.price()
    label = hand.read("#clip")
    assert micros(label.split("—")[1]) < price
    hand.click("#clip")
    maker.film()
    whole = hand.read("#whole button")
    assert micros(whole.split("—")[1]) == price, "the whole costs what the form said"
    hand.click("#whole button")
    hand.see("#job[data-state=succeeded] video")
    hand.until("document.querySelector('#job video').duration > 5")


def test_three_styles_are_played_together_and_one_is_picked(maker: Maker) -> None:
    hand = maker.ready()
    offer = hand.see(".less button")
    assert abs(micros(offer.inner_text().split("—")[1]) - 3 * hand.price()) < 200, "each is shown rounded"
    hand.click(".less button")
    hand.click("#toast a")
    hand.see("[data-compare]")
    hand.until("document.querySelectorAll('[data-compare] video').length === 3")
    hand.click("[data-all-play]")
    hand.until("[...document.querySelectorAll('[data-compare] video')].every((film) => film.currentTime > 0.3)")
    hand.click("[data-all-play]")
    hand.click("[data-compare] button:has-text('Pick this one') >> nth=1")
    hand.see(".film-of.won")
    assert hand.page.locator(".film-of.won").count() == 1


def test_pictures_times_speeches(maker: Maker) -> None:
    hand = maker.open("make/batch/?model=emo-v1")
    hand.click(".picker label:has-text('portrait') >> nth=0")
    hand.see("input[name=picture]:checked")
    hand.click(".picker label:has-text('speech') >> nth=0")
    hand.see("[data-cell]")
    hand.see("#generate:not([disabled]) .price")
    hand.type("#title", "Front desk")
    hand.click("#generate")
    hand.see("h1:has-text('Front desk')")
    hand.see("#rows .job[data-state=succeeded], #rows [data-state=succeeded]")
    hand.page.reload()
    with hand.page.expect_download() as saved:
        hand.click("a:has-text('Download all')")
    names = zipfile.ZipFile(io.BytesIO(Path(saved.value.path()).read_bytes())).namelist()
    assert len(names) == 1
    assert names[0].endswith(".mp4")


def test_a_preset_keeps_the_choices(maker: Maker) -> None:
    hand = maker.ready()
    hand.click("label:has-text('Calm')")
    hand.until("new URL(location.href).searchParams.get('style_level') === 'calm'")
    unfold(hand, "#preset_name")
    hand.type("#preset_name", "Quiet desk")
    hand.click("button[formaction$='/presets/']")
    hand.see(".presets a:has-text('Quiet desk')")
    hand.page.goto(maker.team + "make/portrait/")
    unfold(hand, ".presets a")
    hand.click(".presets a:has-text('Quiet desk')")
    hand.until("document.querySelector('[name=style_level]:checked')?.value === 'calm'")


def test_remix_shows_what_was_changed(maker: Maker) -> None:
    hand = maker.ready()
    hand.type("#title", "Remixed")
    hand.click("#generate")
    maker.film()
    hand.click("a:has-text('Change and make again')")
    hand.see("#generate:not([disabled]) .price")
    hand.click("label:has-text('Active')")
    hand.see("fieldset .tag:has-text('was')")
    hand.see("#generate:not([disabled]) .price")
    hand.click("#generate")
    hand.click("#toast a")
    assert "→" in hand.read(".note-line")
    hand.see("#job[data-state=succeeded] video")


# ── the film ──
def test_the_player_obeys_the_keyboard(maker: Maker) -> None:
    hand = maker.ready()
    hand.type("#title", "Played")
    hand.click("#generate")
    maker.film()
    hand.plays()
    hand.page.focus("[data-film]")
    at = "document.querySelector('#job video').currentTime"
    paused = "document.querySelector('#job video').paused"
    hand.page.keyboard.press("k")
    hand.until(f"{paused} || document.querySelector('#job video').ended")
    hand.page.evaluate("document.querySelector('#job video').currentTime = 1")
    hand.until(f"{at} === 1 && !document.querySelector('#job video').seeking")
    hand.page.keyboard.press(".")
    hand.until(f"{at} > 1.03 && {at} < 1.15", "a frame on")
    hand.page.keyboard.press("l")
    hand.see("[data-loop][aria-pressed=true]")
    hand.page.select_option("[data-speed]", "0.5")
    assert hand.page.evaluate("document.querySelector('#job video').playbackRate") == 0.5
    assert "settled" in hand.read("section[aria-labelledby=cost]").lower()
    with hand.page.expect_download() as saved:
        hand.click("a[download]:has-text('Download')")
    assert Path(saved.value.path()).read_bytes()[4:8] == b"ftyp"


# ── dances ──
def test_the_same_video_is_not_paid_twice_and_lends_its_sound(maker: Maker) -> None:
    dance = maker.folder / "dance.mp4"
    with_sound(SAMPLES / "dance.mp4", files.write(maker.folder, "music.mp3", files.mp3(seconds=4)), dance)

    def chosen() -> Person:
        hand = maker.open("make/dance/")
        hand.drop("[data-slot=image_url]", SAMPLES / "character.png")
        hand.see("button:has-text('Check the picture'), .tag:has-text('The service takes it')")
        if hand.page.locator("#consent-image_url").count():
            hand.click("#consent-image_url")
            hand.until("new URL(location.href).searchParams.has('consent_image_url')")
        if hand.page.locator("button:has-text('Check the picture')").count():
            hand.click("button:has-text('Check the picture')")
        hand.see(".tag:has-text('The service takes it')")
        if not hand.page.locator("[data-slot=template_video]").is_visible():
            hand.click("#new > summary")
        hand.drop("[data-slot=template_video]", dance)
        return hand

    hand = chosen()
    hand.click("#consent-template_video")
    hand.see("#generate:not([disabled]) .price")
    first = hand.price()
    hand.click("#generate")
    maker.film()
    hand.plays()
    with hand.page.expect_download() as saved:
        hand.click(".verdict a:has-text('Download with sound')")
    assert probe(Path(saved.value.path())).has_audio
    hand = chosen()
    hand.see("section[aria-labelledby=h-moves] .notice.good")
    hand.see("#generate:not([disabled]) .price")
    assert hand.price() < first, "the template is there already"
    hand.page.goto(maker.team + "templates/")
    hand.click("main a[href*='/templates/'] >> nth=0")
    hand.see("main video, main img")


def test_a_model_that_ends_names_its_successor_and_takes_the_draft_along(maker: Maker) -> None:
    hand = maker.ready()
    assert "10 Oct 2026" in hand.read(".successor")
    hand.click(".successor a.btn")
    hand.there("#make [name=model][value='wan2.2-s2v']")
    assert hand.page.input_value("input[type=hidden][name=image_url]")
    assert hand.page.input_value("input[type=hidden][name=audio_url]")


def test_pictures_are_not_larger_than_the_window(maker: Maker, tmp_path: Path) -> None:
    hand = maker.open("make/portrait/")
    wide = tmp_path / "wide.jpg"
    Image.new("RGB", (4000, 1000), "#7a5c33").save(wide)
    hand.drop("[data-slot=image_url]", wide)
    hand.until("document.querySelector('input[type=hidden][name=image_url]').value !== ''")
    hand.see("section[aria-labelledby=h-picture] figure, section[aria-labelledby=h-picture] [role=alert]")
    hand.see("main figure")
    widest: Any = hand.page.evaluate("Math.max(...[...document.querySelectorAll('main figure')].map((one) => one.getBoundingClientRect().right))")
    assert widest <= hand.page.evaluate("innerWidth") + 1
