"""Every page, in both themes and at two widths, without a violation of WCAG 2.2 A and AA that axe
can find."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from tests.browser.pages import THEMES, Cast

EVERYTHING = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"],
}
# A theme changes nothing but colours, and these are the rules of colour.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
RUN = """(rules) => axe.run(document, {runOnly: rules}).then((said) =>
    said.violations.map((one) => {
    const places = one.nodes.slice(0, 4).map((node) => node.target.join(" ") + ": "
     + node.failureSummary.split("\\n").slice(1, 3).join(" "));
    return one.id + " (" + one.help + ") at " + places.join(" | ");
}))"""
# A page comes to rest first: colours that fade in are measured wrong. What moves for ever, or was
# stopped, is not waited for.
REST = """Promise.race([new Promise((go) => setTimeout(go, 2000)), Promise.allSettled(
    document.getAnimations().filter((one) =>
    one.effect.getTiming().iterations !== Infinity).map((one) => one.finished))])
    .then(() => null)"""

pytestmark = [pytest.mark.browser, pytest.mark.axe]


@pytest.fixture(scope="session")
def axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()


def violations(page: Any, axe: str, rules: dict[str, Any] = EVERYTHING) -> list[str]:
    """What axe finds on `page` now. The script comes through the debugger's door, so the page's
    policy stays as it is."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(axe)
    page.evaluate(REST)
    found: list[str] = page.evaluate(RUN, rules)
    return found


def test_a_violation_would_be_told(lived_in: Cast, axe: str) -> None:
    page = lived_in.pages[False]
    page.goto("/accounts/login/")
    assert violations(page, axe) == []
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert any(sentence.startswith("image-alt ") for sentence in violations(page, axe))


def test_no_page_keeps_anybody_out(lived_in: Cast, axe: str) -> None:
    scenes, complaints = lived_in.scenes()
    assert len(scenes) > 40
    wrong: dict[str, list[str]] = {}
    for scene in scenes:
        for look in lived_in.look(scene):
            for sentence in look.wrong + violations(
                look.page, axe, EVERYTHING if look.theme == THEMES[0] else COLOURS
            ):
                wrong.setdefault(f"{scene.name}: {sentence}", []).append(
                    f"{look.width} {look.theme}"
                )
    told = complaints + [f"{sentence} [{', '.join(where)}]" for sentence, where in wrong.items()]
    assert not told, "\n".join(["", *told])
