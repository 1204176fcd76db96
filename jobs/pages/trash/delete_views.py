"""Deleting: each asks first, and says what goes, what stays and what is in the way."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from jobs.common.states import Group
from jobs.models import Job
from jobs.orders import trash
from jobs.orders.deletion_plan import Target
from jobs.pages.trash import consequences
from studio.common.translatable import translated
from studio.models import Asset
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission
from studio.teams.return_address import address_back

MOST = 200  # things of one click
SHOWN = 20  # names on the page that asks


@team_page(read=Permission.DELETE_OWN, write=Permission.DELETE_OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def job(request: TeamRequest, job: str) -> HttpResponse:
    """A job with its video; `files`: with what it was made from, as far as nothing else uses it."""
    found = _jobs(request, [job])
    if not found:
        raise Http404("There is no such job.")
    sure = request.method == "POST"
    return _ask_or_delete(request, found, [], back=found[0].get_absolute_url(), sure=sure)


@team_page(read=Permission.DELETE_OWN, write=Permission.DELETE_OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def file(request: TeamRequest, asset: str) -> HttpResponse:
    """A file; `whole`: with everything that was made of it."""
    found = _assets(request, [asset])
    if not found:
        raise Http404("No such file.")
    sure = request.method == "POST"
    return _ask_or_delete(request, [], found, back=found[0].get_absolute_url(), sure=sure)


@team_page(read=Permission.DELETE_OWN, write=Permission.DELETE_OWN)
@require_POST
def several(request: TeamRequest) -> HttpResponse:
    """The jobs `job` and the files `asset` of the form, each by itself. Without `sure` the page
    that asks."""
    jobs = _jobs(request, request.POST.getlist("job"))
    assets = _assets(request, request.POST.getlist("asset"))
    back = address_back(request, reverse("library", args=[request.team.slug]))
    if not jobs and not assets:
        messages.info(request, _("Nothing was chosen. Tick what is to be deleted first."))
        return redirect(back)
    return _ask_or_delete(request, jobs, assets, back=back, sure="sure" in request.POST)


def _ask_or_delete(
    request: TeamRequest, jobs: Sequence[Job], assets: Sequence[Asset], *, back: str, sure: bool
) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    files, whole = "files" in given, "whole" in given
    targets = [Target(request.team, job=one, files=files) for one in jobs]
    targets += [Target(request.team, asset=one, whole=whole) for one in assets]
    others = request.may.delete_others
    if sure:
        done = trash.delete(targets, request.user, others=others)
        _say(request, done)
        if done.deletions or not done.refused:
            return redirect("jobs:trash", request.team.slug)
    found = consequences.of(targets, request.user, others=others)
    context = {
        "nav": "jobs" if jobs else "library",
        "one": targets[0] if len(targets) == 1 else None,
        "names": [target.name for target in targets[:SHOWN]],
        "more": max(0, len(targets) - SHOWN),
        "jobs": jobs,
        "assets": assets,
        "found": found,
        "files": files,
        "whole": whole,
        "asks_whole": bool(assets),
        "asks_files": bool(jobs),
        "back": back,
        "days": trash.DAYS,
    }
    return render(request, "jobs/trash/delete.html", context, status=409 if sure else 200)


def _say(request: TeamRequest, done: trash.Deleted) -> None:
    if done.deletions:
        number = len(done.deletions)
        words = (
            _("“%(name)s” is in the trash. It can be restored for %(days)s days.")
            if number == 1
            else ngettext(
                "%(n)s thing is in the trash. It can be restored for %(days)s days.",
                "%(n)s things are in the trash. They can be restored for %(days)s days.",
                number,
            )
        )
        values = {"n": number, "name": done.deletions[0].name, "days": trash.DAYS}
        messages.success(request, words % values)
    if done.deletions:
        for _name, sentence in done.refused[:3]:
            messages.warning(request, translated(sentence))
    if not done.deletions and not done.refused:
        messages.info(request, _("It was deleted already."))


def _jobs(request: TeamRequest, public_ids: Sequence[str]) -> list[Job]:
    wanted = [one for one in public_ids[:MOST] if one.isalnum()]
    rows = request.team.jobs.filter(public_id__in=wanted).exclude(group=Group.DELETED)
    return list(rows.select_related("team", "owner").order_by("-pk"))


def _assets(request: TeamRequest, public_ids: Sequence[str]) -> list[Asset]:
    wanted = [one for one in public_ids[:MOST] if one.isalnum()]
    rows = request.team.assets.filter(public_id__in=wanted)
    return list(rows.select_related("team", "owner").order_by("-pk"))
