"""Somebody in front of the studio: clicks, keys and dropped files are counted, and what goes wrong
behind the page is noted."""

from __future__ import annotations

import base64
import mimetypes
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.site import CHROMIUM, FLAGS, Site

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

SIZES = {1440: 900, 390: 844}
PATIENCE = 60_000  # milliseconds, for one look; a video of a few seconds is among them
# What a drop hands to the page: the file itself, as the desktop would.
HOLD = """([name, kind, text]) => { const held = new DataTransfer();
    held.items.add(new File([Uint8Array.from(atob(text),
        (letter) => letter.charCodeAt(0))], name, { type: kind })); return held; }"""

# The parts that reach beyond the window, innermost last.
TOO_WIDE = """[...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => `${one.tagName}#${one.id}.${one.className}`).slice(0, 12).join(' > ')"""


class Person:
    """One tab. `clicks` and `files` count what the hand did; `wrong` has a sentence for everything
    that a developer would see in red."""

    def __init__(self, page: Any, home: str) -> None:
        self.page, self.clicks, self.files = page, 0, 0
        self.wrong: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("response", lambda answer: self._policy(answer, home))
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((home, "data:", "blob:"))
                else self.wrong.append(f"left the host: {asked.url}")
            ),
        )

    def _said(self, message: Any) -> None:
        # htmx says so when a question is withdrawn for a newer one, which is what a form that asks
        # at every change is meant to do.
        if message.type == "error" and not message.text.startswith(
            ("htmx:afterRequest,", "htmx:sendAbort,")
        ):
            self.wrong.append(f"console: {message.text} {message.location.get('url', '')}")

    def _policy(self, answer: Any, home: str) -> None:
        """Nothing but the site's own files may run or be fetched, and no code or style that stands
        in the page itself."""
        if not answer.url.startswith(home) or "text/html" not in answer.headers.get(
            "content-type", ""
        ):
            return
        policy = answer.headers.get("content-security-policy", "")
        if "default-src 'self'" not in policy or "unsafe" in policy:
            self.wrong.append(f"the policy of {answer.url} is {policy or 'missing'}")

    # ── the hand ──
    def click(self, what: str) -> None:
        self.clicks += 1
        self.page.click(what)

    def type(self, where: str, words: str) -> None:
        self.page.fill(where, words)

    def press(self, where: str, *keys: str) -> None:
        for key in keys:
            self.page.press(where, key)

    def drop(self, where: str, path: Path) -> None:
        """A file from the desktop, let go over `where`."""
        self.files += 1
        # a drop that is only played finds nobody before the scripts are there
        self.page.wait_for_load_state()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        held = self.page.evaluate_handle(
            HOLD, [path.name, kind, base64.b64encode(path.read_bytes()).decode()]
        )
        for event in ("dragover", "drop"):
            self.page.dispatch_event(where, event, {"dataTransfer": held})

    # ── the eye ──
    def see(self, what: str) -> Any:
        """Waits until `what` is there, and returns it."""
        found = self.page.locator(what).first
        found.wait_for()
        return found

    def there(self, what: str) -> None:
        """Waits until `what` is part of the page, seen or not."""
        self.page.wait_for_selector(what, state="attached")

    def read(self, what: str) -> str:
        return " ".join(str(self.see(what).inner_text()).split())

    def until(self, expression: str, meant: str = "") -> None:
        """Wait until `expression` is true. The library's own way would need eval, which the site's
        policy forbids."""
        end = time.monotonic() + PATIENCE / 1000
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, meant or f"never came true: {expression}"
            self.page.wait_for_timeout(100)

    def still(self) -> None:
        """Waits until no question is under way: what stands there now is the answer."""
        self.until("!document.querySelector('.htmx-request')", "the page goes on asking")

    def price(self) -> int:
        """What the lamp button says it costs, in millionths; 0 while it cannot say."""
        words = self.page.locator("#generate .price")
        return micros(words.inner_text()) if words.count() else 0

    def plays(self, video: str = "#job video") -> None:
        self.until(
            f"(() => {{ const video = document.querySelector({video!r}); return video && "
            f"video.currentTime > 0.3 }})()",
            f"{video} does not play",
        )

    def at_ease(self) -> None:
        """Nothing was wrong so far, the page is not wider than the window, and what is for browsers
        without scripts is seen by none with them."""
        assert not self.wrong, "\n".join(self.wrong)
        width, window = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= window, (
            f"{self.page.url} is {width} px wide in a window of {window}: "
            f"{self.page.evaluate(TOO_WIDE)}"
        )
        plain = self.page.locator(".noscript:visible").count()
        assert not (plain and self.page.evaluate("matchMedia('(scripting: enabled)').matches")), (
            f"{self.page.url} shows what is for no scripts"
        )


def micros(words: str) -> int:
    """ "$0.0344" or "≈ $1.02" in millionths."""
    found = re.search(r"\d[\d,]*(?:\.\d+)?", words)
    assert found, words
    whole, _, part = found.group().replace(",", "").partition(".")
    return int(whole) * 1_000_000 + int(part.ljust(6, "0")[:6])


@contextmanager
def person(
    playwright: Playwright,
    studio: Site,
    width: int,
    theme: str,
    *,
    scripts: bool = True,
    locale: str = "en-GB",
    zone: str = "UTC",
) -> Iterator[Person]:
    """Somebody with a fresh browser, which runs `scripts` or not, and says `locale` and `zone`.
    What the page and the studio's log say at the end is printed, which pytest shows when the test
    failed."""
    flags = [*FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    try:
        context = browser.new_context(
            base_url=studio.address,
            viewport={"width": width, "height": SIZES[width]},
            color_scheme="dark" if theme == "dark" else "light",
            has_touch=width < 500,
            java_script_enabled=scripts,
            locale=locale,
            timezone_id=zone,
        )
        context.set_default_timeout(PATIENCE)
        somebody = Person(context.new_page(), studio.address)
        try:
            yield somebody
        finally:
            print(
                somebody.page.url,
                somebody.page.inner_text("body"),
                studio.log.read_text()[-4000:],
                sep="\n",
            )
    finally:
        browser.close()


def signed_up(somebody: Person, name: str) -> str:
    """A new person with a team and an account that works; returns the team's address, such as
    "/t/mias-studio/"."""
    page = somebody.page
    page.goto("/accounts/signup/")
    somebody.type("[name=email]", f"{name}@example.com")
    somebody.type("[name=password1]", "three quiet lamps")
    somebody.click("main button[type=submit]")
    somebody.see("h1:has-text('First a Model Studio connection')")
    somebody.type("[name=label]", "North-1")
    somebody.type("[name=secret]", f"sk-{name}-0001")
    somebody.click("button:has-text('Test and add')")
    somebody.see(".empty a[href$='/make/portrait/']")
    found = re.search(r"/t/[^/]+/", page.url)
    assert found, page.url
    return found.group()
