"""The page of parts holds every part, icon and state mark, and only with DEBUG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from studio.site_pages import part_samples, parts
from studio.templatetags import ui
from tests.conftest import OneLineClient
from tests.html import parse

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
FILES = sorted(path.name for path in (TEMPLATES / "parts").glob("*.html"))


@pytest.fixture
def page(db: object, settings: Any) -> Any:
    settings.DEBUG = True
    answer = OneLineClient().get(reverse("parts"))
    assert answer.status_code == 200
    return answer


def test_it_is_there_only_with_debug(db: object, settings: Any) -> None:
    for debug, status in ((False, 404), (True, 200)):
        settings.DEBUG = debug
        for query in ("", "?error=404"):
            assert (
                Client(raise_request_exception=False).get(reverse("parts") + query).status_code
                == status
            )


def test_every_part_is_drawn_and_named(page: Any) -> None:
    drawn = {template.name for template in page.templates}
    for error in parts.ERRORS:
        drawn |= {
            template.name for template in Client().get(reverse("parts"), {"error": error}).templates
        }
    text = page.content.decode()
    assert len(FILES) > 20
    for name in FILES:
        assert f"parts/{name}" in drawn, (
            f"parts/{name} is not on the page of parts: show it there in each of its states"
        )
        assert f"<code>parts/{name}</code>" in text, f"the page of parts does not name parts/{name}"


def test_every_icon_and_mark_is_drawn(page: Any) -> None:
    icons, marks = part_samples.symbols()
    text = page.content.decode()
    sprite = (TEMPLATES.parent / "static" / part_samples.SPRITE).read_text()
    assert len(icons) + len(marks) == sprite.count("<symbol ") > 40
    for name in icons:
        assert str(ui.icon(name)) in text, name
    for word in marks:
        assert f'<p class="state" data-state="{word}">{ui.state_mark(word)}' in text, word
        assert word in part_samples.STATES, f"{word} needs its words on the page of parts"


def test_every_error_page_can_be_seen(page: Any) -> None:
    text = page.content.decode()
    for path in TEMPLATES.glob("[45]*.html"):
        assert path.stem in parts.ERRORS, path.name
        assert f'href="?error={path.stem}"' in text
        shown = Client().get(reverse("parts"), {"error": path.stem})
        assert path.name in {template.name for template in shown.templates}


def test_ids_are_used_once_and_nothing_is_inline(page: Any) -> None:
    shown = parse(page)
    ids = shown.values("*", "id")
    assert sorted(ids) == sorted(set(ids))
    for name in ("for", "aria-labelledby", "aria-describedby"):
        assert {one for names in shown.values("*", name) for one in names.split()} <= set(ids)
    assert not shown.has("[style], style")
    assert not shown.has("script:not([src])")
