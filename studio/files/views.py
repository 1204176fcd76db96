"""The library: list, one file, upload without a script, and the files themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.capped_count import CappedCount, is_capped, many
from studio.common.formats import filesize_mb, person, seconds
from studio.common.search import words_in
from studio.common.translatable import translated
from studio.files import links
from studio.files.file_store import every_asset, keep_upload, users_of
from studio.files.forms import LibraryFilter
from studio.files.hold_views import held
from studio.files.library_filters import Narrowed, known_tags
from studio.files.serving import PIECE, serve
from studio.files.uploads import too_large
from studio.media import MediaError
from studio.media.edits import held_seconds
from studio.models import Asset, Team
from studio.teams import quotas
from studio.teams.access import TeamRequest, public, takes_files, team_page
from studio.teams.return_address import redirect_back

PAGE = 24
DOWNLOADED_AGAIN = 600  # seconds
YEAR = 365 * 24 * 3600
Fit = tuple[str, str, str]  # words, fit ("yes", "no", "maybe"), reason


# ── the list ──────────────────────────────────────────────────────────────────────────────────────

# What each tab shows; dance templates are found by their own rows.
TABS: dict[str, Q] = {
    "all": Q(),
    "pictures": Q(kind=Asset.Kind.IMAGE),
    "sound": Q(kind=Asset.Kind.AUDIO),
    "videos": Q(kind=Asset.Kind.VIDEO) & ~Q(origin=Asset.Origin.RESULT),
    "films": Q(origin=Asset.Origin.RESULT),
}


@team_page()
@require_safe
def library(request: TeamRequest) -> HttpResponse:
    """Cards of the team's files, newest first, a page at a time; ?kind=, ?q=, ?tag=, ?collection=,
    and ?older= or ?newer= than a file's public id; ?select=1 with boxes to tick."""
    form = LibraryFilter(request.GET)
    form.is_valid()
    kind, q = form.cleaned_data.get("kind", "all"), form.cleaned_data.get("q", "")
    found = _of_kind(request, kind).select_related("owner")
    if q:
        found = found.filter(words_in("name", q))
    narrowed = Narrowed.of(request, form.cleaned_data.get("tag", ""), few=kind == "templates")
    selects = request.may.delete_own and request.GET.get("select") == "1"
    more = narrowed.words | ({"select": "1"} if selects else {})
    assets, newer, older = _page(request, found, narrowed)
    fits = _suitability(assets)
    context = {
        "nav": "library",
        "kind": kind,
        "q": q,
        "tabs": _tabs(request, kind, q, narrowed),
        "cards": [
            _card(request, asset, fits.get(asset.pk, []), selects=selects) for asset in assets
        ],
        "newer_url": newer and _address(request, kind, q, **more, newer=newer),
        "older_url": older and _address(request, kind, q, **more, older=older),
        "upload_max": settings.UPLOAD_MAX_BYTES,
        "whole": bool(q or any(narrowed.words.values()) or kind != "all"),
        **narrowed.context(request, partial(_address, request, kind, q, **more)),
        "storage": quotas.team_line(request.team),
        "goes_soon": _goes_soon(request),
        "selects": selects,
        "here": request.get_full_path(),
        "select_url": _address(request, kind, q, **narrowed.words, select="1"),
        "plain_url": _address(request, kind, q, **narrowed.words),
    }
    return render(request, "studio/files/library.html", context)


def _goes_soon(request: TeamRequest) -> bool:
    """Whether a file goes into the trash within a week, for who can keep it."""
    return (
        request.team.keep_days is not None
        and request.may.delete_own
        and request.team.assets.filter(goes_at__isnull=False).exists()
    )


def _page(
    request: TeamRequest, found: QuerySet[Asset], narrowed: Narrowed
) -> tuple[list[Asset], str, str]:
    """One page of `found` and the public ids to go on from in either direction ("" where nothing
    follows)."""
    older, newer = (_pk(request, name) for name in ("older", "newer"))
    assets = narrowed.page(found, PAGE + 1, before=older, after=newer)
    if newer is not None and not assets:
        older = newer = None
        assets = narrowed.page(found, PAGE + 1, before=None, after=None)
    more, assets = len(assets) > PAGE, assets[:PAGE]
    if newer is not None:
        assets, more_newer, more_older = assets[::-1], more, True
    else:
        more_newer, more_older = older is not None, more
    if not assets:
        return [], "", ""
    return (
        assets,
        assets[0].public_id if more_newer else "",
        assets[-1].public_id if more_older else "",
    )


def _pk(request: TeamRequest, name: str) -> int | None:
    public_id = request.GET.get(name, "")
    return (
        request.team.assets.filter(public_id=public_id).values_list("pk", flat=True).first()
        if public_id.isalnum()
        else None
    )


def _address(request: TeamRequest, kind: str, q: str, **more: str) -> str:
    query = {
        name: value
        for name, value in {"kind": kind if kind != "all" else "", "q": q, **more}.items()
        if value
    }
    return reverse("library", args=[request.team.slug], query=query)


def _of_kind(request: TeamRequest, kind: str) -> QuerySet[Asset]:
    """The team's files of one of TABS, each read by an index of its own."""
    files = request.team.assets.all()
    if kind != "templates":
        return files.filter(TABS[kind])
    # From the templates, which are few, and each file once however many it has.
    return files.filter(pk__in=request.team.templates.values("asset"))


def _tabs(request: TeamRequest, kind: str, q: str, narrowed: Narrowed) -> list[dict[str, Any]]:
    names = [name for name, _label in LibraryFilter.TABS]
    numbers = Team.objects.filter(pk=request.team.pk).values_list(
        *(CappedCount(_of_kind(request, name)) for name in names)
    )[0]
    counts = dict(zip(names, numbers, strict=True))
    return [
        {
            "name": name,
            "label": label,
            "count": many() if is_capped(counts[name]) else counts[name],
            "url": _address(request, name, q, **narrowed.words),
            "current": name == kind,
        }
        for name, label in LibraryFilter.TABS
    ]


def _card(
    request: TeamRequest, asset: Asset, fits: Iterable[Fit], *, selects: bool = False
) -> dict[str, Any]:
    """What parts/card.html draws; with a box to tick where several are selected."""
    size = f"{asset.width} × {asset.height}" if asset.width else filesize_mb(asset.size)
    who = person(asset.owner) if asset.owner else ""
    pick = {"pick_name": "asset", "pick_type": "checkbox", "pick_value": asset.public_id}
    return (pick if selects else {}) | {
        "title": asset.name,
        "url": reverse("asset", args=[request.team.slug, asset.public_id]),
        "picture_url": thumb_url(request, asset),
        "peaks": drawn_peaks(asset),
        "icon": "speech" if asset.kind == Asset.Kind.AUDIO else "portrait",
        "badge": seconds(asset.seconds) if asset.milliseconds else "",
        "facts": " · ".join(part for part in (size, who) if part),
        "tags": [
            {"label": words, "fit": fit if fit != "maybe" else "none"}
            for words, fit, _reason in fits
        ],
    }


def thumb_url(request: TeamRequest, asset: Asset) -> str:
    """The address of the small picture, "" for sound."""
    return (
        reverse("asset_file", args=[request.team.slug, asset.public_id, "thumb"])
        if asset.thumb
        else ""
    )


def drawn_peaks(asset: Asset) -> list[float]:
    """The stored peaks (0 to 100) as the drawing wants them (0 to 1)."""
    return [peak / 100 for peak in asset.peaks]


def _suitability(assets: list[Asset]) -> dict[int, list[Fit]]:
    """What each file is good for, from whoever knows (settings.ASSET_SUITABILITY); nothing when
    nobody does."""
    path = getattr(settings, "ASSET_SUITABILITY", "")
    if not path or not assets:
        return {}
    suitability: Callable[[list[Asset]], dict[int, list[Fit]]] = import_string(path)
    return suitability(assets)


# ── one file ──────────────────────────────────────────────────────────────────────────────────────


@team_page()
@require_safe
def detail(request: TeamRequest, asset: str) -> HttpResponse:
    found = _asset(request, asset)
    return render(
        request,
        "studio/files/asset.html",
        {
            "nav": "library",
            "asset": found,
            "file_url": reverse(
                "asset_file", args=[request.team.slug, found.public_id, "original"]
            ),
            "download_url": reverse(
                "asset_file", args=[request.team.slug, found.public_id, "download"]
            ),
            "poster_url": thumb_url(request, found),
            "peaks": drawn_peaks(found),
            # What no browser plays gets a sentence instead of a black box.
            "held": held_seconds(found.facts) if found.kind == Asset.Kind.VIDEO else 0.0,
            "hold": held(found),
            "plays": found.format not in ("avi", "mkv"),
            "tags": found.tags.all(),
            "known_tags": known_tags(request.team) if request.may.make else (),
            "fits": _suitability([found]).get(found.pk, []),
            "checks": found.checks.order_by("-id"),
            "users": users_of(found),
        },
    )


@takes_files
@team_page()
@require_POST
def upload(request: TeamRequest) -> HttpResponse:
    """The way without a script: one form with any number of `file`, a sentence for each that is
    refused."""
    files = request.FILES.getlist("file")
    if not files:
        messages.error(request, _("No file came with the form; choose one first."))
    kept: list[Asset] = []
    for file in files:
        if (file.size or 0) > settings.UPLOAD_MAX_BYTES:
            messages.error(request, f"{file.name}: {too_large()}")
            continue
        try:
            asset, new = keep_upload(file, team=request.team, owner=request.user)
        except MediaError as error:
            messages.error(
                request,
                _("%(name)s: %(sentence)s")
                % {"name": file.name, "sentence": translated(error.sentence)},
            )
            continue
        if new:
            kept.append(asset)
        else:
            messages.info(
                request, _("“%(name)s” is here already; it is kept once.") % {"name": asset.name}
            )
    if kept:
        words = ngettext("%(names)s is in the library.", "%(names)s are in the library.", len(kept))
        messages.success(request, words % {"names": ", ".join(asset.name for asset in kept)})
    return redirect_back(request, reverse("library", args=[request.team.slug]))


def _asset(request: TeamRequest, public_id: str) -> Asset:
    return _only(request.team.assets.select_related("owner"), public_id)


def _only(assets: QuerySet[Asset], public_id: str) -> Asset:
    # PostgreSQL refuses a zero byte, which an address may hold.
    found = assets.filter(public_id=public_id).first() if public_id.isalnum() else None
    if found is None:
        raise Http404("No such file.")
    return found


# ── the files themselves ──────────────────────────────────────────────────────────────────────────


@team_page()
@require_safe
def inside(request: TeamRequest, asset: str, what: str) -> HttpResponseBase:
    """The stored file (`original`, `download`) or its small picture (`thumb`) for members, through
    this site wherever it is stored.

    The content of an address never changes, so a browser may keep it; nobody else may.
    """
    found = _asset(request, asset)
    caching = f"private, max-age={YEAR}, immutable"
    if what == "thumb" and found.thumb:
        name = str(found.thumb.name)
        size = found.thumb.storage.size(name)
        return serve(
            request,
            name,
            size=size,
            mime="image/webp",
            etag=f"{found.sha256[:32]}-t",
            caching=caching,
        )
    if what not in ("original", "download"):
        raise Http404("A file is served as original, thumb or download.")
    if what == "download":
        _tell_download(request, found)
    return serve(
        request,
        str(found.file.name),
        size=found.size,
        mime=found.mime,
        etag=found.sha256[:32],
        caching=caching,
        filename=found.name,
        attachment=what == "download",
        piece=PIECE,
    )


def _tell_download(request: TeamRequest, asset: Asset) -> None:
    """A video of somebody else is told to the trail when it is downloaded: once in ten minutes,
    since a browser asks for a long file in parts."""
    result = asset.origin == Asset.Origin.RESULT
    if not result or asset.owner_id == request.user.pk or request.method != "GET":
        return
    if not cache.add(f"downloaded:{request.user.pk}:{asset.pk}", 1, DOWNLOADED_AGAIN):
        return
    with transaction.atomic():
        record(Event.VIDEO_DOWNLOADED, team=request.team, person=asset.owner, about=asset.name)


@public
@require_safe
def outside(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """A stored file for whoever holds a signed link that has not expired: the service fetches it,
    and has no account here."""
    try:
        public_id = links.asset_of(token)
    except links.Expired:
        raise PermissionDenied(
            _("This link has expired. Ask for a new one where it came from.")
        ) from None
    except BadSignature:
        raise Http404("No such link.") from None
    # The signature is the permission, so this view starts at the file and not at a team.
    asset = _only(every_asset(), public_id)
    if name != links.outside_name(asset):
        raise Http404("No such link.")
    return serve(
        request,
        str(asset.file.name),
        size=asset.size,
        mime=asset.mime,
        etag=asset.sha256[:32],
        caching="private, no-store",
    )
