"""The trail of a team: who changed what, newest first, with filters and as a CSV file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date
from urllib.parse import urlencode

from django import forms
from django.db import transaction
from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studio.audit import reading, words
from studio.audit.events import Event, Kind
from studio.audit.trail import record
from studio.common.csv_files import csv_response, lines_of, text_cell
from studio.models import AuditEntry
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission

PAGE = 50
AT_ONCE = 500  # entries of the file that are asked for together
COLUMNS = (
    "entry",
    "time (UTC)",
    "kind",
    "event",
    "what happened",
    "who",
    "whom",
    "about",
    "changes",
    "way",
    "command or token",
    "address",
    "sign-in",
)


class AuditFilter(forms.Form):
    """What the address says. Nonsense in it shows everything instead of an error."""

    person = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    kind = forms.ChoiceField(required=False, choices=[("", _("Everything")), *Kind.choices])
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)
    before = forms.IntegerField(required=False, min_value=1, max_value=2**62)

    def wanted(self, time_zone: str) -> reading.Wanted:
        """Its days are those of `time_zone`."""
        self.is_valid()
        given = self.cleaned_data
        return reading.Wanted(
            given.get("person"),
            given.get("kind", ""),
            given.get("since"),
            given.get("until"),
            time_zone,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as the page shows it."""

    entry: AuditEntry
    sentence: str
    changes: list[words.Change]
    way: str


@team_page(read=Permission.SEE_AUDIT, write=Permission.SEE_AUDIT)
@never_cache
@require_safe
def audit(request: TeamRequest) -> HttpResponseBase:
    """The newest PAGE entries, older ones with ?before= the id of an entry; with ?format=csv all of
    them as a file."""
    form = AuditFilter(request.GET)
    wanted = form.wanted(request.team.time_zone)
    entries = request.team.audit.all()
    if request.GET.get("format") == "csv":
        with transaction.atomic():
            record(Event.TRAIL_DOWNLOADED, team=request.team, after=_told(wanted))
        portions = (
            [_row(one) for one in some] for some in reading.portions(entries, wanted, AT_ONCE)
        )
        return csv_response(lines_of(COLUMNS, portions), f"footlight-{request.team.slug}-audit.csv")
    zone = request.team.time_zone
    before = entries.filter(pk=form.cleaned_data.get("before") or 0).first()
    found = reading.page(entries, wanted, PAGE + 1, before)
    query = _query(wanted)
    context = {
        "nav": "team",
        "wanted": wanted,
        "lines": [
            Line(one, words.sentence(one), words.changes(one, zone), words.way(one))
            for one in found[:PAGE]
        ],
        "kinds": Kind.choices,
        "people": _people(request, wanted),
        "narrowed": bool(query),
        "csv_url": f"?{urlencode({**query, 'format': 'csv'})}",
        "newer_url": f"?{urlencode(query)}" if before is not None else "",
        "older_url": f"?{urlencode({**query, 'before': found[PAGE - 1].pk})}"
        if len(found) > PAGE
        else "",
    }
    return render(request, "studio/teams/audit.html", context)


def _people(request: TeamRequest, wanted: reading.Wanted) -> list[tuple[int, str]]:
    """Who is in the team now, and who is asked for."""
    members = request.team.memberships.select_related("user").order_by("id")
    found = {member.user_id: member.user.short_name for member in members}
    if wanted.person is not None and wanted.person not in found:
        found[wanted.person] = _name_then(request, wanted.person)
    return list(found.items())


def _name_then(request: TeamRequest, person: int) -> str:
    """What somebody who is no longer in the team is called in its trail."""
    one = reading.page(request.team.audit.all(), reading.Wanted(person), 1)
    if not one:
        return f"#{person}"
    return words.shown_name(one[0].by_name if one[0].by_id == person else one[0].person_name)


def _query(wanted: reading.Wanted) -> dict[str, str]:
    told = {
        "person": wanted.person,
        "kind": wanted.kind,
        "since": wanted.since,
        "until": wanted.until,
    }
    return {name: str(value) for name, value in told.items() if value}


def _told(wanted: reading.Wanted) -> dict[str, int | str | date | None]:
    """What the trail says of which entries were downloaded; whose ones by their id."""
    return {"of": wanted.person, "kind": wanted.kind, "since": wanted.since, "until": wanted.until}


def _row(entry: AuditEntry) -> list[str]:
    return [
        str(entry.pk),
        entry.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        text_cell(entry.kind),
        text_cell(entry.event),
        text_cell(words.sentence(entry)),
        text_cell(words.who(entry)),
        text_cell(words.shown_name(entry.person_name)),
        text_cell(entry.about),
        text_cell("; ".join(words.change_text(change) for change in words.changes(entry))),
        text_cell(entry.via),
        text_cell(entry.through),
        text_cell(entry.address),
        text_cell(entry.sign_in),
    ]
