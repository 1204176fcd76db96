"""Somebody reads what was changed and who came and went, takes along what is known of them, and is
erased."""

from __future__ import annotations

import zipfile

import pytest

from tests.browser.maker import Maker
from tests.browser.person import Person
from tests.browser.sign_in_steps import PASSWORD
from tests.browser.test_axe import axe, violations
from tests.browser.test_flows_people import another, hand_over, invite, lower, remove, take

__all__ = ["axe"]
pytestmark = [pytest.mark.browser, pytest.mark.flows]


def trail(hand: Person, team: str, kind: str = "") -> list[str]:
    """What the audit page says happened in the team at the address `team`, the newest first."""
    hand.page.goto(f"{team}team/audit/")
    if kind:
        hand.page.select_option("#kind", kind)
        hand.click(".audit-filter button[type=submit]")
        hand.see(".audit-filter a:has-text('Show everything')")
    hand.see(".audit-list")
    return [" ".join(said.split()) for said in hand.page.locator(".what").all_inner_texts()]


def test_what_was_changed_is_read_and_filtered(maker: Maker) -> None:
    hand = maker.open("team/limits/")
    hand.page.fill("[name=waiting_limit]", "77")
    hand.click("form[action$='/turns/'] button[type=submit]")
    hand.see("text=Saved.")
    hand.click(".team-nav a:has-text('Audit')")
    hand.see(".audit-list .what:has-text('changed the settings of the team')")
    assert "Waiting jobs per person" in hand.read(".audit-list li:first-child .changes")
    assert "77" in hand.read(".audit-list li:first-child .changes")
    hand.page.select_option("#kind", "sign-in")
    hand.click(".audit-filter button[type=submit]")
    hand.see(".audit-filter a:has-text('Show everything')")
    assert hand.page.locator(".what:has-text('settings of the team')").count() == 0
    with hand.page.expect_download() as download:
        hand.click(".audit-filter a:has-text('CSV')")
    text = download.value.path().read_text()
    assert text.startswith("entry,time (UTC),kind,event")
    wide = hand.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


def test_who_came_and_went_is_told_to_who_holds_the_team_then(maker: Maker, axe: str) -> None:
    hand, width = maker.hand, maker.hand.page.viewport_size["width"]
    name = f"{width}{len(maker.team)}@example.com"
    hand.page.goto("/teams/new/")
    hand.type("[name=name]", "Night Watch")
    hand.click("main button[type=submit]")
    hand.page.wait_for_url("**/t/night-watch**")
    team = hand.page.url
    with another(hand) as jon, another(hand) as kim:
        take(jon, invite(hand, team, "Jon", "creator"), f"jon{name}")
        lower(hand, team, "jon", "viewer")
        remove(hand, team, "jon")
        take(kim, invite(hand, team, "Kim", "creator"), f"kim{name}")
        kim.page.goto("/sign-ins/")
        kim.click("button[value=all]")
        kim.see("text=You are signed out everywhere")
        kim.page.goto("/accounts/login/")
        kim.type("[name=login]", f"kim{name}")
        kim.type("[name=password]", PASSWORD)
        kim.click("main form[action='/accounts/login/'] button[type=submit]")
        kim.see(".topbar")
        hand_over(hand, team)
        hand.click("a:has-text('Leave')")
        hand.click("button:has-text('Leave the team')")
        hand.see(".messages :text('You have left Night Watch')")

        said = trail(kim, team, "people")
        told = [
            "@example.com invited Jon",
            f"jon{name} joined the team",
            f"changed the role of jon{name}",
            f"removed jon{name} from the team",
            "@example.com invited Kim",
            f"kim{name} joined the team",
            f"handed the team over to kim{name}",
            "left the team",
        ]
        places = [next(n for n, one in enumerate(said[::-1]) if part in one) for part in told]
        assert places == sorted(places), (places, said)
        said = trail(kim, team, "sign-in")
        assert any(f"kim{name} ended sign-ins of their own account" in one for one in said), said
        assert any(f"kim{name} signed in" in one for one in said), said
        hand.page.goto(f"{team}team/audit/")
        hand.see("text=that you are not, or no longer, in")
        hand.wrong[:] = [one for one in hand.wrong if "404" not in one]  # which is the answer
        kim.at_ease()  # before axe, which reads what a style sheet imports in a way of its own
        assert not violations(kim.page, axe), "the audit page"


def test_somebody_takes_their_data_along_and_is_erased(maker: Maker) -> None:
    hand = maker.open()
    home = hand.page.url.split("/t/")[0]
    hand.page.goto(f"{home}/personal-data/")
    with hand.page.expect_download() as download:
        hand.click("button[value=export]")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "profile.json" in archive.namelist()
        email = archive.read("profile.json").decode().split('"email": "')[1].split('"')[0]
    hand.type("[name=email]", email)
    hand.click("button[value=erase]")
    hand.see("h1:has-text('Your account is erased')")
    hand.there("text=What stays, and why")
    assert email not in hand.page.content()
    hand.page.goto(f"{home}/personal-data/")
    hand.see("[name=login]")
