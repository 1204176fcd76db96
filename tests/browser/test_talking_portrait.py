"""From nothing to a playing video: signing up, an account with its key, a talking portrait, in
Debian's Chromium and over the whole stack."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.site import FLAGS, PATIENCE, SAMPLES, Site

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

pytestmark = [pytest.mark.browser]


@pytest.fixture
def page(playwright: Playwright, chromium: str, studio: Site) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    try:
        context = browser.new_context(
            base_url=studio.address, viewport={"width": 1440, "height": 900}
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        yield page
        # Captured by pytest, so it is shown only when the test failed.
        print(page.url, page.inner_text("body"), sep="\n")
        print((studio.log.read_text())[-6000:])
    finally:
        browser.close()


def _until(page: Any, expression: str) -> None:
    """Wait until `expression` is true. wait_for_function would need eval, which the site's policy
    forbids."""
    end = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never came true: {expression}"
        page.wait_for_timeout(100)


def test_from_signing_up_to_a_playing_video(page: Any) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda message: (
            wrong.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )

    page.goto("/accounts/signup/")
    page.fill("[name=email]", "mia@example.com")
    page.fill("[name=password1]", "three quiet lamps")
    page.click("main button[type=submit]")
    page.wait_for_selector("h1:has-text('First a Model Studio connection')")
    # later is as well: the board offers the way
    page.click("text=Later")
    page.wait_for_selector("h1:has-text('Jobs')")
    page.click(".empty a.btn-primary")
    page.fill("[name=label]", "North-1")
    page.fill("[name=secret]", "sk-browser-test-0001")
    page.click("button:has-text('Test and add')")
    page.click(".empty a[href$='/make/portrait/']")
    page.wait_for_selector("#make")
    assert page.locator("#generate").is_disabled()
    assert page.locator("#why").inner_text().strip()
    page.set_input_files("#upload_image_url", SAMPLES / "portrait.jpg")
    page.check("#consent-image_url")
    page.click("button:has-text('Check the picture')")
    page.wait_for_selector("rect.face", state="attached")
    page.wait_for_selector("svg.true[width='512'][height='512']", state="attached")
    assert (
        page.locator("rect.frame:not([data-grip])").count() == 1
    )  # the other belongs to the crop panel

    page.set_input_files("#upload_audio_url", next(SAMPLES.glob("speech.*")))
    page.wait_for_selector(".wave path.bars", state="attached")
    page.check("#consent-audio_url")
    page.fill("#title", "Welcome line")
    page.click("label:has-text('Calm')")
    page.wait_for_selector("#generate:not([disabled]) .price")
    assert page.input_value("#title") == "Welcome line"
    assert "image_url=" in page.url
    price = page.inner_text("#generate .price")
    assert price == page.inner_text("#order-bar p.sum")

    # a second window, left alone on the board, learns of the job by itself
    board = page.context.new_page()
    board.goto(page.url.split("/make/")[0] + "/")

    # a double click is one job
    page.dblclick("#generate")
    page.wait_for_selector("#toast:has-text('is in line')")
    assert page.is_enabled("#generate") or page.locator("#why").count(), (
        "the form stays, for a variation"
    )
    page.click("#toast a")
    page.wait_for_selector("#job")
    # no reload from here on: the page itself brings the video
    page.evaluate("window.same = true")
    page.wait_for_selector("#job[data-state=succeeded] video")
    assert page.evaluate("window.same") is True
    assert page.inner_text(".verdict h1") == "Welcome line"
    assert f"= {price} quoted" in page.inner_text("section[aria-labelledby=cost]")

    # who watched it being made does not have to ask for it
    _until(page, "document.querySelector('#job video').currentTime > 0.3")
    video = page.evaluate(
        "(() => { const v = document.querySelector('#job video'); return [v.videoWidth, "
        "v.videoHeight, v.duration] })()"
    )
    assert video[:2] == [512, 512]
    assert video[2] > 1

    board.wait_for_selector("li.job")  # by itself, and the next one too
    assert board.locator("li.job").count() == 1
    page.click("button:has-text('Run again')")
    page.wait_for_selector("#job[data-state=succeeded] video")
    board.wait_for_selector("li.job >> nth=1")

    page.click("nav[aria-label='You are here'] a")
    rows = page.locator("li.job")
    rows.first.wait_for()
    assert rows.count() == 2
    assert "Ready" in rows.first.inner_text()
    assert wrong == []
