"""A team's share links: made from a job or a set, listed, changed, revoked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs.common.errors import Refused
from jobs.common.states import Group
from jobs.models import Job, JobSet, ShareLink
from jobs.pages.shares.forms import ShareForm
from jobs.sharing import links
from studio.common.translatable import translated
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission

PAGE = 50
_sharers = team_page(read=Permission.SHARE, write=Permission.SHARE)


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link in a list. `closed` says why it shows nothing, "" when it is open; its address is
    given only to who may change it (`mine`), and while it is open."""

    link: ShareLink
    closed: str
    mine: bool
    address: str


# ── making ────────────────────────────────────────────────────────────────────────────────────────


@_sharers
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def job(request: TeamRequest, job: str) -> HttpResponse:
    """A link to the video of one job, and the links that show it already."""
    jobs = request.team.jobs.filter(public_id=job).exclude(group=Group.DELETED)
    found = jobs.first()
    if found is None:
        raise Http404("There is no such job.")
    return _make(request, jobs, found, request.team.share_links.filter(jobs=found))


@_sharers
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def jobset(request: TeamRequest, jobset: str) -> HttpResponse:
    """A link to all videos of a set that are ready, and the links that show some of them."""
    found = request.team.sets.filter(public_id=jobset).first()
    if found is None:
        raise Http404("There is no such set.")
    jobs = found.jobs.order_by("id")
    return _make(request, jobs, found, request.team.share_links.filter(jobs__set=found).distinct())


def _make(
    request: TeamRequest, jobs: QuerySet[Job], about: Job | JobSet, existing: QuerySet[ShareLink]
) -> HttpResponse:
    """The page and its form for `jobs`, which are those of `about`, a job or a set."""
    mine = jobs if request.may.manage_jobs else jobs.filter(owner=request.user)
    some = links.sharable(mine)
    refusal = _refusal(request, jobs, some)
    posted = request.method == "POST"
    form = ShareForm(request.POST if posted else None, title=about.title)
    if posted and refusal:
        messages.error(request, refusal)
        return redirect(request.path)
    if posted and form.is_valid():
        click = request.POST.get("click", "").replace("\x00", "")[:40]
        try:
            link = links.make(request.team, request.user, some, form.terms(), click=click)
        except Refused as error:
            messages.error(request, translated(error.sentence))
            return redirect(request.path)
        messages.success(request, _("The link is made. Copy it and send it to whom you like."))
        return redirect(link)
    context = {
        "nav": "jobs",
        "about": about,
        "form": form,
        "click": uuid.uuid4().hex,
        "refusal": refusal,
        "videos": len(some),
        "silent": any(not job.spec.output.sound for job in some),
        "links": [_row(request, one) for one in _listed(existing)[:PAGE]],
    }
    return render(request, "jobs/shares/make.html", context, status=422 if posted else 200)


def _refusal(request: TeamRequest, jobs: QuerySet[Job], some: QuerySet[Job]) -> str:
    """Why nothing of it can be shared by the reader; "" when something can."""
    if not request.team.sharing_allowed:
        return translated(links.forbidden(request.team))
    if some.exists():
        return ""
    if links.sharable(jobs).exists():
        return _(
            "Somebody else made this. Whoever made a video, and the owners and admins of the team, "
            "share it."
        )
    return _("There is no finished video to share yet. Share it when the first one is ready.")


# ── the list, and one link ────────────────────────────────────────────────────────────────────────


@_sharers
@require_safe
def shares(request: TeamRequest) -> HttpResponse:
    """The links of the team, newest first, a page at a time; ?older= than a link."""
    found = _listed(request.team.share_links.all())
    before = request.GET.get("older", "").replace("\x00", "")
    if before:
        found = found.filter(
            pk__lt=request.team.share_links.filter(public_id=before).values("pk")[:1]
        )
    rows = list(found[: PAGE + 1])
    older = (
        reverse("jobs:shares", args=[request.team.slug], query={"older": rows[PAGE - 1].public_id})
        if len(rows) > PAGE
        else ""
    )
    context = {
        "nav": "jobs",
        "links": [_row(request, one) for one in rows[:PAGE]],
        "older_url": older,
        "newer_url": request.path if before else "",
        "forbidden": ""
        if request.team.sharing_allowed
        else translated(links.forbidden(request.team)),
    }
    return render(request, "jobs/shares/shares.html", context)


@_sharers
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: TeamRequest, share: str) -> HttpResponse:
    """One link: its address to copy, what it shows, and a form that changes it."""
    found = _link(request, share)
    mine = _may_change(request, found)
    posted = request.method == "POST"
    form = ShareForm(request.POST if posted else None, link=found)
    if posted and not mine:
        messages.error(request, _not_yours())
        return redirect(found)
    if posted and form.is_valid():
        try:
            changed = links.change(
                found, request.user, form.terms(), new_password=form.new_password
            )
        except Refused as error:
            messages.error(request, translated(error.sentence))
        else:
            messages.info(request, _("Saved.") if changed else _("Nothing has changed."))
        return redirect(found)
    context = {
        "nav": "jobs",
        "link": found,
        "row": _row(request, found),
        "form": form,
        "videos": links.shown(found),
    }
    return render(request, "jobs/shares/share.html", context, status=422 if posted else 200)


@_sharers
@require_POST
def revoke(request: TeamRequest, share: str) -> HttpResponse:
    """End the link for ever: at once for who opens it, and for who has it open."""
    found = _link(request, share)
    if not _may_change(request, found):
        messages.error(request, _not_yours())
        return redirect(found)
    if links.revoke(found, request.user):
        messages.success(
            request, _("The link to “%(title)s” shows nothing any more.") % {"title": found.title}
        )
    else:
        messages.info(request, _("It was taken back already."))
    return redirect("jobs:shares", request.team.slug)


def _link(request: TeamRequest, public_id: str) -> ShareLink:
    found = request.team.share_links.select_related("team", "made_by").filter(public_id=public_id)
    link = found.first() if public_id.isalnum() else None
    if link is None:
        raise Http404("There is no such link.")
    return link


def _may_change(request: TeamRequest, link: ShareLink) -> bool:
    return request.may.manage_jobs or link.made_by_id == request.user.pk


def _not_yours() -> str:
    return _(
        "Somebody else made this link. They, and the owners and admins of the team, change it."
    )


def _listed(found: QuerySet[ShareLink]) -> QuerySet[ShareLink]:
    return found.select_related("team", "made_by").annotate(shows=Count("videos")).order_by("-pk")


def _row(request: TeamRequest, link: ShareLink) -> LinkRow:
    why = links.closed(link)
    mine = _may_change(request, link)
    return LinkRow(
        link=link,
        closed=str(why.label) if why is not None else "",
        mine=mine,
        address=links.url_of(link) if mine and why is None else "",
    )
