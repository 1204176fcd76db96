"""What a picture goes through before it is a video: told what is wrong, cropped, shrunk,
straightened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests import files
from tests.browser.maker import PICTURE, PRICED, Maker, unfold
from tests.browser.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.flows]


def test_a_picture_that_does_not_fit_is_told_at_once(maker: Maker) -> None:
    hand = maker.open("make/portrait/")
    small = files.write(maker.folder, "tiny.png", files.png(200, 260))
    hand.drop("[data-slot=image_url]", small)
    assert "400" in hand.read("#make [role=alert]"), "what is asked for stands there in numbers"
    assert hand.page.locator("#generate").is_disabled()


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
    hand.until(
        f"document.querySelector('input[type=hidden][name=image_url]').value !== {before!r}",
        "the new picture takes the place of the old one",
    )
    hand.see("button:has-text('Back to the original')")
    hand.click("button:has-text('Back to the original')")
    hand.until(f"document.querySelector('input[type=hidden][name=image_url]').value === {before!r}")
    hand.see(PRICED)


def test_a_picture_that_is_too_large_is_shrunk_and_checked_by_itself(maker: Maker) -> None:
    hand = maker.ready()
    large = maker.folder / "poster.jpg"
    with Image.open(SAMPLES / "portrait.jpg") as small:
        small.resize((5760, 7200)).save(large, quality=60)
    hand.click(f"{PICTURE} details[data-choose] > summary")
    hand.drop("[data-slot=image_url]", large)
    hand.see(f"{PICTURE} [role=alert]")
    assert "$" in hand.read(".fixes button"), (
        "the check that follows is paid, so the button says for what"
    )
    hand.click(".fixes button")
    hand.see("[data-check=passed], [data-check=refused]")
    assert "7200" not in hand.read(f"{PICTURE} header")
    hand.see("button:has-text('Back to the original')")


def test_pictures_are_not_larger_than_the_window(maker: Maker, tmp_path: Path) -> None:
    hand = maker.open("make/portrait/")
    wide = tmp_path / "wide.jpg"
    Image.new("RGB", (4000, 1000), "#7a5c33").save(wide)
    hand.drop("[data-slot=image_url]", wide)
    hand.until("document.querySelector('input[type=hidden][name=image_url]').value !== ''")
    hand.see(
        "section[aria-labelledby=h-picture] figure, section[aria-labelledby=h-picture] [role=alert]"
    )
    hand.see("main figure")
    widest: Any = hand.page.evaluate(
        "Math.max(...[...document.querySelectorAll('main figure')].map((one) => "
        "one.getBoundingClientRect().right))"
    )
    assert widest <= hand.page.evaluate("innerWidth") + 1


def test_a_picture_is_straightened_with_keys_and_checked_by_itself(maker: Maker) -> None:
    hand = maker.ready()
    image = "document.querySelector('input[type=hidden][name=image_url]').value"
    before = hand.page.evaluate(image)
    unfold(hand, "rect.frame[data-grip]")
    hand.press("#crop-angle", *["ArrowRight"] * 6)
    assert hand.read("output[data-angle]") == "3°"
    assert hand.read("[data-size]") != "960 × 1200 px", "what the turn leaves empty is cut off"
    assert "$" in hand.read("details.crop button[data-do]"), (
        "the check that follows is paid, so the button says for what"
    )
    hand.click("details.crop button[data-do]")
    hand.until(f"{image} !== {before!r}")
    hand.see("[data-check=passed]")
    hand.see("button:has-text('Back to the original')")
    hand.see(PRICED)
    straight = hand.page.evaluate(image)
    # the new file stands beside the one that it was made of
    hand.page.goto(f"{maker.team}library/{straight}/")
    assert "straighten" in hand.read("dl.facts:has(a)").lower()
    hand.click("dl.facts a[href*='/library/'] >> nth=0")
    assert hand.page.url.rstrip("/").endswith(before)
    assert hand.page.locator(f"dl.facts a[href$='/library/{straight}/']").count() == 1
    hand.see("a:has-text('Download')")


def test_what_the_team_has_already_is_not_sent_again(maker: Maker) -> None:
    hand = maker.open("make/portrait/")
    picture = files.write(maker.folder, "desk.png", files.png(720, 960))
    again = files.write(maker.folder, "another name.png", picture.read_bytes())
    sent: list[str] = []
    hand.page.on("request", lambda one: sent.append(one.url) if one.method == "PUT" else None)
    slot = "input[type=hidden][name=image_url]"
    hand.drop("[data-slot=image_url]", picture)
    hand.until(f"document.querySelector('{slot}').value !== ''")
    first = hand.page.input_value(slot)
    assert len(sent) == 1
    hand.page.goto(hand.page.url.split("?")[0])
    hand.until(f"document.querySelector('{slot}').value === ''")
    hand.drop("[data-slot=image_url]", again)
    hand.until(f"document.querySelector('{slot}').value === {first!r}")
    assert len(sent) == 1, "the same file was sent twice"
