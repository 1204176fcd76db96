"""One word for one thing in what people read: the words that docs/glossary.md has given up stay out
of pages, mails, commands and stored sentences.

Code may still say `lane`, `hold` and `settle`, which the field uses; what is read may not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_house import ROOT, SOURCES

# A word that was given up, and what is said instead.
OLD = {
    r"films?": "video",
    r"lanes?": "queue",
    r"turns": "priority share",
    r"drain\w*": "finish the queue, take nothing new",
    r"adopt\w*": "import a video made elsewhere",
    r"held": "reserved",
    r"settle[sd]?": "charged",
    r"archiv(?:e|ed|es|ing)": "saved",
    r"on stage": "in progress",
    r"needs? you": "needs attention",
    r"service takes it": "picture approved",
    r"print": "fingerprint",
    r"many at once": "batch",
    r"told at the click": "estimate when ordered",
    r"seed’?'?s ratio": "gone",
}
OLD_WORD = re.compile(rf"\b(?:{'|'.join(OLD)})\b", re.IGNORECASE)

# What may stay, and why.
ALLOWED = {
    "last picture held": "a still picture at the end of a video, no money",
    "The video with its last picture held": "the same",
    "ZIP archive": "a file format",
    "RAR archive": "a file format",
    "7z archive": "a file format",
    "gzip archive": "a file format",
    "This is an archive": "a file format",
    "Print them or put them": "on paper",
    " | Print | ": "the same, a button",
    "Settle it in the Alibaba Cloud console": "a bill at Alibaba, by a person",
}
# What a limit has no room for is held back from a batch: no money stands for it.
ALLOWED |= dict.fromkeys(
    (
        "is held, with nothing reserved",
        "are held, with nothing reserved",
        "are held: nothing is reserved",
        "Held by ",
        "held video is canceled",
        "held videos are canceled",
        "Nothing of it is held any more",
        "video is held",
        "videos are held",
        "Cancel what is held, free",
    ),
    "the rest of a batch",
)
CALLS = {
    "_",
    "gettext",
    "gettext_lazy",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "phrase",
    "plural_phrase",
}
TAG = re.compile(r"\{[%{#].*?[%}#]\}", re.DOTALL)
TRANSLATED = re.compile(r'\{%\s*translate\s+(?:"([^"]*)"|\'([^\']*)\')')
MARKUP = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
PLACE = re.compile(r"%\(\w+\)s")


def old_words(text: str) -> list[str]:
    """The old words in a text that people read; places for values are no words."""
    text = " ".join(PLACE.sub(" ", text).split())
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    return OLD_WORD.findall(text)


def messages(source: str) -> Iterator[tuple[int, str]]:
    """What a Python file gives to gettext, phrase, argparse, errors of commands and their help."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            given = node.args if name in CALLS or name == "CommandError" else []
            given = [*given, *(one.value for one in node.keywords if one.arg == "help")]
        elif isinstance(node, ast.Assign):
            names = [getattr(one, "id", "") for one in node.targets]
            given = [node.value] if "help" in names else []
        else:
            continue
        for one in given:
            for part in ast.walk(one):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.lineno, part.value


def texts(template: str) -> str:
    """The words of a template: what `translate` says, and what stands between tags."""
    said = " | ".join(one or other for one, other in TRANSLATED.findall(template))
    return f"{said} | {MARKUP.sub(' ', TAG.sub(' ', template))}"


def templates() -> list[Path]:
    return [
        path
        for path in sorted((ROOT / "templates").rglob("*"))
        if path.suffix in (".html", ".txt") and "site_pages" not in path.parts
    ]


def test_no_sentence_has_a_word_that_was_given_up() -> None:
    assert [
        f"{path.relative_to(ROOT)}:{line}: {words} in {text!r}"
        for path in SOURCES
        for line, text in messages(path.read_text())
        if (words := old_words(text))
    ] == []


def test_no_template_has_a_word_that_was_given_up() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {words}"
        for path in templates()
        if (words := old_words(texts(path.read_text())))
    ] == []


def test_every_exception_is_still_needed() -> None:
    everything = " ".join(
        [
            " ".join(text.split())
            for path in SOURCES
            if any(one.split()[0] in path.read_text() for one in ALLOWED)
            for _, text in messages(path.read_text())
        ]
        + [" ".join(texts(path.read_text()).split()) for path in templates()]
    )
    assert [one for one in ALLOWED if one not in everything] == []


def test_the_glossary_has_the_new_words() -> None:
    glossary = (ROOT / "docs/glossary.md").read_text().lower()
    assert [new for new in OLD.values() if new != "gone" and new not in glossary] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The film is ready.", ["film"]),
        ("%(held)s reserved", []),
        ("Drain this, adopt that", ["Drain", "adopt"]),
        ("This is a ZIP archive.", []),
        ("Archiving", ["Archiving"]),
        ("Turn it on", []),
        ("The fingerprint of a key", []),
    ],
)
def test_old_words_are_found(text: str, found: list[str]) -> None:
    assert old_words(text) == found


def test_messages_and_texts_are_found() -> None:
    source = "_('a'); phrase('b', n=1)\nparser.add_argument('--x', help='c')\nother('d')"
    assert [text for _, text in messages(source)] == ["a", "b", "c"]
    assert texts('{% translate "One" %}<p class="film">Two {{ held }}</p>').split() == [
        "One",
        "|",
        "Two",
    ]
