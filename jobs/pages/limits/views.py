"""The limits of a team: everybody sees the team's, creators their own, and who may see all spending
those of everybody."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs.billing import budget, limit_words, limits
from jobs.billing.limits import Setting, Whose
from jobs.pages.limits.forms import ApprovalForm, LimitForm
from jobs.pages.limits.limit_rows import team_limits
from studio.common import formats
from studio.models import Membership
from studio.teams.access import TeamRequest, team_page
from studio.teams.forms import FairShareForm
from studio.teams.permissions import Permission
from studio.teams.step_up import confirm_first


@team_page(write=Permission.SET_LIMITS)
@require_safe
def page(request: TeamRequest) -> HttpResponse:
    return _page(request, FairShareForm(team=request.team))


def _page(request: TeamRequest, turns: FairShareForm, status: int = 200) -> HttpResponse:
    team, may = request.team, request.may
    members = team.memberships.select_related("user").order_by("id")
    if not may.see_spend:
        members = members.filter(user=request.user) if may.make else members.none()
    context = {
        "nav": "team",
        "limits": team_limits(team, members),
        "whole": may.see_spend,
        "holders": limit_words.holders(team),
        "turns": turns,
    }
    return render(request, "jobs/limits/limits.html", context, status=status)


@team_page(read=Permission.SHARE_TURNS, write=Permission.SHARE_TURNS)
@require_POST
def turns(request: TeamRequest) -> HttpResponse:
    """How many jobs a person may have waiting, and how often each one's take their turn."""
    form = FairShareForm(request.POST, team=request.team)
    if not form.is_valid():
        return _page(request, form, status=422)
    if form.save():
        messages.success(request, _("Saved. It counts from the next job that is sent."))
    else:
        messages.info(request, _("Nothing has changed."))
    return redirect("team_limits", request.team.slug)


@team_page(read=Permission.SET_LIMITS, write=Permission.SET_LIMITS)
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def limit(request: TeamRequest, whose: str) -> HttpResponse:
    """The limits of the team ("team"), of each person ("each") or of one, by the number of their
    membership."""
    team = request.team
    member = _member(request, whose)
    of = Whose(member.user if member is not None else None, whose == "each")
    form = LimitForm(
        request.POST if request.method == "POST" else None,
        before=limits.settings_of(team, of),
        currency=team.currency,
        nothing_means=_meanings(request, member, of),
    )
    if form.is_bound and form.is_valid():
        if limits.set_limits(team, of, form.wanted(), request.user):
            messages.success(request, _("Saved. It counts from the next click."))
        else:
            messages.info(request, _("Nothing has changed."))
        return redirect("team_limits", team.slug)
    context = {"nav": "team", "form": form, "whose": whose, "member": member}
    return render(request, "jobs/limits/limit.html", context, status=422 if form.is_bound else 200)


@team_page(read=Permission.SET_LIMITS, write=Permission.SET_LIMITS)
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def approval_limit(request: TeamRequest) -> HttpResponse:
    """Above which amount a click needs approval."""
    team = request.team
    form = ApprovalForm(
        request.POST if request.method == "POST" else None,
        micros=team.approval_micros,
        currency=team.currency,
    )
    if form.is_bound and form.is_valid():
        if limits.set_approval(team, form.wanted(), request.user):
            messages.success(request, _("Saved. It counts from the next click."))
        else:
            messages.info(request, _("Nothing has changed."))
        return redirect("team_limits", team.slug)
    context = {"nav": "team", "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "jobs/limits/approval_limit.html", context, status=status)


def _member(request: TeamRequest, whose: str) -> Membership | None:
    if whose in ("team", "each"):
        return None
    if not (whose.isdecimal() and whose.isascii() and len(whose) < 19):
        raise Http404("There is no such limit.")
    members = request.team.memberships.select_related("user")
    member = members.filter(pk=int(whose)).first()
    if member is None:
        raise Http404("There is no such limit.")
    return member


def _meanings(request: TeamRequest, member: Membership | None, of: Whose) -> dict[str, str]:
    """What counts when nothing is set, by period."""
    if member is None:
        means = _("each person may use the team’s limit") if of.of_each else _("nothing stops it")
        return {budget.DAY: means, budget.MONTH: means}
    each = limits.settings_of(request.team, Whose(of_each=True))
    return {
        period: _("as each person, %(what)s") % {"what": _words(request, each[period])}
        for period in (budget.DAY, budget.MONTH)
    }


def _words(request: TeamRequest, setting: Setting) -> str:
    if not setting.is_set:
        return _("where nothing is set")
    if setting.micros is None:
        return _("no limit")
    return _("at most %(sum)s") % {
        "sum": formats.money_of(setting.micros, request.team.currency, 2)
    }
