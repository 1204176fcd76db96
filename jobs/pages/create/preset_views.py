"""Presets: keep the choices of a draft or of a video under a name, and let one go."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from jobs.common.errors import Refused
from jobs.common.states import Group
from jobs.pages.create import presets
from jobs.pages.create.confirmation import Confirmation
from jobs.pages.create.views import draft_of, page_of, shown_again
from studio.common.translatable import translated
from studio.teams.access import TeamRequest, takes_files, team_page


@takes_files
@team_page()
@require_POST
def save(request: TeamRequest) -> HttpResponse:
    """Keep the choices of the draft in the form, or of `job`, as `preset_name`; back to where they
    came from."""
    name = request.POST.get("preset_name", "")
    if request.POST.get("job"):
        return _save_of_job(request, name)
    page = page_of(request)
    draft = draft_of(request, page)
    errors: list[str] = []
    confirmation = None
    try:
        made = presets.keep(request.team, request.user, draft.spec, draft.chosen, name)
        confirmation = Confirmation(_saved(made.name), "", "")
    except Refused as refused:
        errors = [translated(sentence) for sentence in refused.sentences]
    return shown_again(request, draft, page, errors, confirmation)


def _save_of_job(request: TeamRequest, name: str) -> HttpResponse:
    job = (
        request.team.jobs.select_related("team", "set__team")
        .filter(public_id=request.POST["job"].replace("\x00", ""))
        .exclude(group=Group.DELETED)
        .first()
    )
    if job is None or job.adopted:
        raise Http404("There is no such job.")
    try:
        made = presets.keep(request.team, request.user, job.spec, job.parameters, name)
        messages.success(request, _saved(made.name))
    except Refused as refused:
        for sentence in refused.sentences:
            messages.error(request, translated(sentence))
    return redirect(job.set or job)


@takes_files
@team_page()
@require_POST
def delete(request: TeamRequest, preset: str) -> HttpResponse:
    """Let a preset go; videos that were made with it stay as they are. Its maker and admins may."""
    found = request.team.presets.filter(public_id=preset).first()
    if found is None:
        raise Http404("There is no such preset.")
    if not presets.may_delete(found, request.membership):
        raise PermissionDenied(_("Only whoever made a preset, or an admin, can delete it."))
    confirmation = Confirmation(_("The preset “%(name)s” is gone.") % {"name": found.name}, "", "")
    presets.delete(found, request.user)
    page = page_of(request)
    return shown_again(request, draft_of(request, page), page, confirmation=confirmation)


def _saved(name: str) -> str:
    return _("Kept as the preset “%(name)s”.") % {"name": name}
