"""The house rules of templates: short lines, and parts that say what they take.

How they are indented is djade's to check (.ci/run)."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "templates"
WIDTH = 120
TEMPLATES = sorted(ROOT.rglob("*.html"))
TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in TEMPLATES}
INCLUDE = re.compile(r'{%\s*include\s+"([^"]+)"\s+(?:with\b|only\b)')


def too_long(text: str) -> list[int]:
    return [n for n, line in enumerate(text.splitlines(), 1) if len(line) > WIDTH]


def given_names() -> set[str]:
    """The parts that some template hands names to."""
    included = {name for text in TEXTS.values() for name in INCLUDE.findall(text)}
    return {name for name in included if "parts" in Path(name).parts and name in TEXTS}


def says_what_it_takes(text: str) -> bool:
    return text.startswith("{# args: ")


def test_lines_are_short() -> None:
    assert TEXTS
    assert [f"{name}:{line}" for name, text in TEXTS.items() for line in too_long(text)] == []


def test_a_long_line_is_found() -> None:
    assert too_long(f"<p>\n{'x' * WIDTH}\n{'x' * (WIDTH + 1)}\n") == [3]


def test_a_part_says_what_it_takes_on_its_first_line() -> None:
    """`{# args: what, what #}` for every part that is included with names or with `only`."""
    assert given_names()
    assert [name for name in sorted(given_names()) if not says_what_it_takes(TEXTS[name])] == []


def test_a_part_that_does_not_say_what_it_takes_is_found() -> None:
    assert INCLUDE.findall('{% include "parts/a.html" with b=c only %}{% include "d.html" %}') == [
        "parts/a.html"
    ]
    assert says_what_it_takes("{# args: job #}\n<p>")
    assert not says_what_it_takes("<p>{# args: job #}")


def test_no_stylesheet_asks_whether_an_element_is_empty() -> None:
    """Templates are indented, so what shows nothing still holds white space and is not :empty: ask
    for its children with :has(), or give it a class."""
    sheets = (ROOT.parent / "static" / "css").rglob("*.css")
    assert [sheet.name for sheet in sheets if ":empty" in sheet.read_text()] == []


def test_the_page_of_parts_names_templates_that_are_there() -> None:
    named = re.findall(r"<code>([\w/]+\.html)</code>", TEXTS["studio/site_pages/parts.html"])
    assert len(named) > 20
    assert [name for name in named if name not in TEXTS] == []
