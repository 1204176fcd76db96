"""The living page of parts: every part and icon in every state, with what it is for. For those who
build pages, so only with DEBUG."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from studio.models import Membership, Role, Team, User
from studio.teams.access import public

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
ERRORS = ("400", "403", "403_csrf", "404", "413", "500")
PEAKS = [0.1, 0.35, 0.8, 0.55, 0.9, 0.4, 0.05, 0.03, 0.3, 0.7, 1.0, 0.65, 0.45, 0.2] * 6
HOUR = 3600
FACE, FRAME = (338, 268, 622, 672), (120, 80, 840, 1070)

# The word of each mark, and a sentence as a page says it.
STATES = {
    "queued": ("3rd in line", "starts ≈ 14:32, ready ≈ 14:37–14:40"),
    "checking": ("Checking the picture", "with EMO · $0.0006"),
    "submitting": ("Sending", "to EMO · 1 s"),
    "running": ("Rendering", "1 m 10 s · usually 1 m 40 s – 2 m 20 s"),
    "archiving": ("Archiving", "11.2 of 18.2 MB"),
    "succeeded": ("Ready", "13.9 s, archived 14:05"),
    "failed": ("Failed", "two people in the picture. Cost $0.00"),
    "uncertain": ("Sent, no answer.", "Not sent again, so nothing is paid twice"),
    "held": ("Held, over budget.", "Ben has $0.31 left, this needs $0.9450"),
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
    tell = forms.BooleanField(
        label="Tell me when it is ready", help_text="By e-mail.", required=False
    )
    rights = forms.BooleanField(
        label="The person agreed to this film",
        error_messages={"required": "Without it no film is made."},
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

    def clean(self) -> dict[str, Any] | None:
        raise forms.ValidationError("Nothing was saved: three fields need another look.")


SAMPLE = {
    "name": "Welcome line, take 2",
    "limit": "12.00",
    "account": "north",
    "style": "calm",
    "tell": "on",
    "token": "k2m-x81p",
}


@public
@require_safe
def parts(request: HttpRequest) -> HttpResponse:
    """200 with DEBUG, else 404. Open to anybody then: it shows samples only. `?error=404` shows
    that error page as people see it."""
    if not settings.DEBUG:
        raise Http404("The page of parts is there only with DEBUG.")
    error = request.GET.get("error", "")
    if error in ERRORS:
        return render(request, f"{error}.html")
    return render(request, "studio/site_pages/parts.html", samples(request))


def symbols() -> tuple[list[str], list[str]]:
    """(icons, state words) that the sprite holds, in its order; the file itself is read, so none
    can be forgotten."""
    path = finders.find(SPRITE)
    names = re.findall(r'<symbol[^>]*\bid="([^"]+)"', Path(str(path)).read_text()) if path else []
    return [name for name in names if not name.startswith("s-")], [
        name.removeprefix("s-") for name in names if name.startswith("s-")
    ]


def samples(request: HttpRequest) -> dict[str, Any]:
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
        "film": static("img/samples/film.mp4"),
        "peaks": PEAKS,
        "face": FACE,
        "frame": FRAME,
        "form": SampleForm(SAMPLE, auto_id="sample_%s"),
        "empty_form": SampleForm(auto_id="blank_%s"),
        "jobs": _jobs(portrait, dance),
        "cards": _cards(portrait, dance),
        "picks": _picks(portrait),
        "steps": _steps(),
        "told": _told(),
        "people": ("Aiko", "Ben Carter", "Chidi", "Dora"),
        "clocks": _clocks(),
        "bars": [_bar(), _bar_new(), _bar_unlimited()],
        "footlights": _bar(),
        "seen_by": _seen_by(request),
    }


def _jobs(portrait: str, dance: str) -> list[dict[str, Any]]:
    """A row in each way that parts/job_row.html can stand."""
    base = {"currency": "USD", "url": "#jobs", "owner_name": "Chidi"}
    return [
        base
        | {
            "title": "Ticket reminder",
            "model_label": "Talking portrait",
            "facts": "1:1",
            "poster_url": portrait,
            "state_word": "running",
        }
        | {
            "state_label": "Rendering",
            "sentence": "1 m 10 s · usually 1 m 40 s – 2 m 20 s",
            "amount_micros": 159_800,
            "amount_word": "held",
        }
        | {
            "gauge": {
                "elapsed": 70,
                "low": 100,
                "high": 140,
                "label": "1 m 10 s, usually 1 m 40 s to 2 m 20 s",
            }
        },
        base
        | {
            "title": "Welcome line",
            "model_label": "Talking portrait",
            "facts": "3:4",
            "state_word": "queued",
            "state_label": "3rd in line",
        }
        | {"sentence": "starts ≈ 14:32", "amount_micros": 472_523, "amount_word": "held"}
        | {"place": {"total": 5, "on": 1, "next": 1, "you": 3, "label": "third of five"}},
        base
        | {
            "title": "Spring steps",
            "model_label": "Dancing character",
            "icon": "dance",
            "poster_url": dance,
            "state_word": "archiving",
        }
        | {
            "state_label": "Archiving",
            "sentence": "11.2 of 18.2 MB",
            "amount_micros": 114_690,
            "amount_word": "settled",
        }
        | {"gauge": {"got": 11.2, "whole": 18.2, "label": "11.2 of 18.2 MB fetched"}},
        base
        | {
            "title": "Two at the door",
            "model_label": "Talking portrait",
            "state_word": "failed",
            "state_label": "Failed",
        }
        | {
            "sentence": "two people in the picture",
            "amount_micros": 0,
            "amount_word": "released",
            "where": "Crop to one person",
        },
        base
        | {
            "title": "Without an amount",
            "model_label": "Template",
            "icon": "template",
            "state_word": "canceled",
            "state_label": "Cancelled",
            "url": "",
        },
    ]


def _cards(portrait: str, dance: str) -> list[dict[str, Any]]:
    return [
        {
            "title": "portrait.jpg",
            "url": "#cards",
            "picture_url": portrait,
            "facts": "960 × 1200 · Aiko",
            "tags": [{"fit": "yes", "label": "EMO 1:1"}],
        },
        {
            "title": "spring-steps.mp4",
            "url": "#cards",
            "picture_url": dance,
            "badge": "9.3 s",
            "film": True,
            "facts": "512 × 704",
        },
        {
            "title": "speech.mp3",
            "url": "#cards",
            "peaks": PEAKS,
            "badge": "13.9 s",
            "facts": "220 kB · Ben",
            "tags": [{"state": "running", "label": "in use"}],
        },
        {"title": "no-picture-yet.mov", "icon": "template", "facts": "being read"},
    ]


def _picks(portrait: str) -> list[dict[str, Any]]:
    base = {"picture_url": portrait, "pick_name": "sample_pick"}
    return [
        base | {"title": "Chosen", "pick_value": "1", "picked": True},
        base | {"title": "Can be chosen", "pick_value": "2"},
        base
        | {
            "title": "Does not fit",
            "pick_value": "3",
            "unfit": True,
            "tags": [{"fit": "no", "label": "person too small"}],
        },
        {
            "title": "Several",
            "peaks": PEAKS,
            "pick_name": "sample_several",
            "pick_value": "1",
            "pick_type": "checkbox",
        },
    ]


def _steps() -> list[dict[str, str]]:
    return [
        {
            "title": "Sent",
            "when": "14:32:12",
            "tone": "good",
            "note": "request 8190395f-2b1c",
            "iso": "2026-11-20T14:32:12Z",
        },
        {
            "title": "Rendering",
            "when": "1 m 10 s",
            "tone": "lit",
            "note": "usually 1 m 40 s – 2 m 20 s",
        },
        {"title": "Download broke off", "when": "14:36:10", "tone": "bad", "note": "again in 4 s"},
        {"title": "Noted", "when": "14:36:20"},
        {"title": "Archive", "when": "≈ 14:38", "tone": "todo"},
    ]


class Told:
    """A message as django.contrib.messages hands it over."""

    def __init__(self, level_tag: str, text: str) -> None:
        self.level_tag, self.text = level_tag, text

    def __str__(self) -> str:
        return self.text


def _told() -> list[Told]:
    return [
        Told("success", "“portrait.jpg” is in the library."),
        Told("info", "“speech.mp3” is here already; it is kept once."),
        Told("warning", "The picture is small; the film will look soft."),
        Told("error", "“notes.txt” is neither a picture nor a speech nor a film."),
    ]


def _clocks() -> list[dict[str, Any]]:
    return [
        {
            "left": 21 * HOUR + 41 * 60,
            "title": "Task, 21 h 41 m",
            "note": "then the service forgets it",
            "ours": False,
        },
        {
            "left": 3 * HOUR + 12 * 60,
            "title": "Link, 3 h 12 m",
            "note": "film not home yet",
            "ours": False,
        },
        {
            "left": 21 * HOUR + 46 * 60,
            "title": "Link, 21 h 46 m",
            "note": "archived, does not matter",
            "ours": True,
        },
        {"left": 0, "title": "Task, over", "note": "the service has forgotten it", "ours": False},
    ]


def _bar() -> dict[str, Any]:
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
            10_000_000, 6_280_000, "$1.97 settled and $1.74 held of $10.00", "9 m 8 s of 1:1"
        ),
    }


def _bar_new() -> dict[str, Any]:
    return {
        "lanes": [],
        "sentence": "No account yet, so nothing can run.",
        "money": _money(10_000_000, 0, "all of $10.00 is spent", ""),
    }


def _bar_unlimited() -> dict[str, Any]:
    lane = {
        "name": "EMO",
        "url": "#bar",
        "total": 21,
        "on": 1,
        "next": 1,
        "you": [],
        "label": "21 jobs",
    }
    return {"lanes": [lane], "money": _money(None, None, "$1.97 settled, no limit", "")}


def _money(limit: int | None, left: int | None, label: str, film: str) -> dict[str, Any]:
    sums = {"settled_micros": 1_970_000, "held_micros": 1_740_000}
    return {
        "url": "#bar",
        "month": "November",
        "currency": "USD",
        "limit_micros": limit,
        "left_micros": left,
        "film": film,
        "label": label,
    } | sums


def _seen_by(request: HttpRequest) -> list[dict[str, Any]]:
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
