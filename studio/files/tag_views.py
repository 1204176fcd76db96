"""Tags of one file, and of several that are ticked in the library."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from studio.common.translatable import translated
from studio.files import tags
from studio.files.ticked import ticked
from studio.models import Asset
from studio.teams.access import TeamRequest, team_page
from studio.teams.return_address import redirect_back


@team_page()
@require_POST
def one(request: TeamRequest, asset: str) -> HttpResponse:
    """Give the file the tag `tag`, or, with `take`, take the one with this id from it."""
    found = request.team.assets.filter(public_id=asset).first() if asset.isalnum() else None
    if found is None:
        raise Http404("No such file.")
    if gone := request.POST.get("take", ""):
        tag = tags.take(request.team, found, gone) if gone.isalnum() else None
        if tag is None:
            messages.info(request, _("The file has this tag no more."))
    else:
        try:
            tags.give(request.team, [found], request.POST.get("tag", ""))
        except tags.TagRefused as refused:
            messages.error(request, translated(refused.sentence))
    return redirect(f"{found.get_absolute_url()}#tags")


@team_page()
@require_POST
def several(request: TeamRequest) -> HttpResponse:
    """Give the files `asset` of the form the tag `tag`, or, with `do` "take", take it from them."""
    if found := ticked(request):
        does = _take if request.POST.get("do") == "take" else _give
        try:
            does(request, found, request.POST.get("tag", ""))
        except tags.TagRefused as refused:
            messages.error(request, translated(refused.sentence))
    return redirect_back(request, reverse("library", args=[request.team.slug]))


def _give(request: TeamRequest, files: list[Asset], text: str) -> None:
    tag, number = tags.give(request.team, files, text)
    words = ngettext(
        "%(n)s file has the tag “%(tag)s” now.", "%(n)s files have the tag “%(tag)s” now.", number
    )
    messages.success(request, words % {"n": number, "tag": tag.name})


def _take(request: TeamRequest, files: list[Asset], text: str) -> None:
    tag, number = tags.take_from(request.team, files, text)
    if tag is None or not number:
        words = _("None of the files has the tag “%(tag)s”.")
        messages.info(request, words % {"tag": tag.name if tag is not None else tags.clean(text)})
        return
    words = ngettext(
        "%(n)s file has the tag “%(tag)s” no more.",
        "%(n)s files have the tag “%(tag)s” no more.",
        number,
    )
    messages.success(request, words % {"n": number, "tag": tag.name})
