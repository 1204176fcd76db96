"""Somebody is invited, makes a first video within the limit, asks for one above the amount per
click and beyond their limit, and it is made when somebody says yes."""

from __future__ import annotations

import pytest

from tests.browser.maker import PRICED, Maker
from tests.browser.person import Person
from tests.browser.test_axe import axe, violations
from tests.browser.test_flows_people import another, invite, take

__all__ = ["axe"]
pytestmark = [pytest.mark.browser, pytest.mark.flows]
# 9 s of video are $0.1032, the test clip of it $0.0573.
AMOUNT, LIMIT, RAISED = "0.10", "0.12", "5"


def set_amount(hand: Person, team: str, axe: str) -> None:
    hand.page.goto(f"{team}team/limits/")
    hand.click("section[aria-labelledby=approval] a:has-text('Change')")
    hand.page.check("[name=kind][value=amount]")
    hand.type("[name=amount]", AMOUNT)
    assert not violations(hand.page, axe), "the amount per click"
    hand.click("main button[type=submit]")
    hand.see(".messages :text('Saved')")
    hand.see("text=A click of more than $0.10")


def set_limit(hand: Person, team: str, amount: str) -> None:
    hand.page.goto(f"{team}team/limits/each/")
    hand.page.check("[name=month_kind][value=amount]")
    hand.type("[name=month_amount]", amount)
    hand.click("main button[type=submit]")
    hand.see(".messages :text('Saved')")


def test_asked_for_and_approved(maker: Maker, axe: str) -> None:
    hand, team = maker.hand, maker.team
    set_amount(hand, team, axe)
    set_limit(hand, team, LIMIT)
    link = invite(hand, team, "Hana", "creator")
    width = hand.page.viewport_size["width"]
    with another(hand) as guest:
        take(guest, link, f"hana{len(team)}{width}@example.com")
        guest.page.goto(maker.chosen)
        guest.see(PRICED)
        guest.click("#clip")  # within the limit, and below the amount
        guest.see("#toast :text('is in line')")
        guest.page.goto(maker.chosen)
        guest.see("#generate:has-text('Ask for approval')")
        assert "somebody has to approve it" in guest.read("#approval")
        assert not violations(guest.page, axe), "a button that asks"
        guest.click("#generate")
        guest.see("#toast :text('Asked for approval')")
        guest.click("#toast a")
        guest.see("h2:has-text('Waiting for an answer')")
        assert not violations(guest.page, axe), "what they asked for"

        hand.page.goto(f"{team}team/approvals/")
        assert not violations(hand.page, axe), "what waits for an answer"
        hand.click("main table a")
        hand.see("text=A limit has no room for it now")
        assert not violations(hand.page, axe), "the page that is answered"
        hand.click("button[value=approve]")
        hand.see(".notice.bad[role=alert]")
        assert not violations(hand.page, axe), "an answer that a limit stops"
        question = guest.page.url
        set_limit(hand, team, RAISED)
        hand.page.goto(question)
        hand.type("#reason", "Go for it")
        hand.click("button[value=approve]")
        hand.see("#job")
        guest.page.reload()
        guest.see("text=Approved by")
        guest.click("a:has-text('Look at it')")
        guest.see("#job[data-state=succeeded] video")
        # what is wrong on purpose is not wrong: an answer of 422 is red in the console
        hand.wrong[:] = [one for one in hand.wrong if "422" not in one]
        guest.at_ease()
