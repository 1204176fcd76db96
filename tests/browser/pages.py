"""Every page of the site, found by walking its addresses, so that a new one is looked at without
being listed anywhere.

An address is opened as the owner, and as nobody where the owner is sent elsewhere. What answers
with a whole page is one; what cannot be opened is a complaint, unless WITHOUT says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from studio.local.stack import LOOPBACK
from tests.browser.site import CHROMIUM, FLAGS, PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

WIDTHS = {1440: 900, 390: 844}
THEMES = ("dark", "light")
ERRORS = ("400", "403", "403_csrf", "404", "413", "429", "500")
# Rooms of Django itself: of the admin the first page is ours, and what stands below is generated.
ADMIN = ("admin:index",)
WITHOUT = {
    "team_picture": "a picture, which the settings show",
    "metrics": "numbers for a machine",
    "jobs:job_sound": "a file to save",
    "shared_file": "a file of a page that is shown",
    "jobs:trash_thumb": "a picture, which the trash shows",
    "outside_file": "a file behind a signed link",
    "admin_page_of_row": "leads on to the page of a row",
    "oidc_callback": "nothing is there without a sign-in service; looked at in the flows of one",
    "lost_factors": "shown below, with a link that works and without one",
    "mfa_remove_webauthn": "needs a passkey; looked at in the flows of signing in",
    "mfa_edit_webauthn": "needs a passkey; looked at in the flows of signing in",
    "invitation_link": "leads on to the page of an invitation, which is shown",
    "join": "shown below, with a link and without one that works",
    "account_confirm_email": "needs a key that only a mail holds",
    "account_reset_password_from_key": "needs a key that only a mail holds",
}
OPENS = 60_000  # milliseconds; a page that takes longer is not waited for
HTML = "text/html,application/xhtml+xml"


@dataclass(frozen=True)
class Scene:
    """One page to look at: its name, the whole address, whether somebody is signed in, and the
    status that it answers with."""

    name: str
    url: str
    signed_in: bool = True
    status: int = 200


@dataclass
class Look:
    """What was seen of one page in one theme and width; `page` shows it now."""

    scene: Scene
    theme: str
    width: int
    page: Any
    html_bytes: int
    wrong: list[str] = field(default_factory=list)


class Cast:
    """A browser with two people: the owner and nobody."""

    def __init__(self, browser: Any, address: str, told: dict[str, Any], debug: str) -> None:
        self.address, self.told, self.debug = address, told, debug
        self.contexts = {
            signed_in: browser.new_context(
                base_url=address, viewport={"width": 1440, "height": 900}
            )
            for signed_in in (True, False)
        }
        for context in self.contexts.values():
            context.set_default_timeout(PATIENCE)
        # One tab for each: every new one costs a process.
        self.pages = {signed_in: context.new_page() for signed_in, context in self.contexts.items()}
        page = self.pages[True]
        page.goto("/accounts/login/")
        page.fill("[name=login]", told["email"])
        page.fill("[name=password]", told["password"])
        page.click("main button[type=submit]")
        page.wait_for_selector("main h1")
        assert "/accounts/" not in page.url, page.inner_text("main")

    def scenes(self) -> tuple[list[Scene], list[str]]:
        """Every page, and a sentence for each address that could not be opened."""
        found, complaints = [], []
        for name, entry in _addresses(get_resolver()):
            if name in WITHOUT or (name.startswith("admin:") and name not in ADMIN):
                continue
            lacking = sorted(set(_names(entry)) - set(self.told["values"]))
            if lacking:
                complaints.append(
                    f"{name} is forgotten: tests/browser/seed.py gives no value for "
                    f"{', '.join(lacking)}"
                )
                continue
            path = reverse(name, kwargs={key: self.told["values"][key] for key in _names(entry)})
            scene, complaint = self._opened(name, path)
            found += [scene] if scene else []
            complaints += [complaint] if complaint else []
        for name, path, *status in self.told["scenes"]:
            found.append(Scene(name, self.address + path, status=int(status[0]) if status else 200))
        found += [Scene("parts", self.debug + reverse("parts"))]
        found += [
            Scene(f"error-{error}", f"{self.debug}{reverse('parts')}?error={error}")
            for error in ERRORS
        ]
        join = reverse("join", args=[self.told["join"]])
        found += [
            Scene("join-sign-up", self.address + join, signed_in=False),
            Scene("join-signed-in", self.address + join, status=409),
            Scene(
                "lost-factors",
                self.address + reverse("lost_factors", args=[self.told["lost"]]),
                signed_in=False,
            ),
            Scene("lost-factors-gone", f"{self.address}/accounts/2fa/lost/used/", False, 404),
            Scene("shared-unknown", f"{self.address}/s/x/", signed_in=False, status=404),
            Scene("join-gone", f"{self.address}/join/used/", signed_in=False, status=404),
            Scene("invitation-unknown", f"{self.address}/invitations/x/", False, status=404),
        ]
        found += [Scene("error-404-met", self.address + "/nothing/here/", status=404)]
        return found, complaints

    def _opened(self, name: str, path: str) -> tuple[Scene | None, str]:
        from playwright.sync_api import Error as PlaywrightError

        for signed_in in (True, False):
            try:
                answer = self.contexts[signed_in].request.get(
                    path, max_redirects=0, headers={"Accept": HTML}, timeout=OPENS
                )
            except PlaywrightError as error:
                return None, f"{name} cannot be opened: {path}: {error.message.splitlines()[0]}"
            if answer.status == 200:
                whole = (
                    "text/html" in answer.headers.get("content-type", "")
                    and "<html" in answer.text()[:2000]
                )
                return (
                    (Scene(name.replace(":", "-"), self.address + path, signed_in), "")
                    if whole
                    else (None, "")
                )
            if answer.status not in (301, 302, 303):
                break
        # 204 and 3xx lead somewhere else, 405 is for forms; the page of parts is on another web.
        fine = answer.status in (204, 301, 302, 303, 405) or name == "parts"
        return None, "" if fine else f"{name} cannot be opened: {path} answers {answer.status}"

    def look(self, scene: Scene, *, again: bool = False) -> Iterator[Look]:
        """The page in every theme and width. What goes wrong meanwhile is told in words in the look
        where it was seen.

        It is loaded once, and for the second theme switched as its button does it; with `again`
        loaded with the other cookie.
        """
        page, wrong = self.pages[scene.signed_in], list[str]()
        home = re.match(r"https?://[^/]+", scene.url)
        allowed = (home.group() + "/" if home else "", "data:", "blob:", "about:")

        def said(message: Any) -> None:
            met = scene.status != 200 and message.location.get("url") == scene.url
            if message.type == "error" and not met:
                wrong.append(f"console: {message.text} {message.location.get('url', '')}")

        listening = {
            "console": said,
            "pageerror": lambda error: wrong.append(f"script: {error}"),
            "request": lambda asked: (
                None
                if asked.url.startswith(allowed)
                else wrong.append(f"left the host: {asked.url}")
            ),
        }
        for event, heard in listening.items():
            page.on(event, heard)
        size = 0
        for number, theme in enumerate(THEMES):
            if number and not again:
                page.evaluate(
                    "(theme) => { document.documentElement.dataset.theme = theme }", theme
                )
            else:
                page.set_viewport_size({"width": 1440, "height": WIDTHS[1440]})
                size = self._load(page, scene, theme, wrong)
            for width, height in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(150)
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    wrong.append(f"wider than {width} px: {_widest(page)}")
                yield Look(scene, theme, width, page, size, list(wrong))
                wrong.clear()
        for event, heard in listening.items():
            page.remove_listener(event, heard)

    def _load(self, page: Any, scene: Scene, theme: str, wrong: list[str]) -> int:
        """The bytes of the page's HTML."""
        page.context.add_cookies(
            [{"name": "theme", "value": theme, "domain": LOOPBACK, "path": "/"}]
        )
        page.emulate_media(color_scheme=theme)  # the admin goes by this
        answer = page.goto(scene.url, wait_until="load")
        if answer.status != scene.status:
            wrong.append(f"answers {answer.status}")
        shown = page.evaluate("document.documentElement.dataset.theme")
        if shown != theme and not scene.name.startswith("admin"):
            wrong.append(f"is shown in the theme {shown}, not {theme}")
        if twice := _ids_met_twice(page):
            wrong.append(f"ids that stand there twice: {twice}")
        _bring_everything(page)
        return len(answer.body())


def _bring_everything(page: Any) -> None:
    """Pictures below the window are loaded only when they come near it; a picture of the whole page
    needs them all."""
    page.evaluate(
        "for (const picture of document.querySelectorAll('img[loading=lazy]')) picture.loading = "
        "'eager'"
    )
    end = 50
    while end and not page.evaluate("[...document.images].every((picture) => picture.complete)"):
        page.wait_for_timeout(100)
        end -= 1


def _ids_met_twice(page: Any) -> str:
    """Two elements with one id share their styles, and scripts and labels find only the first."""
    return str(
        page.evaluate(
            """[...new Set([...document.querySelectorAll("[id]")].map((one) => one.id)
                .filter((id, place, all) => all.indexOf(id) !== place))].join(", ")"""
        )
    )


def _widest(page: Any) -> str:
    return str(
        page.evaluate(
            """[...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect()
    .right > innerWidth + 1
            && ![...function* (up) { while ((up = up.parentElement)) yield up }(one)]
    .some((up) => getComputedStyle(up).overflowX !== "visible"))
            .slice(0, 3).map((one) => one.tagName.toLowerCase()
                + "." + (one.getAttribute("class") || "").replaceAll(" ", "."))
    .join(", ")"""
        )
    )


@contextmanager
def cast(playwright: Playwright, address: str, told: dict[str, Any], debug: str) -> Iterator[Cast]:
    """Chromium with the owner signed in. It is killed at the end with everything that it opened."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    try:
        yield Cast(browser, address, told, debug)
    finally:
        browser.close()


def _addresses(resolver: URLResolver, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _addresses(entry, f"{space}{entry.namespace}:" if entry.namespace else space)
        elif entry.name:
            yield f"{space}{entry.name}", entry


def _names(entry: URLPattern) -> list[str]:
    """The names in the address below the team's, and the team itself where its view asks for it."""
    return sorted(entry.pattern.converters) + (
        ["team"] if "team" not in entry.pattern.converters and _of_team(entry) else []
    )


def _of_team(entry: URLPattern) -> bool:
    from studio.teams.access import MARK

    return str(getattr(entry.callback, MARK, "")).startswith("team:")
