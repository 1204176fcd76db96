"""What the page of parts shows of each part: samples that no row of the database stands for."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.templatetags.static import static

from studio.models import Membership, Role, Team, User
from studio.site_pages.part_job_samples import (
    FACE,
    FRAME,
    SAMPLE_PEAKS,
    Sample,
    sample_cards,
    sample_clocks,
    sample_jobs,
    sample_messages,
    sample_picks,
    sample_steps,
)

ERRORS = ("400", "403", "403_csrf", "404", "413", "429", "500")


SPRITE = "img/icons.svg"


COLOURS = (
    "ground",
    "surface",
    "raised",
    "sunken",
    "line",
    "edge",
    "soft",
    "ink",
    "lamp",
    "stage",
    "amber",
    "green",
    "red",
    "blue",
    "rose",
)


# The word of each mark, and a sentence as a page says it.
STATES = {
    "queued": ("3rd in line", "starts ≈ 14:32, ready ≈ 14:37–14:40"),
    "checking": ("Checking the picture", "with EMO · $0.0006"),
    "submitting": ("Sending", "to EMO · 1 s"),
    "running": ("Rendering", "1 m 10 s · usually 1 m 40 s – 2 m 20 s"),
    "archiving": ("Saving", "11.2 of 18.2 MB"),
    "succeeded": ("Ready", "13.9 s, saved 14:05"),
    "failed": ("Failed", "two people in the picture. Cost $0.00"),
    "uncertain": ("Sent, no answer.", "Not sent again, so nothing is paid twice"),
    "held": ("Waits, over budget.", "Ben has $0.31 left, this needs $0.9450"),
    "canceled": ("Cancelled", "by Aiko before sending"),
}


class SampleForm(forms.Form):
    """Every kind of control that parts/field.html draws; bound with SAMPLE it has an error of each
    kind."""

    name = forms.CharField(label="Name", help_text="Shown to the team.")
    limit = forms.DecimalField(
        label="Limit a month, USD",
        max_value=10,
        error_messages={"max_value": "The team has $10.00. Enter 10.00 or less."},
    )
    account = forms.ChoiceField(
        label="Account", choices=[("north", "North-1"), ("south", "South-a")]
    )
    locked = forms.CharField(
        label="Region", help_text="Cannot be changed any more.", disabled=True, initial="Beijing"
    )
    words = forms.CharField(label="Words", widget=forms.Textarea(attrs={"rows": 2}), required=False)
    notify = forms.BooleanField(
        label="Tell me when it is ready", help_text="By e-mail.", required=False
    )
    rights = forms.BooleanField(
        label="The person agreed to this video",
        error_messages={"required": "Without it no video is made."},
    )
    style = forms.ChoiceField(
        label="Style",
        choices=[("calm", "Calm"), ("normal", "Normal"), ("active", "Active")],
        widget=forms.RadioSelect,
    )
    picture = forms.FileField(
        label="Drop a picture here or choose one",
        help_text="JPG, PNG, BMP, WebP · sides 400–7000 px",
        required=False,
    )
    speech = forms.FileField(
        label="Drop a speech here or choose one",
        error_messages={"required": "A portrait needs a speech."},
    )
    token = forms.CharField(widget=forms.HiddenInput, initial="k2m-x81p")

    def clean(self) -> Sample | None:
        raise forms.ValidationError("Nothing was saved: three fields need another look.")


SAMPLE = {
    "name": "Welcome line, take 2",
    "limit": "12.00",
    "account": "north",
    "style": "calm",
    "notify": "on",
    "token": "k2m-x81p",
}


def symbols() -> tuple[list[str], list[str]]:
    """(icons, state words) that the sprite holds, in its order; the file itself is read, so none
    can be forgotten."""
    path = finders.find(SPRITE)
    names = re.findall(r'<symbol[^>]*\bid="([^"]+)"', Path(str(path)).read_text()) if path else []
    return [name for name in names if not name.startswith("s-")], [
        name.removeprefix("s-") for name in names if name.startswith("s-")
    ]


def samples(request: HttpRequest) -> Sample:
    """What studio/site_pages/parts.html draws."""
    icons, marks = symbols()
    portrait, dance = static("img/samples/portrait.svg"), static("img/samples/dance.svg")
    return {
        "icons": icons,
        "states": [
            {
                "word": word,
                "label": STATES.get(word, (word, ""))[0],
                "sentence": STATES.get(word, (word, ""))[1],
            }
            for word in marks
        ],
        "colours": COLOURS,
        "errors": ERRORS,
        "portrait": portrait,
        "dance": dance,
        "video": static("img/samples/video.mp4"),
        "peaks": SAMPLE_PEAKS,
        "face": FACE,
        "frame": FRAME,
        "form": SampleForm(SAMPLE, auto_id="sample_%s"),
        "empty_form": SampleForm(auto_id="blank_%s"),
        "jobs": sample_jobs(portrait, dance),
        "cards": sample_cards(portrait, dance),
        "picks": sample_picks(portrait),
        "steps": sample_steps(),
        "sample_messages": sample_messages(),
        "people": ("Aiko", "Ben Carter", "Chidi", "Dora"),
        "clocks": sample_clocks(),
        "bars": [_bar(), _bar_new(), _bar_unlimited()],
        "bottom_bar": _bar(),
        "seen_by": _seen_by(request),
    }


def _bar() -> Sample:
    emo = {
        "name": "EMO",
        "url": "#bar",
        "total": 5,
        "on": 1,
        "next": 1,
        "you": [3, 4],
        "label": "5 jobs, yours third and fourth",
        "sentence": "you are 3rd",
    }
    dance = {
        "name": "Dance",
        "url": "#bar",
        "total": 1,
        "on": 1,
        "next": 0,
        "you": 1,
        "label": "1 job, yours, rendering",
        "sentence": "yours is rendering",
    }
    return {
        "lanes": [emo, dance],
        "money": _money(
            10_000_000, 6_280_000, "$1.97 charged and $1.74 reserved of $10.00", "9 m 8 s of 1:1"
        ),
    }


def _bar_new() -> Sample:
    return {
        "lanes": [],
        "sentence": "No account yet, so nothing can run.",
        "money": _money(10_000_000, 0, "all of $10.00 is spent", ""),
    }


def _bar_unlimited() -> Sample:
    lane = {
        "name": "EMO",
        "url": "#bar",
        "total": 21,
        "on": 1,
        "next": 1,
        "you": [],
        "label": "21 jobs",
    }
    return {"lanes": [lane], "money": _money(None, None, "$1.97 charged, no limit", "")}


def _money(limit: int | None, left: int | None, label: str, video: str) -> Sample:
    sums = {"settled_micros": 1_970_000, "held_micros": 1_740_000}
    return {
        "url": "#bar",
        "month": "November",
        "currency": "USD",
        "limit_micros": limit,
        "left_micros": left,
        "video": video,
        "label": label,
    } | sums


def _seen_by(request: HttpRequest) -> list[Sample]:
    """The bar on top as three people see it; rows that were never saved. The path keeps what a form
    would post to harmless."""
    team, other = (
        Team(pk=1, name="Studio North", slug="north"),
        Team(pk=2, name="Evening Desk", slug="evening-desk"),
    )
    aiko = User(pk=1, email="aiko@example.com", first_name="Aiko", is_staff=True)
    dora = User(pk=4, email="dora@example.com", first_name="Dora")
    of_aiko = [
        Membership(pk=1, team=team, user=aiko, role=Role.OWNER),
        Membership(pk=2, team=other, user=aiko, role=Role.CREATOR),
    ]
    of_dora = Membership(pk=3, team=team, user=dora, role=Role.VIEWER)
    shown = [
        ("an owner who is of the staff", aiko, team, of_aiko[0], of_aiko),
        ("a viewer", dora, team, of_dora, [of_dora]),
        ("somebody outside of a team’s pages", aiko, None, None, of_aiko),
        ("nobody who is signed in", AnonymousUser(), None, None, []),
    ]
    return [
        {
            "who": who,
            "request": SimpleNamespace(
                user=user, team=team_, membership=membership, path=request.path
            ),
            "memberships": memberships,
        }
        for who, user, team_, membership, memberships in shown
    ]
