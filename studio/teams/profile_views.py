"""The person's profile: how they are called, and in which time zone and format they read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from babel import Locale
from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import reader, time_zones
from studio.models import User
from studio.teams.access import person_of, signed_in
from studio.teams.reader_of_request import said_by_browser

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[User]
else:
    _ModelForm = forms.ModelForm

# Of languages that many speak, one region each; others come by the browser.
REGIONS = (
    "ar-EG",
    "cs-CZ",
    "da-DK",
    "de-AT",
    "de-CH",
    "de-DE",
    "en-AU",
    "en-CA",
    "en-GB",
    "en-IN",
    "en-US",
    "es-ES",
    "es-MX",
    "fi-FI",
    "fr-CA",
    "fr-FR",
    "hi-IN",
    "id-ID",
    "it-IT",
    "ja-JP",
    "ko-KR",
    "nb-NO",
    "nl-NL",
    "pl-PL",
    "pt-BR",
    "pt-PT",
    "ru-RU",
    "sv-SE",
    "tr-TR",
    "uk-UA",
    "vi-VN",
    "zh-Hans-CN",
    "zh-Hant-TW",
)
SAMPLE = datetime(2026, 12, 31, 17, 5, tzinfo=UTC)


def example(by: reader.Reader) -> str:
    """“31 Dec 2026 17:05 · 1,234.5”: how `by` reads."""
    with reader.reading(by):
        return f"{reader.written(SAMPLE)} · {reader.number(1234.5, 1)}"


def region_choices() -> list[tuple[str, str]]:
    named = [(code, Locale.parse(code, sep="-").get_display_name("en") or code) for code in REGIONS]
    return [
        (code, f"{name} — {example(reader.Reader(region=reader.region_of(code)))}")
        for code, name in sorted(named, key=lambda one: one[1])
    ]


class ProfileForm(_ModelForm):
    class Meta:
        model = User
        fields = ("first_name", "time_zone", "region", "mail_when_ready")

    def __init__(
        self, data: Mapping[str, object] | None = None, *, instance: User, said: reader.Reader
    ) -> None:
        super().__init__(data, instance=instance)
        name = self.fields["first_name"]
        self.fields["mail_when_ready"].label = _("Mail me when my videos are ready")
        name.label, name.help_text = _("Name"), _("As the people of your teams see it.")
        self.fields["time_zone"] = forms.ChoiceField(
            label=_("Time zone"),
            required=False,
            choices=[
                ("", _("As the browser says: %(zone)s") % {"zone": said.zone}),
                *((zone, zone.replace("_", " ")) for zone in time_zones.offered()),
            ],
        )
        self.fields["region"] = forms.ChoiceField(
            label=_("Dates and numbers"),
            required=False,
            choices=[
                ("", _("As the browser says: %(example)s") % {"example": example(said)}),
                *region_choices(),
            ],
        )


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = ProfileForm(
        request.POST if request.method == "POST" else None,
        instance=User.objects.get(pk=person.pk),
        said=said_by_browser(request),
    )
    if form.is_bound and form.is_valid():
        before = {name: getattr(person, name) for name in form.changed_data}
        if before:
            after = {name: form.cleaned_data[name] for name in before}
            with transaction.atomic():
                form.instance.save(update_fields=list(before))
                record(Event.PROFILE_CHANGED, by=person, person=person, before=before, after=after)
        messages.success(request, _("Saved."))
        return redirect("profile")
    return render(
        request,
        "studio/teams/profile.html",
        {"form": form},
        status=422 if form.is_bound else 200,
    )
