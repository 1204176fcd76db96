"""What flows of signing in do: the codes that an app shows, a passkey's device, a new person."""

from __future__ import annotations

import base64
import hmac
import struct
import time
from importlib.resources import files
from types import TracebackType
from typing import Any

from tests.browser.person import Person
from tests.browser.test_axe import violations

PASSWORD = "three quiet lamps"


def app_code(key: str, steps: int = 0) -> str:
    """What an app with `key` shows now, or `steps` half minutes later (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(key), counter, "sha1").digest()
    place = digest[-1] & 15
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def axe_script() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()


def clean(hand: Person, axe: str) -> None:
    """What stands on the page keeps nobody out, and fits the window."""
    assert violations(hand.page, axe) == []
    hand.at_ease()


def fresh(hand: Person, email: str) -> None:
    """Somebody new, signed in."""
    hand.page.goto("/accounts/signup/")
    hand.type("[name=email]", email)
    hand.type("[name=password1]", PASSWORD)
    hand.click("main button[type=submit]")
    hand.see("h1:has-text('First a Model Studio connection')")


class Keys:
    """The browser's own virtual authenticator, with a person at it or with nobody."""

    def __init__(self, page: Any, present: bool = True) -> None:
        self.session = page.context.new_cdp_session(page)
        self.present = present

    def __enter__(self) -> Keys:
        self.session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": self.present,
            "automaticPresenceSimulation": True,
        }
        made = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.id = made["authenticatorId"]
        return self

    def count(self) -> int:
        found = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return len(found["credentials"])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})
        self.session.send("WebAuthn.disable")
