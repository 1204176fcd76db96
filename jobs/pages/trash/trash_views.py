"""The trash: what lies in it, back where it was, or erased at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from jobs.orders import trash
from studio.common.formats import filesize_mb, person
from studio.files.serving import serve
from studio.models import Asset, Deletion
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission

PAGE = 30
MOST = 200  # of one click


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in the trash."""

    deletion: Deletion
    what: str
    by: str
    thumb_url: str


@team_page(read=Permission.DELETE_OWN, write=Permission.DELETE_OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: TeamRequest) -> HttpResponse:
    """The newest first, a page at a time; ?older= than a public id. POST with `deletion`s and `do`:
    restore, or erase, which asks until `sure` comes along."""
    if request.method != "POST":
        return _list(request)
    chosen = _chosen(request, request.POST.getlist("deletion"))
    if not chosen:
        messages.info(request, _("Nothing was chosen. Tick something first."))
    elif request.POST.get("do") == "restore":
        _restore(request, chosen)
    elif request.POST.get("do") == "erase":
        if "sure" not in request.POST:
            context = {"nav": "library", "chosen": chosen, "size": _size(chosen)}
            return render(request, "jobs/trash/erase.html", context)
        _erase(request, chosen)
    return redirect("jobs:trash", request.team.slug)


@team_page(read=Permission.DELETE_OWN, write=Permission.DELETE_OWN)
@require_safe
def thumb(request: TeamRequest, deletion: str) -> HttpResponseBase:
    """The small picture of a thing, for who may restore it; kept by no browser."""
    found = _chosen(request, [deletion])
    face = _face(found[0]) if found else None
    if face is None:
        raise Http404("There is no picture here.")
    name = str(face.thumb.name)
    return serve(
        request,
        name,
        size=face.thumb.storage.size(name),
        mime="image/webp",
        etag=f"{face.sha256[:32]}-t",
        caching="private, no-store",
    )


def _list(request: TeamRequest) -> HttpResponse:
    rows = trash.seen_by(request.team, request.user, others=request.may.delete_others)
    older = request.GET.get("older", "")
    since = rows.filter(public_id=older).first() if older.isalnum() else None
    if since is not None:
        rows = rows.filter(pk__lt=since.pk)
    some = list(rows[: PAGE + 1])
    entries = _entries(request, some[:PAGE])
    here = reverse("jobs:trash", args=[request.team.slug])
    context = {
        "nav": "library",
        "entries": entries,
        "newer_url": here if since is not None else "",
        "older_url": f"{here}?older={some[PAGE - 1].public_id}" if len(some) > PAGE else "",
        "days": trash.DAYS,
    }
    return render(request, "jobs/trash/trash.html", context)


def _entries(request: TeamRequest, deletions: Sequence[Deletion]) -> list[Entry]:
    return [
        Entry(
            one,
            _what(one),
            person(one.by) if one.by else _("the site"),
            reverse("jobs:trash_thumb", args=[request.team.slug, one.public_id])
            if _face(one) is not None
            else "",
        )
        for one in deletions
    ]


def _face(deletion: Deletion) -> Asset | None:
    """The file whose small picture stands for it, while that lies in the trash with it."""
    face = deletion.face
    return face if face is not None and face.thumb and face.deletion_id == deletion.pk else None


def _what(deletion: Deletion) -> str:
    """“video: 1 video, 2 files, 12.4 MB”."""
    files = deletion.files - deletion.videos
    parts = [
        ngettext("%(n)s video", "%(n)s videos", deletion.videos) % {"n": deletion.videos}
        if deletion.videos
        else "",
        ngettext("%(n)s file", "%(n)s files", files) % {"n": files} if files > 0 else "",
        filesize_mb(deletion.size) if deletion.size else "",
    ]
    kind = deletion.get_kind_display()
    said = ", ".join(part for part in parts if part)
    return f"{kind}: {said}" if said else kind


def _chosen(request: TeamRequest, public_ids: Sequence[str]) -> list[Deletion]:
    wanted = [one for one in public_ids[:MOST] if one.isalnum()]
    rows = trash.seen_by(request.team, request.user, others=request.may.delete_others)
    return list(rows.filter(public_id__in=wanted))


def _size(deletions: Sequence[Deletion]) -> str:
    return filesize_mb(sum(one.size for one in deletions))


def _restore(request: TeamRequest, chosen: Sequence[Deletion]) -> None:
    back = trash.restore(chosen, request.user, others=request.may.delete_others)
    if len(back) == 1:
        messages.success(request, _("“%(name)s” is where it was.") % {"name": back[0].name})
    elif back:
        said = ngettext("%(n)s thing is where it was.", "%(n)s things are where they were.", 2)
        messages.success(request, said % {"n": len(back)})
    if left := len(chosen) - len(back):
        said = ngettext(
            "%(n)s thing is being erased already, so it cannot come back.",
            "%(n)s things are being erased already, so they cannot come back.",
            left,
        )
        messages.warning(request, said % {"n": left})


def _erase(request: TeamRequest, chosen: Sequence[Deletion]) -> None:
    gone = trash.erase_now(chosen, request.user, others=request.may.delete_others)
    said = ngettext(
        "%(n)s thing is being erased; its storage is free in a minute.",
        "%(n)s things are being erased; their storage is free in a minute.",
        len(gone),
    )
    messages.success(request, said % {"n": len(gone)})
