"""A file gets another name."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from studio.audit.events import Event
from studio.audit.trail import record
from studio.files.names import clean_name
from studio.teams.access import TeamRequest, team_page


@team_page()
@require_POST
def rename(request: TeamRequest, asset: str) -> HttpResponse:
    """The name of the field `name`, with the file's own ending; an empty one changes nothing."""
    found = request.team.assets.filter(public_id=asset).first() if asset.isalnum() else None
    if found is None:
        raise Http404("No such file.")
    given = request.POST.get("name", "").strip()
    name = clean_name(given, found.extension) if given else found.name
    if name == found.name:
        messages.info(request, _("Its name has not changed."))
        return redirect(found)
    was, found.name = found.name, name
    with transaction.atomic():
        found.save(update_fields=["name"])
        record(
            Event.FILE_RENAMED,
            team=request.team,
            person=found.owner,
            about=name,
            before={"name": was},
            after={"name": name},
        )
    messages.success(request, _("It is called “%(name)s” now.") % {"name": name})
    return redirect(found)
