"""People come into a team and go: invited by link, with another role while they look, removed, and
an owner who hands over and leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.browser.maker import PRICED, SCREENS, Maker, screen
from tests.browser.person import PATIENCE, Person, person
from tests.browser.site import Site
from tests.browser.test_axe import COLOURS, EVERYTHING, axe, violations

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

__all__ = ["axe"]
pytestmark = [pytest.mark.browser, pytest.mark.flows]
CLICKS = 12  # from an empty site to three colleagues with their roles


def narrow(hand: Person) -> bool:
    return bool(hand.page.viewport_size["width"] < 500)


@contextmanager
def another(hand: Person) -> Iterator[Person]:
    """Somebody else with a browser of their own, of the same width and theme."""
    page = hand.page
    theme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    context = page.context.browser.new_context(
        base_url=page.url.split("/t/")[0].split("/accounts/")[0].split("/teams/")[0],
        viewport=page.viewport_size,
        color_scheme="dark" if theme else "light",
        has_touch=narrow(hand),
    )
    context.set_default_timeout(PATIENCE)
    try:
        yield Person(context.new_page(), page.url[: page.url.index("/", 8)])
    finally:
        context.close()


def links(hand: Person) -> list[str]:
    hand.see("#links input")
    return [str(one.input_value()) for one in hand.page.locator("#links input").all()]


def invite(hand: Person, team: str, name: str, role: str) -> str:
    """The link for one person, made on the page of the team at `team`."""
    hand.page.goto(f"{team}team/")
    hand.type("#id_who-0", name)
    hand.page.select_option("#id_role-0", role)
    hand.click("#invite button[value=link]")
    return links(hand)[0]


def take(guest: Person, link: str, email: str) -> None:
    """Open the link and make an account: two clicks, and they are in."""
    guest.page.goto(link)
    guest.click("a:has-text('Make an account and join')")
    guest.type("[name=email]", email)
    guest.type("[name=password1]", "three quiet lamps")
    guest.click("main button[type=submit]")
    guest.page.wait_for_url("**/t/**")


def shown_roles(hand: Person, team: str) -> dict[str, str]:
    hand.page.goto(f"{team}team/")
    found = {}
    for row in hand.page.locator("#people tbody tr").all():
        select = row.locator("select")
        role = select.input_value() if select.count() else row.locator("td").first.inner_text()
        found[" ".join(row.locator("th").inner_text().split()).split()[1]] = role.strip().split(
            "\n"
        )[0]
    return found


@pytest.mark.parametrize("place", SCREENS, ids=screen)
def test_from_an_empty_site_to_three_colleagues(
    playwright: Playwright, studio: Site, place: tuple[int, str]
) -> None:
    name = f"empty{place[0]}{place[1]}"
    with person(playwright, studio, *place) as owner:
        page = owner.page
        page.goto("/accounts/signup/")
        owner.type("[name=email]", f"{name}@example.com")
        owner.type("[name=password1]", "three quiet lamps")
        owner.click("main button[type=submit]")
        owner.see("h1:has-text('First a Model Studio connection')")
        if narrow(owner):
            owner.click(".topbar .menu.only-phone > summary")
            owner.click(".topbar .menu.only-phone a[href$='/team/']")
        else:
            owner.click(".topbar nav a[href$='/team/']")
        owner.see("#invite")
        team = page.url.removesuffix("team/")
        for row, (who, role) in enumerate((("Ben", "admin"), ("Chidi", ""), ("Dora", "viewer"))):
            owner.type(f"#id_who-{row}", who)
            if role:  # a list that unfolds is a click, and so is what is chosen of it by keyboard
                owner.clicks += 1
                page.select_option(f"#id_role-{row}", role)
        owner.click("#invite button[value=link]")
        clicks = owner.clicks
        for who, link in zip(("ben", "chidi", "dora"), links(owner), strict=True):
            with another(owner) as guest:
                take(guest, link, f"{who}.{name}@example.com")
                assert guest.page.url == team
                clicks += guest.clicks
                guest.at_ease()
        assert sorted(shown_roles(owner, team).values()) == ["Owner", "admin", "creator", "viewer"]
        print(f"{clicks} clicks in all")
        assert clicks <= CLICKS
        owner.at_ease()


def test_invited_by_link_they_make_a_video(maker: Maker, axe: str) -> None:
    hand = maker.hand
    link = invite(hand, maker.team, "Emre", "creator")
    assert not violations(hand.page, axe), "the page that shows a link"
    with another(hand) as guest:
        guest.page.goto(link)
        guest.see("h1:has-text('Join')")
        assert not violations(guest.page, axe)
        take(guest, link, f"emre{len(maker.team)}{hand.page.viewport_size['width']}@example.com")
        guest.page.goto(maker.chosen)
        guest.see(PRICED)
        guest.click("#generate")
        guest.click("#toast a")
        guest.see("#job[data-state=succeeded] video")
        guest.at_ease()
        with another(hand) as late:
            late.page.goto(link)
            late.see("h1:has-text('This invitation was used')")
            assert not violations(late.page, axe, EVERYTHING)


def test_another_role_while_they_look_and_removed(maker: Maker, axe: str) -> None:
    hand = maker.hand
    link = invite(hand, maker.team, "Fay", "creator")
    with another(hand) as guest:
        take(guest, link, f"fay{len(maker.team)}{hand.page.viewport_size['width']}@example.com")
        guest.page.goto(maker.chosen)
        guest.see(PRICED)
        lower(hand, maker.team, "fay", "viewer")
        guest.click("#generate")
        guest.see("text=which may not do this")
        guest.page.goto(maker.team)
        guest.see("text=has changed your role here")
        assert not guest.page.locator(".topbar a[href$='/make/portrait/']").count()
        guest.page.wait_for_timeout(4000)  # longer than between two looks at who may follow
        assert not guest.page.locator("[data-ended]:visible").count(), "a viewer still follows"

        remove(hand, maker.team, "fay")
        guest.see("[data-ended]:visible")
        assert not violations(guest.page, axe, COLOURS)
        guest.page.reload()
        guest.see("text=that you are not, or no longer, in")


def lower(hand: Person, team: str, name: str, role: str) -> None:
    hand.page.goto(f"{team}team/")
    row = f"#people tr:has-text('{name}')"
    hand.page.select_option(f"{row} select", role)
    hand.click(f"{row} button:has-text('Change')")
    hand.see(".messages :text('is Viewer now')")


def remove(hand: Person, team: str, name: str) -> None:
    hand.page.goto(f"{team}team/")
    hand.click(f"#people tr:has-text('{name}') a:has-text('Remove')")
    hand.see("h1:has-text('Remove')")
    hand.click("button:has-text('Remove')")
    hand.see(".messages :text('is not in the team any more')")


def hand_over(hand: Person, team: str) -> None:
    """To the only one who can take it."""
    hand.page.goto(f"{team}team/")
    hand.click("a:has-text('Hand the team over')")
    hand.page.select_option("[name=role]", "admin")
    hand.click("button:has-text('Hand it over')")
    hand.see(".messages :text('is an owner of')")


def test_an_owner_hands_over_and_leaves(maker: Maker, axe: str) -> None:
    hand = maker.hand
    hand.page.goto("/teams/new/")
    hand.type("[name=name]", "Night Shift")
    hand.click("main button[type=submit]")
    hand.page.wait_for_url("**/t/night-shift**")
    team = hand.page.url
    link = invite(hand, team, "Gil", "creator")
    with another(hand) as guest:
        take(guest, link, f"gil{len(maker.team)}{hand.page.viewport_size['width']}@example.com")
        hand.page.goto(f"{team}team/hand-over/")
        assert not violations(hand.page, axe)
        hand_over(hand, team)
        guest.page.goto(team)
        guest.see("text=has handed this team over to you")
        assert sorted(shown_roles(guest, team).values()) == ["Owner", "admin"]
        hand.click("a:has-text('Leave')")
        assert not violations(hand.page, axe)
        hand.click("button:has-text('Leave the team')")
        hand.see(".messages :text('You have left Night Shift')")
        assert list(shown_roles(guest, team).values()) == ["Owner"]
        guest.at_ease()
