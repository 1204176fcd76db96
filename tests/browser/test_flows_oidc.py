"""In and out through an OpenID Connect service that really runs, by hand: in, “Is it you?” answered
there, out here and there; and linked by somebody who had an account before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import site
from tests.browser.maker import SCREENS, screen
from tests.browser.person import Person, person
from tests.browser.sign_in_steps import axe_script, clean, fresh
from tests.studio.teams import oidc_service
from tests.studio.teams.oidc_service import Service

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

pytestmark = [pytest.mark.browser, pytest.mark.flows]


@dataclass
class Company:
    service: Service
    studio: site.Site


@pytest.fixture(scope="module")
def company(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A service on loopback, and a studio that signs people in with it."""
    with oidc_service.running() as service, pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "OIDC_ISSUER": service.address,
            "OIDC_CLIENT_ID": "footlight",
            "OIDC_CLIENT_SECRET": "not a secret",
            "OIDC_NAME": "Company",
            "OIDC_TRUST_EMAIL": "1",
        }.items():
            patch.setitem(os.environ, name, value)
        with site.running(tmp_path_factory.mktemp("oidc")) as studio:
            yield Company(service, studio)


@pytest.fixture(params=SCREENS, ids=screen)
def hand(
    request: pytest.FixtureRequest, playwright: Playwright, company: Company
) -> Iterator[Person]:
    with person(playwright, company.studio, *request.param) as somebody:
        somebody.page.set_default_timeout(60_000)
        yield somebody
        at_ease(somebody, company)


def at_ease(hand: Person, company: Company) -> None:
    """Whoever signs in there leaves the site on purpose; the service has no icon, and a style sheet
    from elsewhere."""
    theirs = (company.service.address, "picocss")
    hand.wrong = [one for one in hand.wrong if not any(word in one for word in theirs)]
    hand.at_ease()


def at_the_service(hand: Person, company: Company, sub: str, on: Any = None) -> None:
    page = on or hand.page
    page.wait_for_url(f"{company.service.address}/**")
    page.fill("[name=sub]", sub)
    page.click("button:has-text('Authorize')")


def test_in_and_out(hand: Person, company: Company, request: pytest.FixtureRequest) -> None:
    axe, sub = axe_script(), f"mia{request.node.callspec.id}"
    company.service.person(sub, email=f"{sub}@example.com", email_verified=True, given_name="Mia")
    hand.page.goto("/accounts/login/")
    clean(hand, axe)
    hand.click("button:has-text('Sign in with Company')")
    at_the_service(hand, company, sub)
    hand.see(".topbar")
    hand.page.goto("/accounts/security/")
    hand.see("h3:has-text('Company')")
    at_ease(hand, company)
    clean(hand, axe)

    hand.click("a:has-text('Set up an app')")
    hand.see("h1:has-text('Is it you?')")
    clean(hand, axe)
    with hand.page.context.expect_page() as opened:
        hand.click("button:has-text('Ask Company')")
    at_the_service(hand, company, sub, on=opened.value)
    opened.value.wait_for_selector("h1:has-text('It is you')")
    opened.value.close()
    assert company.service.asked[-1]["prompt"] == "login"
    hand.page.goto("/accounts/2fa/app/")
    hand.see("[data-app-secret]")

    hand.page.goto("/accounts/logout/")
    before = len(company.service.signed_out)
    hand.click("main button[type=submit]")
    hand.page.wait_for_url(f"{company.service.address}/**")
    assert len(company.service.signed_out) == before + 1
    hand.page.goto("/accounts/security/")
    hand.see("h1:has-text('Sign in')")


def test_linked_by_somebody_who_was_here(
    hand: Person, company: Company, request: pytest.FixtureRequest
) -> None:
    axe, sub = axe_script(), f"noa{request.node.callspec.id}"
    company.service.person(sub, email="shared@work.example", email_verified=False)
    hand.page.goto("/accounts/login/")
    hand.click("button:has-text('Sign in with Company')")
    at_the_service(hand, company, sub)
    hand.see("text=nothing here does yet")
    hand.wrong = [one for one in hand.wrong if "403" not in one]  # which is the answer
    at_ease(hand, company)
    clean(hand, axe)
    fresh(hand, f"{sub}@example.com")
    hand.page.goto("/accounts/security/")
    hand.click("button:has-text('Link Company')")
    at_the_service(hand, company, sub)
    hand.see("text=Company signs you in from now on")
    hand.page.context.clear_cookies(name="sessionid")
    hand.page.goto("/accounts/login/")
    hand.click("button:has-text('Sign in with Company')")
    at_the_service(hand, company, sub)
    hand.see(".topbar")
