"""“Try it without a key”: one click to a talking portrait of sample files that lacks only the check
of its picture."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

import jobs
from jobs.accounts import trying
from jobs.accounts.endpoints import KeyRefused
from jobs.orders import consent
from studio.common.translatable import translated
from studio.files import file_store
from studio.models import Asset
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission

SAMPLES = Path(jobs.__path__[0]) / "samples"
# The fields of the page, and the file that each begins with; nobody real is in them.
FILES = {"image_url": "portrait.jpg", "audio_url": "speech.mp3"}


@team_page(read=Permission.ADD_CONNECTIONS, write=Permission.ADD_CONNECTIONS)
@require_POST
def try_it(request: TeamRequest) -> HttpResponse:
    """404 on a site whose videos are not simulated, and for a team that has a connection."""
    if not trying.offered(request.team):
        raise Http404("Nothing is to be tried here.")
    try:
        trying.connect(request.team, request.user)
    except KeyRefused as refused:
        messages.error(request, translated(refused.sentence))
        return redirect("jobs:account_new", request.team.slug)
    draft = {"title": _("My first video")}
    for field, name in FILES.items():
        draft[field] = _sample(request, name).public_id
    page = reverse("jobs:portrait", args=[request.team.slug])
    return redirect(f"{page}?{urlencode(draft)}")


def _sample(request: TeamRequest, name: str) -> Asset:
    kept, _new = file_store.keep(SAMPLES / name, team=request.team, owner=request.user, name=name)
    words = _("A sample file of Footlight: drawn and spoken by machine, nobody real is in it.")
    consent.give_all([kept], request.user, words)
    return kept
