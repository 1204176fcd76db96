"""The files that are ticked in a form of the library."""

from __future__ import annotations

from django.contrib import messages
from django.utils.translation import gettext as _

from studio.models import Asset
from studio.teams.access import TeamRequest

MOST = 200  # files of one click


def ticked(request: TeamRequest) -> list[Asset]:
    """The team's files among the fields `asset`; [] with a sentence for the person when there are
    none, or more than MOST."""
    names = [name for name in request.POST.getlist("asset") if name.isalnum()]
    if len(names) > MOST:
        sentence = _("%(n)s files are ticked, and at most %(most)s are taken at once. Tick fewer.")
        messages.error(request, sentence % {"n": len(names), "most": MOST})
        return []
    found = list(request.team.assets.filter(public_id__in=names))
    if not found:
        messages.info(request, _("Nothing was chosen. Tick the files first."))
    return found
