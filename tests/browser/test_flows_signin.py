"""Getting in, by hand: an app with codes, a lost phone, a passkey, a team that requires a second
factor, “Is it you?” before a key, out everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.browser.maker import SCREENS, screen
from tests.browser.person import Person, person
from tests.browser.sign_in_steps import PASSWORD, Keys, app_code, axe_script, clean, fresh
from tests.browser.site import ROOT, Site

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

pytestmark = [pytest.mark.browser, pytest.mark.flows]
SECURITY = "/accounts/security/"
# Whatever was shown to be the person was so an hour ago.
GROW_OLD = """
from django.contrib.sessions.models import Session
for row in Session.objects.all():
    store = row.get_session_store_class()(row.session_key)
    records = store.get("account_authentication_methods", [])
    store["account_authentication_methods"] = [{**one, "at": one["at"] - 3600} for one in records]
    store.save()
"""


@dataclass
class Visitor:
    hand: Person
    email: str
    axe: str

    def go(self, path: str) -> None:
        self.hand.page.goto(path)

    def fine(self) -> None:
        clean(self.hand, self.axe)

    def sign_in(self) -> None:
        self.go("/accounts/login/")
        self.hand.type("[name=login]", self.email)
        self.hand.type("[name=password]", PASSWORD)
        self.hand.click("main form[action='/accounts/login/'] button[type=submit]")

    def sign_out(self) -> None:
        """In this browser, its cookie forgotten and no page open that would ask without it."""
        self.hand.page.goto("about:blank")
        self.hand.page.context.clear_cookies(name="sessionid")

    def set_up_app(self) -> str:
        """The key that the app was given."""
        self.go(SECURITY)
        self.hand.click("a:has-text('Set up an app')")
        key = self.hand.read("[data-app-secret]")
        self.fine()
        self.hand.type("[name=code]", app_code(key, -1))
        self.hand.click("button:has-text('Turn it on')")
        self.hand.see("h1:has-text('Recovery codes')")
        return key


@pytest.fixture(params=SCREENS, ids=screen)
def visitor(
    request: pytest.FixtureRequest, playwright: Playwright, studio: Site
) -> Iterator[Visitor]:
    """Somebody who has just signed up, in a browser at one width and in one theme. Passkeys belong
    to a name, so the site is reached by one."""
    width, theme = request.param
    by_name = replace(studio, address=studio.address.replace("127.0.0.1", "localhost"))
    name = re.sub(r"\W", "", f"{request.node.originalname}{width}{theme}")[-40:]
    with person(playwright, by_name, width, theme) as hand:
        fresh(hand, f"{name}@example.com")
        yield Visitor(hand, f"{name}@example.com", axe_script())
        hand.at_ease()


def test_an_app_with_codes_and_a_lost_phone(visitor: Visitor) -> None:
    hand = visitor.hand
    key = visitor.set_up_app()
    codes = hand.page.locator("[data-codes] li").all_inner_texts()
    assert len(codes) == 10
    visitor.fine()
    with hand.page.expect_download() as saved:
        hand.click("a:has-text('Download')")
    assert saved.value.suggested_filename == "footlight-recovery-codes.txt"
    assert all(code in saved.value.path().read_text() for code in codes)
    hand.click("a:has-text('I have kept them')")
    hand.see("a:has-text('Turn off the app')")
    visitor.fine()

    visitor.sign_out()
    visitor.sign_in()
    hand.see("h1:has-text('The second step')")
    visitor.fine()
    hand.type("[name=code]", app_code(key, 0))
    hand.click("button:has-text('Sign in')")
    hand.see(".topbar")

    visitor.sign_out()  # and the phone is lost
    visitor.sign_in()
    hand.type("[name=code]", codes[0])
    hand.click("button:has-text('Sign in')")
    hand.see(".topbar")
    visitor.go(SECURITY)
    hand.see("text=9 codes are left")
    visitor.go("/sign-ins/")
    hand.see("text=password, recovery code")
    hand.see("text=password, code of the app")
    visitor.fine()


def test_a_passkey_signs_in_alone_and_is_a_second_factor(visitor: Visitor) -> None:
    hand = visitor.hand
    with Keys(hand.page) as keys:
        visitor.go(SECURITY)
        hand.click("a:has-text('Add a passkey')")
        hand.type("[name=name]", "Phone")
        visitor.fine()
        hand.click("[data-passkey=create]")
        hand.see("h1:has-text('Recovery codes')")
        assert keys.count() == 1
        hand.click("a:has-text('I have kept them')")
        hand.see("h4:has-text('Phone')")

        visitor.sign_out()
        visitor.go("/accounts/login/")
        visitor.fine()
        hand.click("button:has-text('Sign in with a passkey')")
        hand.see(".topbar")

        visitor.sign_out()
        visitor.sign_in()
        hand.see("h1:has-text('The second step')")
        visitor.fine()
        hand.click("button:has-text('Use your passkey')")
        hand.see(".topbar")

        visitor.go(SECURITY)
        hand.click("a:has-text('Remove')")
        hand.click("button:has-text('Remove it')")
        hand.see("a:has-text('Set up an app')")


def test_a_passkey_that_is_not_there_is_told(visitor: Visitor) -> None:
    hand = visitor.hand
    visitor.sign_out()
    with Keys(hand.page, present=False):
        visitor.go("/accounts/login/")
        hand.click("button:has-text('Sign in with a passkey')")
        hand.see("[data-passkey-problem]:has-text('No passkey was used')")
        visitor.fine()


def test_a_key_asks_who_it_is_and_is_not_lost(visitor: Visitor, studio: Site) -> None:
    hand = visitor.hand
    visitor.go("/")
    hand.page.goto(hand.page.url.split("?")[0].rstrip("/") + "/keys/accounts/new/")
    hand.type("[name=label]", "North-9")
    hand.type("[name=secret]", "sk-step-up-0001")
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", GROW_OLD],
        cwd=ROOT,
        env=studio.env,
        check=True,
        timeout=120,
    )
    hand.click("button:has-text('Test and add')")
    hand.see("h1:has-text('Is it you?')")
    assert "sk-step-up" not in hand.read("body")
    hand.wrong = [one for one in hand.wrong if "403" not in one]  # which is the answer
    visitor.fine()
    hand.type("[name=confirm_password]", PASSWORD)
    hand.click("button:has-text('Go on')")
    hand.see(".empty a[href$='/make/portrait/']")


def test_a_team_requires_a_second_factor(visitor: Visitor) -> None:
    hand = visitor.hand
    visitor.go("/")
    team = re.sub(r"^https?://[^/]+", "", hand.page.url)
    visitor.go(f"{team}team/second-factor/")
    hand.see("text=You have none yourself")
    visitor.fine()
    visitor.set_up_app()
    visitor.go(f"{team}team/second-factor/")
    hand.click("button:has-text('Require it of everybody')")
    hand.see("text=From now on everybody of the team needs a second factor")
    visitor.fine()
    visitor.go("/accounts/2fa/app/off/")
    visitor.fine()
    hand.click("button:has-text('Turn off the app')")
    visitor.go(team)
    hand.see("text=requires a second factor of everybody")
    visitor.fine()
    visitor.set_up_app()
    visitor.go(f"{SECURITY}?for={team.strip('/').split('/')[-1]}")
    hand.click("a:has-text('Go on to')")
    hand.see(".topbar")
    assert hand.page.url.endswith(team)


def test_out_everywhere(visitor: Visitor, playwright: Playwright, studio: Site) -> None:
    hand = visitor.hand
    with person(playwright, studio, 1440, "light") as other:
        there = Visitor(other, visitor.email, visitor.axe)
        there.sign_in()
        other.see(".topbar")
        visitor.go("/sign-ins/")
        visitor.fine()
        hand.click("button[value=all]")
        hand.see("text=You are signed out everywhere")
        there.go("/sign-ins/")
        other.see("h1:has-text('Sign in')")
