"""Pages as a browser reads them: elements by CSS selector, words as people see them.

`parse` takes an answer of the test client or HTML itself. What stands in <noscript> is there, as in
a browser without scripts; what stands in a comment is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

UNSEEN = {"head", "script", "style", "svg", "template"}


class Element:
    """One element. `element["href"]` is an attribute ("" where it has no value) and raises KeyError
    without it; `"disabled" in element` asks for one."""

    def __init__(self, node: LexborNode) -> None:
        self._node = node

    def __repr__(self) -> str:
        return (self._node.html or "")[:300]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Element) and self._node == other._node

    __hash__ = None  # type: ignore[assignment]

    def __contains__(self, name: str) -> bool:
        return name in self._node.attributes

    def __getitem__(self, name: str) -> str:
        return self._node.attributes[name] or ""

    def get(self, name: str, otherwise: str | None = None) -> str | None:
        return self.attributes.get(name, otherwise)

    @property
    def attributes(self) -> dict[str, str]:
        return {name: value or "" for name, value in self._node.attributes.items()}

    @property
    def tag(self) -> str:
        return self._node.tag or ""

    @property
    def parent(self) -> Element:
        assert self._node.parent is not None, "the whole page lies in nothing"
        return Element(self._node.parent)

    @property
    def html(self) -> str:
        return self._node.html or ""

    @property
    def text(self) -> str:
        """The words with single spaces between them, also where one element ends and the next
        begins; drawings have none."""
        words = " ".join(" ".join(_words(self._node)).split())
        return re.sub(r" (?=[,.;:!?)”])|(?<=[(“]) ", "", words)

    def obeys_the_policy(self) -> None:
        """No script and no style stands in the page itself."""
        assert not self.has("script:not([src])")
        assert not self.has("style, [style]")
        for element in self.all("*"):
            assert not [name for name in element.attributes if name.startswith("on")], element

    # ── what lies in it ──
    def all(self, css: str) -> list[Element]:
        # By identity: `==` of selectolax writes out both, here the whole page for every element.
        own = self._node.mem_id
        return [Element(node) for node in self._node.css(css) if node.mem_id != own]

    def has(self, css: str) -> bool:
        return bool(self.all(css))

    def one(self, css: str) -> Element:
        """The only one; fails when there is none or another."""
        found = self.all(css)
        assert len(found) == 1, f"{len(found)} × {css} in {self!r}"
        return found[0]

    def first(self, css: str) -> Element:
        found = self.all(css)
        assert found, f"no {css} in {self!r}"
        return found[0]

    def texts(self, css: str) -> list[str]:
        return [element.text for element in self.all(css)]

    def values(self, css: str, name: str) -> list[str]:
        """The attribute `name` of all that have it."""
        return [element[name] for element in self.all(css) if name in element]

    def named(self, css: str, words: str) -> Element:
        """The only one whose text holds `words`."""
        found = [element for element in self.all(css) if words in element.text]
        assert len(found) == 1, f"{len(found)} × {css} that say {words!r} in {self!r}"
        return found[0]

    def fields(self) -> dict[str, str]:
        """What a browser sends with this form, besides files and buttons: the last value of each
        name."""
        sent: dict[str, str] = {}
        for field in self.all("input, select, textarea"):
            name, kind = field.get("name"), field.get("type")
            if not name or "disabled" in field or kind in ("file", "submit", "button", "image"):
                continue
            if field.tag == "select":
                options = [one for one in field.all("option") if "disabled" not in one]
                for one in [one for one in options if "selected" in one] or options[:1]:
                    sent[name] = one.get("value", one.text) or ""
            elif field.tag == "textarea":
                sent[name] = field._node.text()
            elif kind not in ("radio", "checkbox") or "checked" in field:
                sent[name] = field.get("value") or ("on" if kind in ("radio", "checkbox") else "")
        return sent


def _words(node: LexborNode) -> Iterator[str]:
    for child in node.iter(include_text=True):
        if child.is_text_node:
            yield child.text_content or ""
        elif child.tag not in UNSEEN:
            yield from _words(child)


def parse(page: Any) -> Element:
    """The page, or the piece of one, in `page`: an answer, text or bytes."""
    content = page if isinstance(page, str | bytes) else page.content
    parser = LexborHTMLParser(content)
    assert parser.root is not None, "an empty page"
    return Element(parser.root)


def text(page: Any) -> str:
    """The words of `page` as people see them, with single spaces."""
    return parse(page).text
