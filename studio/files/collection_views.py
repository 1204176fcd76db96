"""The doors of collections; a collection itself is the library with a filter."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from studio.common.translatable import translated
from studio.files import collections
from studio.files.ticked import ticked
from studio.models import Asset, Collection
from studio.teams.access import TeamRequest, team_page
from studio.teams.return_address import redirect_back


@team_page()
@require_POST
def new(request: TeamRequest) -> HttpResponse:
    """One called `name`, for everybody with `whole_team`; on to it."""
    try:
        made = collections.make(
            request.membership,
            request.POST.get("name", ""),
            whole_team=bool(request.POST.get("whole_team")),
        )
    except collections.CollectionRefused as refused:
        messages.error(request, translated(refused.sentence))
        return redirect_back(request, _library(request))
    messages.success(
        request,
        _("“%(name)s” is empty. Select files of the library, and put them into it.")
        % {"name": made.name},
    )
    return redirect(_library(request, made))


@team_page()
@require_POST
def change(request: TeamRequest, collection: str) -> HttpResponse:
    """`do`: "rename" with a `name`, "show" to the team, "hide" from it, or "delete"."""
    found = _seen(request, collection)
    if not collections.may_change(found, request.membership):
        raise PermissionDenied(_("Only whoever made a collection, or an admin, can change it."))
    does = request.POST.get("do", "")
    if does == "delete":
        collections.delete(found, request.membership)
        words = _("The collection “%(name)s” is deleted; its files are in the library.")
        messages.success(request, words % {"name": found.name})
        return redirect(_library(request))
    try:
        if does in ("show", "hide"):
            collections.show(found, request.membership, whole_team=does == "show")
        else:
            collections.rename(found, request.membership, request.POST.get("name", ""))
    except collections.CollectionRefused as refused:
        messages.error(request, translated(refused.sentence))
    still = collections.seen_by(request.team, request.user.pk).filter(pk=found.pk).exists()
    return redirect(_library(request, found if still else None))


@team_page()
@require_POST
def fill(request: TeamRequest) -> HttpResponse:
    """Put the files `asset` into `collection`, or with `take` take them out of that one."""
    takes = request.POST.get("take", "")
    if not takes and not request.POST.get("collection"):
        messages.info(request, _("No collection was chosen. Make one, or choose one first."))
        return redirect_back(request, _library(request))
    found = _seen(request, takes or request.POST["collection"])
    if files := ticked(request):
        does = _take if takes else _put
        try:
            does(request, found, files)
        except collections.CollectionRefused as refused:
            messages.error(request, translated(refused.sentence))
    return redirect_back(request, _library(request))


def _put(request: TeamRequest, collection: Collection, files: list[Asset]) -> None:
    number = collections.put(collection, files)
    words = ngettext(
        "%(n)s file is new in “%(name)s”.", "%(n)s files are new in “%(name)s”.", number
    )
    messages.success(request, words % {"n": number, "name": collection.name})


def _take(request: TeamRequest, collection: Collection, files: list[Asset]) -> None:
    number = collections.take(collection, files)
    words = ngettext(
        "%(n)s file is taken out of “%(name)s”, and still in the library.",
        "%(n)s files are taken out of “%(name)s”, and still in the library.",
        number,
    )
    messages.success(request, words % {"n": number, "name": collection.name})


def _seen(request: TeamRequest, public_id: str) -> Collection:
    """404 for one of somebody else's own, as for one that is not there."""
    seen = collections.seen_by(request.team, request.user.pk)
    found = seen.filter(public_id=public_id).first() if public_id.isalnum() else None
    if found is None:
        raise Http404("There is no such collection.")
    return found


def _library(request: TeamRequest, collection: Collection | None = None) -> str:
    query = {"collection": collection.public_id} if collection is not None else None
    return reverse("library", args=[request.team.slug], query=query)
