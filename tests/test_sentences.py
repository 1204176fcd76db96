"""What the engine says can be translated: found by makemessages, stored with its values, shown in
the language of the page."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Iterator

import pytest
from django.core import serializers
from django.core.management import load_command_class

from jobs.models import Account
from studio.common.translatable import (
    EMPTY,
    SEPARATOR,
    Sentence,
    packed,
    phrase,
    plural_phrase,
    quoted,
    together,
    translated,
    unpacked,
)
from studio.media import MediaError
from studio.models import Team
from tests.test_house import ROOT, SOURCES

PLACE = re.compile(r"%\((\w+)\)s")


# ── what is written can be found ──


def calls(text: str) -> Iterator[tuple[int, str, ast.Call]]:
    for node in ast.walk(ast.parse(text)) if "phrase" in text else ():
        if isinstance(node, ast.Call):
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            if name in ("phrase", "plural_phrase"):
                yield node.lineno, name, node


def wrong_messages(text: str) -> list[str]:
    """The phrases of a source that makemessages would not find or that could not be filled in."""
    found = []
    for line, name, call in calls(text):
        messages = [
            one.value if isinstance(one, ast.Constant) else None
            for one in call.args[: 1 if name == "phrase" else 2]
        ]
        if not all(isinstance(message, str) and message.strip() for message in messages):
            found.append(f"{line}: makemessages finds literals only")
        if len(call.args) != (1 if name == "phrase" else 3):
            found.append(f"{line}: values have names")
        given = {keyword.arg for keyword in call.keywords}
        places = {place for message in messages for place in PLACE.findall(str(message))}
        if places - ({"n"} if name == "plural_phrase" else set()) != given:
            found.append(f"{line}: places {places}, values {given}")
        # Without values a message is not filled in, so its percent signs stand for themselves.
        if given and any(
            "%" in PLACE.sub("", str(message)).replace("%%", "") for message in messages
        ):
            found.append(f"{line}: a place is written %(name)s")
    return found


def test_every_message_is_a_literal_that_names_its_values() -> None:
    assert [
        f"{path.relative_to(ROOT)}:{wrong}"
        for path in SOURCES
        if path.name != "sentences.py"
        for wrong in wrong_messages(path.read_text())
    ] == []


@pytest.mark.parametrize(
    "line",
    [
        "phrase(words)",
        "phrase(f'The {n}.')",
        "phrase(' ')",
        "phrase('The %(n)s.', 3)",
        "phrase('The %(n)s.')",
        "phrase('The %(n)s.', m=3)",
        "phrase('%(n)s of 100%', n=3)",
        "plural_phrase('%(n)s job', '%(n)s jobs')",
        "plural_phrase('%(n)s job', jobs, 3)",
        "translatable.phrase('The %(n)s.')",
    ],
)
def test_a_wrong_message_is_found(line: str) -> None:
    assert wrong_messages(line)
    assert wrong_messages("phrase('The %(n)s, 100%%.', n=3)\nphrase('100% of it.')") == []
    assert wrong_messages("plural_phrase('%(n)s of %(a)s', '%(n)s of %(a)s', 3, a='b')") == []


def test_makemessages_looks_for_them() -> None:
    options = load_command_class("studio", "makemessages").xgettext_options
    assert {"--keyword=phrase", "--keyword=plural_phrase:1,2"} <= set(options)
    assert "--from-code=UTF-8" in options


COLUMNS = ("sentence", "advice", "health_text", "paused_text")


def bare_words(text: str) -> list[str]:
    """Where a source gives plain text to a column of sentences, or `_()` what is no literal."""
    found = []
    speaks = any(word in text for word in (*COLUMNS, "_("))
    for node in ast.walk(ast.parse(text)) if speaks else ():
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            bare = isinstance(keyword.value, ast.JoinedStr) or (
                isinstance(keyword.value, ast.Constant) and keyword.value.value
            )
            if keyword.arg in COLUMNS and bare:
                found.append(f"{node.lineno}: {keyword.arg} is a phrase")
        marked = isinstance(node.func, ast.Name) and node.func.id == "_" and node.args
        if marked and not isinstance(node.args[0], ast.Constant):
            found.append(f"{node.lineno}: _() takes literals; show a Sentence by translated()")
    return found


def test_the_engine_says_nothing_that_is_not_a_sentence() -> None:
    """Where the types do not reach: columns given by name, and the messages that `_()` cannot
    find."""
    assert [
        f"{path.relative_to(ROOT)}:{bare}"
        for path in SOURCES
        if not {"simulator", "admin"} & set(path.parts)
        for bare in bare_words(path.read_text())
    ] == []


@pytest.mark.parametrize(
    "line", ["move(job, sentence='Gone.')", "filter().update(health_text=f'{n} left')", "_(words)"]
)
def test_bare_words_are_found(line: str) -> None:
    assert len(bare_words(line)) == 1
    assert bare_words("move(job, sentence=phrase('Gone.'), advice='')\n_('Words')") == []


# ── what it is ──


def test_a_sentence_is_english_and_knows_its_message() -> None:
    said = phrase("The file has %(size)s; 100%% of it came.", size=phrase("%(n)s MB", n="5.0"))
    assert said == "The file has 5.0 MB; 100% of it came."
    assert (said.message, set(said.values)) == (
        "The file has %(size)s; 100%% of it came.",
        {"size"},
    )
    assert phrase("It is 100% done.") == "It is 100% done."
    assert [plural_phrase("%(n)s job waits", "%(n)s jobs wait", n) for n in (0, 1, 2)] == [
        "0 jobs wait",
        "1 job waits",
        "2 jobs wait",
    ]
    assert type(said[:3]) is type(f"{said}.") is str


def test_sentences_stand_beside_each_other() -> None:
    one, other = phrase("One."), phrase("The %(n)s.", n=2)
    assert together(one, EMPTY, "", other) == "One. The 2."
    assert together("", one) is one
    assert together() == together("", EMPTY) == ""
    assert quoted(one) is one


def test_values_are_numbers_texts_and_sentences(team: Team) -> None:
    assert phrase("%(team)s, %(n)s", team=team, n=3).values == {"team": "Studio North", "n": 3}


NASTY = [
    "",
    "plain",
    "100 %",
    "“quotes” \"'",
    "one\ntwo\\n",
    f"a{SEPARATOR}b",
    f"{SEPARATOR}[1]",
    "东京 — ünï",
    "%(n)s",
    "%(",
    "\x00",
]


@pytest.mark.parametrize("value", NASTY, ids=repr)
def test_a_column_gives_back_what_it_got(value: str) -> None:
    for said in (
        quoted(value),
        phrase("The %(what)s.", what=value),
        phrase("%(why)s, %(n)s", why=phrase("so %(what)s", what=value), n=1.5),
        together(phrase("One."), phrase("%(what)s", what=value), value),
        plural_phrase("%(n)s of %(what)s", "%(n)s of the %(what)s", 3, what=value),
    ):
        for back in (unpacked(packed(said)), pickle.loads(pickle.dumps(said)), copy.deepcopy(said)):
            assert (back, back.message, back.values, back.plural, back.number) == (
                said,
                said.message,
                said.values,
                said.plural,
                said.number,
            )
            assert type(back) is Sentence


def test_what_has_no_values_is_stored_as_it_is() -> None:
    assert packed(phrase("Sent, 100% of it.")) == packed("Sent, 100% of it.") == "Sent, 100% of it."
    assert type(packed(phrase("Sent."))) is str


@pytest.mark.parametrize(
    "stored",
    [
        "An old row.",
        f"odd{SEPARATOR}",
        f"odd{SEPARATOR}[]",
        f"odd{SEPARATOR}[{{}}]",
        f"odd{SEPARATOR}[1,2,3,4,5]",
    ],
)
def test_old_rows_and_odd_ones_are_read_as_they_are(stored: str) -> None:
    assert unpacked(stored) in (stored, "odd")
    assert translated(unpacked(stored))


def test_errors_keep_their_sentence_on_the_way_between_processes() -> None:
    error = pickle.loads(
        pickle.dumps(MediaError("broken", phrase("This %(format)s file is cut.", format="MP4")))
    )
    assert error.sentence.values == {"format": "MP4"}
    assert str(error) == "This MP4 file is cut."


@pytest.mark.django_db
def test_rows_survive_forms_and_dumps(team: Team, account: Account) -> None:
    said = phrase("The connection %(account)s rests.", account="“North”")
    Account.objects.filter(pk=account.pk).update(health_text=said)
    account.refresh_from_db()
    assert (account.health_text, account.health_text.values) == (said, said.values)
    assert (
        Account.objects.values_list("health_text", flat=True)[0].message
        == "The connection %(account)s rests."
    )
    assert Account.objects.filter(health_text=said).exists()
    field = Account._meta.get_field("health_text")
    field.save_form_data(account, str(said))  # a form gives the words back, changed or not
    assert account.health_text.values == said.values
    field.save_form_data(account, "Of staff.")
    assert account.health_text == "Of staff."
    account.refresh_from_db()
    (again,) = serializers.deserialize("json", serializers.serialize("json", [account]))
    assert again.object.health_text.values == said.values
