"""The template library: the team's dance templates as loops with their uses and cost, and each
one's own page with its dances."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from jobs.common.states import Group
from jobs.models import Template
from jobs.pages.board.job_list import row_of, rows_of
from jobs.pages.template_cards import template_cards
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.search import words_in
from studio.teams.access import TeamRequest, team_page
from studio.teams.return_address import redirect_back

PAGE = 24
DANCES = 30  # shown on a template's page


class Filter(forms.Form):
    """What the address says. Nonsense in it shows everything instead of an error."""

    account = forms.CharField(required=False)
    q = forms.CharField(required=False)
    older = forms.CharField(required=False)

    def clean_q(self) -> str:
        return str(self.cleaned_data["q"])[:100].strip()


class NameForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        error_messages={
            "required": gettext_lazy("Give it a name."),
            "max_length": gettext_lazy("A name has at most 200 letters."),
        },
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


@team_page()
@require_safe
def templates(request: TeamRequest) -> HttpResponse:
    """Cards, newest first, a page at a time; ?account= a public id, ?q= a part of the name, ?older=
    than a template's public id."""
    form = Filter(request.GET)
    form.is_valid()
    q = form.cleaned_data.get("q", "")
    account = (
        request.team.accounts(manager="present")
        .filter(public_id=form.cleaned_data.get("account", ""))
        .first()
    )
    found = _templates(request)
    whole = found.exists()
    if account is not None:
        found = found.filter(account=account)
    if q:
        found = found.filter(words_in("name", q))
    older = _templates(request).filter(public_id=form.cleaned_data.get("older", "")).first()
    rows = list(
        (found.filter(pk__lt=older.pk) if older is not None else found).order_by("-pk")[: PAGE + 1]
    )
    query = {
        name: value
        for name, value in (("account", account.public_id if account else ""), ("q", q))
        if value
    }
    here = reverse("jobs:templates", args=[request.team.slug], query=query)
    more = {**query, "older": rows[PAGE - 1].public_id} if len(rows) > PAGE else None
    context = {
        "nav": "library",
        "entries": template_cards(request.team, rows[:PAGE], request.user),
        "accounts": list(
            request.team.accounts(manager="present").filter(templates__isnull=False).distinct()
        ),
        "account": account,
        "q": q,
        "whole": whole,
        "newer_url": here if older is not None else "",
        "older_url": reverse("jobs:templates", args=[request.team.slug], query=more)
        if more
        else "",
        "here": request.get_full_path(),
    }
    return render(request, "jobs/board/templates.html", context)


@team_page()
@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: TeamRequest, template: str) -> HttpResponse:
    """A template with its dances. POST gives it the name `name` and goes on to `next`."""
    found = _templates(request).filter(public_id=template).first()
    if found is None:
        raise Http404("There is no such template.")
    form = NameForm(
        request.POST if request.method == "POST" else None, initial={"name": found.name}
    )
    if request.method == "POST" and form.is_valid():
        was, found.name = found.name, form.cleaned_data["name"]
        with transaction.atomic():
            found.save(update_fields=["name"])
            record(
                Event.TEMPLATE_RENAMED,
                team=request.team,
                about=found.name,
                before={"name": was},
                after={"name": found.name},
            )
        messages.success(request, _("It is called “%(name)s” now.") % {"name": found.name})
        here = reverse("jobs:template_detail", args=[request.team.slug, found.public_id])
        return redirect_back(request, here)
    return render(
        request,
        "jobs/board/template_detail.html",
        _context(request, found, form),
        status=422 if form.errors else 200,
    )


def _context(request: TeamRequest, found: Template, form: NameForm) -> dict[str, Any]:
    jobs = request.team.jobs.filter(template=found).exclude(group=Group.DELETED)
    dances = list(rows_of(jobs.exclude(model=found.model)).order_by("-id")[: DANCES + 1])
    return {
        "nav": "library",
        "entry": template_cards(request.team, [found], request.user)[0],
        "form": form,
        "made_by": jobs.filter(model=found.model).select_related("owner").order_by("-id").first(),
        "dances": [row_of(job, request.team) for job in dances[:DANCES]],
        "more": len(dances) > DANCES,
    }


def _templates(request: TeamRequest) -> QuerySet[Template]:
    return request.team.templates.select_related("account", "asset")
