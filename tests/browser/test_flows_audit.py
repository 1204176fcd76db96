"""Somebody reads what was changed, takes along what is known of them, and is erased."""

from __future__ import annotations

import zipfile

import pytest

from tests.browser.maker import Maker

pytestmark = [pytest.mark.browser, pytest.mark.flows]


def test_what_was_changed_is_read_and_filtered(maker: Maker) -> None:
    hand = maker.open("team/")
    hand.page.fill("[name=waiting_limit]", "77")
    hand.click(".fair-share button[type=submit]")
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
