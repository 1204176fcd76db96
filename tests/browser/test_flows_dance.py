"""Dances: a video is paid once, made over where it does not fit, and made anew where the service
forgot it."""

from __future__ import annotations

import sqlite3
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from studio.media import probe
from studio.media.edits import with_sound
from tests import files
from tests.browser.maker import PRICED, Maker
from tests.browser.person import Person, micros
from tests.browser.site import SAMPLES, Site

pytestmark = [pytest.mark.browser, pytest.mark.flows]
MOVES = "section[aria-labelledby=h-moves]"
IN_STEP = """(() => { const [video, sound] = ["video", "audio"]
    .map((kind) => document.querySelector(`#job ${kind}`));
    if (film.ended) film.play();
    return !film.paused && !sound.paused
    && Math.abs(video.currentTime - sound.currentTime) < 0.08; })()"""
TAKEN = ".tag:has-text('Picture approved')"


def character(maker: Maker, name: str = "character.png") -> Person:
    """The dance page with a picture that was checked, by us now or by somebody before."""
    hand = maker.open("make/dance/")
    hand.drop("[data-slot=image_url]", SAMPLES / name)
    hand.see(f"button:has-text('Check the picture'), {TAKEN}")
    agree(hand, "image_url")
    if hand.page.locator("button:has-text('Check the picture')").count():
        hand.click("button:has-text('Check the picture')")
    hand.see(TAKEN)
    return hand


def agree(hand: Person, name: str) -> None:
    """Tick that the file may be used, unless somebody said so before."""
    if hand.page.locator(f"#consent-{name}").count():
        hand.click(f"#consent-{name}")
        hand.until(f"new URL(location.href).searchParams.has('consent_{name}')")


def moves(hand: Person, video: Path) -> None:
    if not hand.page.locator("[data-slot=template_video]").is_visible():
        hand.click("#new > summary")
    hand.drop("[data-slot=template_video]", video)


def coded(path: Path, codec: str, rate: int) -> Path:
    """The sample dance in another codec, at another number of frames per second."""
    with av.open(str(SAMPLES / "dance.mp4")) as source, av.open(str(path), "w") as made:
        given = source.streams.video[0]
        stream: Any = made.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = given.width, given.height, "yuv420p"
        stream.bit_rate = 2_000_000
        every = round(Fraction(given.average_rate or 30) / rate)
        for number, frame in enumerate(source.decode(given)):
            if number % every == 0:
                frame.pts, frame.time_base = number // every, Fraction(1, rate)
                made.mux(stream.encode(frame.reformat(format="yuv420p")))
        made.mux(stream.encode(None))
    return path


def forget_templates(studio: Site) -> None:
    """What the service does after a while, without telling anybody."""
    with sqlite3.connect(studio.data_dir / "simulator" / "simulator.sqlite3", timeout=20) as kept:
        kept.execute("delete from template")


def test_the_same_video_is_not_paid_twice_and_lends_its_sound(maker: Maker) -> None:
    dance = maker.folder / "dance.mp4"
    with_sound(
        SAMPLES / "dance.mp4", files.write(maker.folder, "music.mp3", files.mp3(seconds=4)), dance
    )
    hand = character(maker)
    moves(hand, dance)
    hand.click("#consent-template_video")
    hand.see(PRICED)
    first = hand.price()
    hand.click("#generate")
    maker.video()
    hand.plays()
    hand.until(IN_STEP, "the sound does not keep step with the video")
    with hand.page.expect_download() as saved:
        hand.click(".verdict a:has-text('Download with sound')")
    assert probe(Path(saved.value.path())).has_audio
    hand = character(maker)
    moves(hand, dance)
    hand.see(f"{MOVES} .notice.good")
    hand.see(PRICED)
    assert hand.price() < first, "the template is there already"
    hand.page.goto(maker.team + "templates/")
    hand.click("main a[href*='/templates/'] >> nth=0")
    hand.see("main video, main img")


@pytest.mark.parametrize(
    ("codec", "rate", "told"),
    [("mpeg4", 30, "MPEG4"), ("libx264", 15, "15 frames per second")],
    ids=("codec", "frames"),
)
def test_a_video_that_does_not_fit_is_made_over_in_place(
    maker: Maker, codec: str, rate: int, told: str
) -> None:
    hand = character(maker)
    moves(hand, coded(maker.folder / f"phone-{codec}.mp4", codec, rate))
    said = hand.read(f"{MOVES} [role=alert] >> visible=true")
    assert told in said
    assert hand.page.locator(f"{MOVES} [role=alert] >> visible=true").count() == 1, (
        "one thing is wrong, so one sentence says it"
    )
    assert hand.page.locator("#generate").is_disabled()
    assert "free" in hand.read(f"{MOVES} .fixes button")
    hand.click(f"{MOVES} .fixes button")
    hand.see("button:has-text('Back to the original')")
    assert not hand.page.locator(f"{MOVES} [role=alert] >> visible=true").count(), (
        "the limits were looked at again"
    )
    hand.click("#consent-template_video")
    hand.see(PRICED)
    assert hand.price() > 0
    hand.click("#generate")
    maker.video()
    hand.plays()


def test_a_template_that_the_service_forgot_is_made_anew_for_its_price(maker: Maker) -> None:
    hand = character(maker)
    moves(hand, coded(maker.folder / "waltz.mp4", "libx264", 30))
    hand.click("#consent-template_video")
    hand.see(PRICED)
    whole = hand.price()
    hand.type("#title", "First waltz")
    hand.press("#title", "Tab")
    hand.click("#generate")
    maker.video()
    forget_templates(maker.studio)
    # nobody knows yet: the dance is sent, refused, and costs nothing
    hand.click("button:has-text('Run again')")
    hand.see("#job[data-state=failed]")
    assert "template" in hand.read("#blame").lower()
    assert "$0.00" in hand.read(".blame .answers")
    assert micros(hand.read(".blame button:has-text('Run again')")) == whole, (
        "from now on the template is part of the price"
    )
    # its own page, and the list, say so
    hand.page.goto(maker.team + "templates/")
    assert "forgotten" in hand.read("main .cards").lower()
    hand.click("main .cards h3 a >> nth=0")
    assert "has forgotten this template" in hand.read("main .notice.warn")
    assert 0 < micros(hand.read("main .head a:has-text('Make it again')").split("—")[1]) < whole
    # the dance page makes it anew and dances
    hand = character(maker)
    hand.see(f"{MOVES} .card:has-text('forgotten')")
    hand.click(f"{MOVES} .card:has-text('Made anew') input >> nth=0")
    said = hand.read(f"{MOVES} .notice.warn")
    assert "forgotten" in said
    assert "$" in said
    agree(hand, "template_video")
    hand.see(PRICED)
    assert hand.price() == whole
    hand.click("#generate")
    maker.video()
    hand.plays()


def test_half_a_body_before_the_background_of_the_video_is_advised_against(maker: Maker) -> None:
    hand = character(maker, "character-half.png")
    moves(hand, SAMPLES / "dance.mp4")
    hand.see(f"{MOVES} .notice.good, #consent-template_video")
    agree(hand, "template_video")
    hand.see(PRICED)
    advice = hand.read("section.out .notice.warn:has(button[name^=pick_])")
    assert "invent the legs" in advice
    hand.click("section.out .notice.warn button:has-text('Use the picture’s background')")
    hand.until(
        "document.querySelector('[name=use_ref_img_bg]:checked')?.nextElementSibling.textContent "
        "=== 'Picture'"
    )
    hand.see("fieldset:has(legend:has-text('Shape'))")
    assert not hand.page.locator("section.out .notice.warn:has(button[name^=pick_])").count()
    hand.see(PRICED)
    price = hand.price()
    hand.click("label:has-text('3:4')")
    hand.until("new URL(location.href).searchParams.get('video_ratio') === '3:4'")
    hand.see(PRICED)
    assert hand.price() == price, "the shape of a dance costs nothing"
    hand.click("#generate")
    maker.video()
    hand.until(
        "document.querySelector('#job video').videoWidth / document.querySelector('#job "
        "video').videoHeight === 0.75"
    )
