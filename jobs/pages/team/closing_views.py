"""Deleting the team, and reopening it: for its owners."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from jobs.common.errors import Refused
from jobs.orders import team_closing
from jobs.pages.team import closing_words
from studio.common.translatable import translated
from studio.models import Team
from studio.teams import closed_team
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission
from studio.teams.step_up import confirm_first


class DeleteForm(forms.Form):
    """The name of `team`, typed, so that nobody deletes another one than they mean."""

    name = forms.CharField(
        label=gettext_lazy("Name of the team"),
        max_length=200,
        error_messages={"required": gettext_lazy("Type the name of the team.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Mapping[str, object] | None = None, *, team: Team) -> None:
        super().__init__(data)
        self.team = team

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if name.casefold() != " ".join(self.team.name.split()).casefold():
            raise forms.ValidationError(
                _("This is not its name. Type “%(name)s”; nothing was deleted.")
                % {"name": self.team.name}
            )
        return name


@team_page(read=Permission.DELETE_TEAM, write=Permission.DELETE_TEAM)
@never_cache
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: TeamRequest) -> HttpResponse:
    """Says what happens to everything; closes the team when its name is typed. Of a closed team:
    when it is erased, and the button that reopens it."""
    posted = request.POST if request.method == "POST" else None
    if posted is not None and posted.get("do") == "reopen":
        return _reopen(request)
    closed = request.team.is_closed
    form = DeleteForm(None if closed else posted, team=request.team)
    if form.is_valid():
        try:
            team = team_closing.close(request.team, request.user)
        except Refused as refused:
            form.add_error(None, " ".join(map(translated, refused.sentences)))
        else:
            said = _("%(team)s is closed. It can be reopened for %(days)s days.")
            messages.success(request, said % {"team": team.name, "days": team_closing.DAYS})
            return redirect("team_delete", team.slug)
    context = {
        "nav": "team",
        "form": form,
        "days": closed_team.days_left(request.team) if closed else team_closing.DAYS,
        "found": closing_words.about(request.team),
    }
    status = 200 if posted is None or closed else 422
    return render(request, "jobs/team/delete.html", context, status=status)


def _reopen(request: TeamRequest) -> HttpResponse:
    try:
        team = team_closing.reopen(request.team, request.user)
    except Refused as refused:
        messages.error(request, " ".join(map(translated, refused.sentences)))
        return redirect("team_delete", request.team.slug)
    messages.success(
        request,
        _("%(team)s is open again. What was canceled when it closed stays canceled.")
        % {"team": team.name},
    )
    return redirect("jobs:board", team.slug)
