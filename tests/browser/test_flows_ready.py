"""Who looks elsewhere is told that a video is ready: by a notification and a sound that they chose,
and in the title of the tab."""

from __future__ import annotations

import pytest

from tests.browser.maker import Maker

pytestmark = [pytest.mark.browser, pytest.mark.flows]
# What the browser would show and play is written down instead; the tab says that it is hidden.
WATCHED = """
    window.told = []; window.rung = 0;
    window.Notification = class {
        static permission = "granted";
        static requestPermission = async () => "granted";
        constructor(words, { body }) { window.told.push(`${words}: ${body}`); }
        close() {}
    };
    const Real = window.AudioContext;
    window.AudioContext = class extends Real { constructor() { super(); window.rung += 1; } };
    window.away = false;
    Object.defineProperty(document, "visibilityState",
        { get: () => (window.away ? "hidden" : "visible") });
"""


def test_told_by_choice_while_the_tab_is_hidden(maker: Maker) -> None:
    page = maker.hand.page
    page.add_init_script(WATCHED)
    hand = maker.ready()
    hand.click("#generate")
    hand.click("[data-ready-ask]")
    page.wait_for_selector("[data-ready-ask]", state="hidden")
    page.evaluate("localStorage.setItem('ready-sound', 'on')")
    title = page.title()
    page.evaluate("window.away = true")
    page.wait_for_function("() => window.told.length")
    assert page.evaluate("window.told") == ["Your video is ready: speech"]
    assert page.evaluate("window.rung") == 1
    assert page.title() == f"(1) {title}"
    page.evaluate("window.away = false")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert page.title() == title


def test_nothing_is_said_that_was_not_chosen(maker: Maker) -> None:
    page = maker.hand.page
    page.evaluate("localStorage.clear()")
    hand = maker.ready()
    hand.click("#generate")
    page.evaluate("window.away = true")
    page.wait_for_function("() => document.title.startsWith('(1)')")
    assert page.evaluate("window.told.length") == 0
    assert page.evaluate("window.rung") == 0
