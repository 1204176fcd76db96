"""From nothing to a playing film: signing up, an account with its key, a talking portrait, in Debian's Chromium and over the whole stack."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "jobs" / "samples"
CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 300_000  # milliseconds; a busy machine starts four processes and a browser

pytestmark = [pytest.mark.browser]


@dataclass(frozen=True)
class Site:
    address: str
    log: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The address of a studio that runs in a folder of its own, simulator and all."""
    folder = tmp_path_factory.mktemp("studio")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "dev.txt"
    own = {"DATA_DIR": str(folder / "data"), "DJANGO_SETTINGS_MODULE": "studio.settings", "PYTHONUNBUFFERED": "1"}
    taken = ("REDIS_URL", "DATABASE_URL", "MODELSTUDIO_URL", "STORAGE_URL", "PUBLIC_URL", "ALLOWED_HOSTS", "DASHSCOPE_API_KEY", "EMAIL_URL")
    env = {name: value for name, value in os.environ.items() if name not in taken} | own
    with log.open("w") as out:
        dev = subprocess.Popen(
            [sys.executable, "manage.py", "dev", "--port", str(port), "--speed", "30"], cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        address = f"http://127.0.0.1:{port}"
        end = time.monotonic() + PATIENCE / 1000
        while not _answers(address + "/readyz"):
            if dev.poll() is not None or time.monotonic() > end:
                pytest.fail(f"the studio did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.3)
        yield Site(address, log)
    finally:
        dev.send_signal(signal.SIGINT)
        try:
            dev.wait(30)
        except subprocess.TimeoutExpired:
            dev.kill()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Iterator[Any]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not on PATH, and this test is never skipped in CI")
        pytest.skip("chromium is not installed, so no page is looked at in a browser (apt install chromium)")
    # Only now: the stack takes seconds to start and would start in vain.
    site = request.getfixturevalue("site")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as machine:
        browser = machine.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(base_url=site.address, viewport={"width": 1440, "height": 900})
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        yield page
        # Captured by pytest, so it is shown only when the test failed.
        print(page.url, page.inner_text("body"), sep="\n")
        print((site.log.read_text())[-6000:])
        browser.close()


def _until(page: Any, expression: str) -> None:
    """Wait until `expression` is true. wait_for_function would need eval, which the site's policy forbids."""
    end = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never came true: {expression}"
        page.wait_for_timeout(100)


def test_from_signing_up_to_a_playing_film(page: Any) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security Policy" in message.text else None)

    page.goto("/accounts/signup/")
    page.fill("[name=email]", "mia@example.com")
    page.fill("[name=password1]", "three quiet lamps")
    page.click("main button[type=submit]")
    page.wait_for_selector("h1:has-text('Jobs')")

    # no account yet: the board offers the way
    page.click(".empty a.btn-lamp")
    page.click("a[href$='/keys/accounts/new/']")
    page.fill("[name=label]", "North-1")
    page.fill("[name=secret]", "sk-browser-test-0001")
    page.click("button:has-text('Test and add')")
    page.wait_for_selector("text=North-1")

    page.goto(page.url.split("/keys/")[0] + "/make/portrait/")
    assert page.locator("#generate").is_disabled()
    assert page.locator("#why").inner_text().strip()
    page.set_input_files("#upload_image_url", SAMPLES / "portrait.jpg")
    page.click("button:has-text('Check the picture')")
    page.wait_for_selector("rect.face", state="attached")
    page.wait_for_selector("svg.true[width='512'][height='512']", state="attached")
    assert page.locator("rect.frame").count() == 1

    page.set_input_files("#upload_audio_url", next(SAMPLES.glob("speech.*")))
    page.wait_for_selector(".wave path.bars", state="attached")
    page.fill("#title", "Welcome line")
    page.click("label:has-text('Calm')")
    page.wait_for_selector("#generate:not([disabled]) .price")
    assert page.input_value("#title") == "Welcome line"
    assert "image_url=" in page.url
    price = page.inner_text("#generate .price")
    assert price == page.inner_text("#till p.sum")

    # a second window, left alone on the board, learns of the job by itself
    board = page.context.new_page()
    board.goto(page.url.split("/make/")[0] + "/")

    # a double click is one job
    page.dblclick("#generate")
    page.wait_for_selector("#job")
    # no reload from here on: the page itself brings the film
    page.evaluate("window.same = true")
    page.wait_for_selector("#job[data-state=succeeded] video")
    assert page.evaluate("window.same") is True
    assert page.inner_text(".verdict h1") == "Welcome line"
    assert f"= {price} quoted" in page.inner_text("section[aria-labelledby=cost]")

    page.click("[data-play]")
    _until(page, "document.querySelector('#job video').currentTime > 0.3")
    film = page.evaluate("(() => { const v = document.querySelector('#job video'); return [v.videoWidth, v.videoHeight, v.duration] })()")
    assert film[:2] == [512, 512]
    assert film[2] > 1

    board.wait_for_selector("[data-fresh]:not([hidden]) >> text=1 new job")
    assert board.locator("li.job").count() == 0
    board.click("[data-fresh] a")
    board.wait_for_selector("li.job")
    page.click("button:has-text('Run again')")
    page.wait_for_selector("#job[data-state=succeeded] video")
    board.wait_for_selector("[data-fresh]:not([hidden]) >> text=1 new job")

    page.click("nav[aria-label='You are here'] a")
    rows = page.locator("li.job")
    rows.first.wait_for()
    assert rows.count() == 2
    assert "Ready" in rows.first.inner_text()
    assert wrong == []
