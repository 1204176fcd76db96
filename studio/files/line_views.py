"""Where the files that a person sent stand in line, for the page they were sent from."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from studio.files.file_store import person_key
from studio.media import decoders
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission


@team_page(read=Permission.MAKE)
@require_safe
def line(request: TeamRequest) -> HttpResponse:
    """{"files": [[name, words]]}: what of the person's arrived and is not read yet, in order;
    words are "" for what is being read or is next."""
    places = decoders.places(person_key(request.user))
    response = JsonResponse({"files": [[name, _words(ahead)] for name, ahead in places]})
    response["Cache-Control"] = "no-store"
    return response


def _words(ahead: int) -> str:
    if not ahead:
        return ""
    said = ngettext("In line: %(n)s file goes first", "In line: %(n)s files go first", ahead)
    return said % {"n": ahead}
