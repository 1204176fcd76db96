"""A video of the library whose pictures end before its sound: its last one is held until then, in a
new video beside it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from studio.common.translatable import translated
from studio.files import edit_queue
from studio.media import MediaError
from studio.media.edits import held_seconds
from studio.models import Asset, Edit
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission

RECIPE: edit_queue.Recipe = {"do": "film", "hold": True}


@team_page(write=Permission.MAKE)
@require_POST
def hold(request: TeamRequest, asset: str) -> HttpResponse:
    """Asks for the new video, once; back to the page of the file, which says what becomes of it."""
    found = request.team.assets.filter(public_id=asset).first()
    if found is None:
        raise Http404("No such file.")
    if not held_seconds(found.facts):
        messages.info(request, _("The pictures of this video last as long as its sound already."))
        return redirect(found)
    try:
        edit_queue.ask(found, RECIPE, request.user)
    except MediaError as error:
        messages.error(request, translated(error.sentence))
    return redirect(found)


def held(asset: Asset) -> Edit | None:
    """The edit that holds the last picture of `asset`, under way or failed; None when nobody asked
    for it, or its video is there."""
    known = asset.edits.filter(word=edit_queue.recipe_hash(RECIPE))
    return known.exclude(state=Edit.State.DONE).first()
