"""Files as phones and programs make them: an iPhone's picture and memo to a playing video, a sound
in which nothing is heard, a picture through which something shows."""

from __future__ import annotations

import io

import pillow_heif
import pytest
from PIL import Image

from tests import files
from tests.browser.maker import PICTURE, PRICED, SPEECH, Maker
from tests.browser.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.flows]


def phone_picture() -> bytes:
    """The sample's portrait as an iPhone held upright writes it: HEIC, lying on its side, with a
    word in its EXIF that says so."""
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    with Image.open(SAMPLES / "portrait.jpg") as portrait:
        lying = portrait.transpose(Image.Transpose.ROTATE_90)
    lying.save(out, "HEIF", quality=80, exif=exif.tobytes())
    return out.getvalue()


def test_a_phone_picture_and_a_memo_become_a_playing_video(maker: Maker) -> None:
    hand = maker.open("make/portrait/")
    hand.drop("[data-slot=image_url]", files.write(maker.folder, "IMG_0042.HEIC", phone_picture()))
    hand.see(f"{PICTURE} header:has-text('IMG_0042')")
    sides = hand.page.evaluate(
        "(() => { const one = document.querySelector('main figure img');"
        " return [one.naturalWidth, one.naturalHeight] })()"
    )
    assert sides[0] < sides[1], "it stands upright"
    hand.click("#consent-image_url")
    hand.click("button:has-text('Check the picture')")
    hand.see("rect.frame:not([data-grip])")
    memo = files.write(maker.folder, "New Recording 7.m4a", files.m4a(seconds=3))
    hand.drop("[data-slot=audio_url]", memo)
    hand.see(f"{SPEECH} header:has-text('New Recording 7')")
    hand.click("#consent-audio_url")
    hand.see(PRICED)
    assert not hand.page.locator("#make [role=alert] >> visible=true").count()
    hand.click("#generate")
    maker.video()
    hand.plays()


def test_a_sound_in_which_nothing_is_heard_is_told_before_the_click(maker: Maker) -> None:
    hand = maker.ready()
    maker.other_speech("pocket.wav", files.wav(4.0, loud=0.0))
    hand.click("#consent-audio_url")
    hand.see(PRICED)
    told = "Nothing can be heard in the sound"
    assert told in hand.read(SPEECH)
    assert told in hand.read("#order-bar"), "beside the button that pays"
    assert hand.page.locator("#generate").is_enabled(), "a warning, for whoever means it"


def test_what_is_behind_a_transparent_picture_is_asked_before_its_check(maker: Maker) -> None:
    hand = maker.open("make/portrait/")
    hand.drop("[data-slot=image_url]", files.write(maker.folder, "cut out.png", files.cut_out()))
    hand.see(f"{PICTURE} [role=alert]:has-text('transparent')")
    assert not hand.page.locator("button:has-text('Check the picture')").count()
    assert hand.page.locator("button:has-text('behind it')").count() >= 3
    before = hand.page.input_value("input[type=hidden][name=image_url]")
    hand.click("button:has-text('Put white behind it')")
    hand.until(f"document.querySelector('input[type=hidden][name=image_url]').value !== {before!r}")
    hand.see(f"{PICTURE} header:has-text('cut out')")
    assert not hand.page.locator(f"{PICTURE} [role=alert] >> visible=true").count()
    hand.see("[data-check], button:has-text('Check the picture')")
