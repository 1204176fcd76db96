"""Fields, parts and pages of the look: tied together, and without an exception from the policy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.template.loader import get_template, render_to_string

from tests.html import parse

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


# ── forms and parts ───────────────────────────────────────────────────────────────────────────────


class Sample(forms.Form):
    name = forms.CharField(
        help_text="Shown to the team.",
        widget=forms.TextInput(attrs={"placeholder": "Name", "class": "short"}),
    )
    agree = forms.BooleanField(label="The team may use it")
    shape = forms.ChoiceField(choices=[("a", "1:1"), ("b", "3:4")], widget=forms.RadioSelect)
    picture = forms.FileField(widget=forms.FileInput(attrs={"accept": "image/png"}))


def part(file: str, **context: Any) -> str:
    return render_to_string(f"parts/{file}.html", context)


def test_a_field_ties_its_help_and_its_error_to_the_control() -> None:
    markup = part("field", field=Sample(data={})["name"], autocomplete="name")
    assert '<label for="id_name">Name</label>' in markup
    assert 'aria-describedby="id_name_helptext id_name_error"' in markup
    assert 'aria-invalid="true"' in markup
    assert 'id="id_name_helptext"' in markup
    assert 'id="id_name_error"' in markup
    assert 'class="short input"' in markup
    assert 'autocomplete="name"' in markup
    assert "placeholder" not in markup
    assert "aria-describedby" not in part("field", field=Sample()["name"], nohelp=True)


def test_every_described_by_names_something_on_the_page() -> None:
    form = Sample(data={})
    for name in form.fields:
        shown = parse(part("field", field=form[name], help="Told before."))
        for ids in shown.values("*", "aria-describedby"):
            for one in ids.split():
                assert shown.has(f"#{one}"), f"{name}: {one}"


def test_each_kind_of_field_has_its_shape() -> None:
    form = Sample(data={})
    assert 'class="check"' in part("field", field=form["agree"])
    assert part("field", field=form["shape"]).count('type="radio"') == 2
    drop = part("field", field=form["picture"])
    assert 'name="picture"' in drop
    assert 'accept="image/png"' in drop
    assert 'aria-describedby="id_picture_error"' in drop


def test_parts_escape_what_people_typed() -> None:
    job = {
        "title": "<script>alert(1)</script>",
        "state_word": "failed",
        "state_label": "Failed",
        "sentence": "<b>",
        "url": "/x",
        "amount_word": "released",
    }
    for markup in (
        part("job_row", job=job),
        part("card", card={"title": job["title"], "tags": [{"fit": "no", "label": "<i>"}]}),
        part("notice", text=job["title"]),
        part("avatar", name="<x> <y>", id=1),
    ):
        assert "<script>" not in markup
        assert "<x>" not in markup
        assert "<i>" not in markup
    assert "&lt;script&gt;" in part("job_row", job=job)


def test_a_job_row_without_a_price_shows_a_dash() -> None:
    row = part(
        "job_row",
        job={
            "title": "A",
            "state_word": "queued",
            "state_label": "Waiting",
            "amount_micros": None,
            "amount_word": "held",
        },
    )
    assert "—" in row
    assert "$0" not in row


# Sources of templates, which are no HTML yet: a parser would not read them as pages.
FORBIDDEN = re.compile(
    r"\sstyle=|\son[a-z]+=\"|<style|javascript:|<script(?![^>]*src=)[^>]*>|(?:src|href)=\"(?:https?:)?//"
)


def test_no_template_needs_an_exception_from_the_policy() -> None:
    assert [
        f"{path.name}: {found[0]}"
        for path in TEMPLATES
        for found in FORBIDDEN.finditer(path.read_text())
    ] == []


@pytest.mark.parametrize(
    "source",
    [
        '<p style="x">',
        '<a onclick="x">',
        "<style>",
        '<a href="javascript:x">',
        "<script>",
        '<script defer src="https://elsewhere.example/x.js">',
        '<img src="//elsewhere.example/x.png">',
    ],
)
def test_an_exception_from_the_policy_is_found(source: str) -> None:
    assert FORBIDDEN.search(source)
    assert not FORBIDDEN.search('<script defer src="{% static "js/x.js" %}"></script>')


def test_every_template_parses() -> None:
    for path in TEMPLATES:
        get_template(str(path.relative_to(ROOT / "templates")))


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "413", "429", "500"])
def test_error_pages_stand_alone(code: str) -> None:
    page = get_template(f"{code}.html").render()  # no context, no request, no database
    assert page.count("<h1>") == 1
    assert page.count("<p>") >= 2
    assert 'href="/"' in page
