"""What goes into the trash for its age, and what is kept for good."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from jobs.orders import retention, trash
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission
from studio.teams.return_address import address_back

SHOWN = 100  # jobs, and as many files, of the page
MOST = 200  # things of one click


@team_page(read=Permission.DELETE_OWN, write=Permission.DELETE_OWN)
@require_safe
def going(request: TeamRequest) -> HttpResponse:
    """What was announced, the first to go first."""
    jobs = retention.going_jobs(request.team).select_related("owner", "result")
    files = retention.going_files(request.team).select_related("owner")
    some_jobs, some_files = list(jobs[: SHOWN + 1]), list(files[: SHOWN + 1])
    context = {
        "nav": "library",
        "jobs": some_jobs[:SHOWN],
        "files": some_files[:SHOWN],
        "more": len(some_jobs) > SHOWN or len(some_files) > SHOWN,
        "keep_days": request.team.keep_days,
        "days": trash.DAYS,
    }
    return render(request, "jobs/trash/going.html", context)


@team_page(read=Permission.DELETE_OWN, write=Permission.DELETE_OWN)
@require_POST
def keep(request: TeamRequest) -> HttpResponse:
    """The jobs `job` and the files `asset` of the form stay; with `let_go` they go when they are
    old."""
    wanted = [one for one in request.POST.getlist("job")[:MOST] if one.isalnum()]
    jobs = list(request.team.jobs.filter(public_id__in=wanted).order_by("pk"))
    wanted = [one for one in request.POST.getlist("asset")[:MOST] if one.isalnum()]
    files = list(request.team.assets.filter(public_id__in=wanted).order_by("pk"))
    stays = "let_go" not in request.POST
    back = address_back(request, reverse("jobs:going", args=[request.team.slug]))
    if not jobs and not files:
        messages.info(request, _("Nothing was chosen. Tick what is to stay first."))
        return redirect(back)
    number = retention.pin(request.team, jobs, files, request.user, stays=stays)
    if not number:
        messages.info(request, _("Nothing has changed."))
    elif stays:
        said = ngettext("%(n)s thing stays.", "%(n)s things stay.", number)
        messages.success(request, said % {"n": number})
    else:
        said = ngettext(
            "%(n)s thing goes when it is too old, after a warning.",
            "%(n)s things go when they are too old, after a warning.",
            number,
        )
        messages.success(request, said % {"n": number})
    return redirect(back)
