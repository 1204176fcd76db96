"""What a visitor with a share link sees: the page, and the files behind it. Everything goes through
links.opened and the password; nothing here knows who is signed in, but for the count of views."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import wraps

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from jobs.models import SharedVideo, ShareLink
from jobs.pages.shares import visitor
from jobs.pages.shares.forms import PasswordForm
from jobs.pages.video_names import file_name
from jobs.sharing import links
from jobs.sharing.links import Closed, NotOpen
from studio.common.formats import filesize_mb
from studio.files.serving import PIECE, serve
from studio.models import Asset, Membership, User
from studio.teams.access import View, public

# Programs that fetch a page to draw it into a chat: no person has looked yet.
_PREVIEW = re.compile(r"bot|crawl|spider|preview|facebookexternalhit|whatsapp|embed", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shown:
    """A video as the page plays it; an address is "" where there is nothing."""

    title: str
    video: Asset
    url: str
    poster_url: str
    download_url: str
    size: str


def _never_indexed(view: View) -> View:
    """Beside @public: no search engine keeps it."""

    @wraps(view)
    def inside(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive, noimageindex"
        return response

    return inside


@public
@never_cache
@_never_indexed
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, token: str) -> HttpResponse:
    """The videos of the link. It asks itself now and then whether it is still open (?still=1), so a
    link that is taken back ends in front of who has it open."""
    try:
        link = links.opened(token)
    except NotOpen as error:
        return _over(request, error.why)
    if not visitor.let_in(request, link):
        return _load_again() if "still" in request.GET else _ask(request, link, token)
    if "still" in request.GET:
        return HttpResponse(status=204) if links.shown(link).exists() else _load_again()
    videos = [_shown(one, link, token) for one in links.shown(link)]
    if not videos:
        return _over(request, Closed.EMPTY)
    context = {
        "link": link,
        "videos": videos,
        "first": videos[0],
        "site": settings.PUBLIC_URL,
        "address": links.url_of(link),
    }
    response = render(request, "jobs/shares/shared.html", context)
    if _counts(request, link) and visitor.first_view(request, response, link, token):
        links.viewed(link)
    return response


@public
@_never_indexed
@require_safe
def file(request: HttpRequest, token: str, place: int, what: str) -> HttpResponseBase:
    """The video (`video`), the same to be saved (`download`, where the link allows it) or its small
    picture (`picture`), in parts too. 404 without the password, or when the link is over."""
    try:
        link = links.opened(token)
    except NotOpen:
        raise Http404("There is no such file.") from None
    if not visitor.let_in(request, link):
        raise Http404("There is no such file.")
    one = links.shown(link).filter(place=place).first()
    video = one.job.result if one is not None else None
    if one is None or video is None:
        raise Http404("There is no such file.")
    # Asked for again each time, so that a link that was taken back shows nothing from then on.
    caching = "private, no-cache"
    if what == "picture" and video.thumb:
        name = str(video.thumb.name)
        return serve(
            request,
            name,
            size=video.thumb.storage.size(name),
            mime="image/webp",
            etag=f"{video.sha256[:32]}-t",
            caching=caching,
        )
    if what != "video" and not (what == "download" and link.download_allowed):
        raise Http404("There is no such file.")
    return serve(
        request,
        str(video.file.name),
        size=video.size,
        mime=video.mime,
        etag=video.sha256[:32],
        caching=caching,
        filename=file_name(one.job, video.extension) if what == "download" else "",
        attachment=what == "download",
        piece=PIECE,
    )


def _ask(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    """The page that asks for the password; says nothing of what is behind it."""
    posted = request.method == "POST"
    form = PasswordForm(request.POST if posted else None)
    status = 200
    if posted and form.is_valid():
        right = visitor.try_password(request, link, form.cleaned_data["password"])
        if right:
            response = redirect("shared", token)
            visitor.remember(response, link, token)
            return response
        status = 422 if right is not None else 429
        form.add_error(
            "password",
            _("This is not the password. Ask whoever sent you the link.")
            if right is not None
            else _("Too many passwords were tried. Wait ten minutes, then try again."),
        )
    elif posted:
        status = 422
    return render(request, "jobs/shares/password.html", {"form": form}, status=status)


def _over(request: HttpRequest, why: Closed) -> HttpResponse:
    status = 404 if why == Closed.UNKNOWN else 410
    if "still" in request.GET:
        return _load_again()
    return render(request, "jobs/shares/over.html", {"why": why}, status=status)


def _load_again() -> HttpResponse:
    """The open page loads itself again, and shows what there is to say."""
    response = HttpResponse()
    response["HX-Refresh"] = "true"
    return response


def _shown(one: SharedVideo, link: ShareLink, token: str) -> Shown:
    video = one.job.result
    assert video is not None  # noqa: S101  (links.shown)

    def url(what: str) -> str:
        return reverse("shared_file", args=[token, one.place, what])

    return Shown(
        title=one.job.title,
        video=video,
        url=url("video"),
        poster_url=url("picture") if video.thumb else "",
        download_url=url("download") if link.download_allowed else "",
        size=filesize_mb(video.size),
    )


def _counts(request: HttpRequest, link: ShareLink) -> bool:
    """Whether opening the page is a view: by a person who is not of the team."""
    if request.method != "GET" or _PREVIEW.search(request.headers.get("User-Agent", "")):
        return False
    user = request.user
    if not isinstance(user, User):
        return True
    return not Membership.objects.filter(team=link.team_id, user=user).exists()
