"""The create pages: talking portrait, dancing character, dance template. One view for all, driven
by the catalogue.

Everything but the last click works on a draft in the address; a script only saves reloads. POST is
asked with `do`: a word of `sets.CLICKS` makes a job or a set of them, "check" asks the service
about the picture, anything else takes uploads and shows the page again. With a script the click
leaves the page as it is, with a key for the next one; without, it leads to what was made.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from jobs.billing import budget, confirmed_price, prices
from jobs.catalogue.create_pages import models_of
from jobs.common.errors import Refused
from jobs.engine import checks
from jobs.models import Job, JobSet, PendingOrder
from jobs.orders import consent, sets
from jobs.orders.approval import NeedsApproval
from jobs.pages import asking
from jobs.pages.create import presets
from jobs.pages.create.account_panel import account_of
from jobs.pages.create.confirmation import Confirmation
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import UPLOAD, file_fields
from jobs.pages.create.draft_form import DraftForm
from jobs.pages.create.draft_review import DraftReview, review_draft
from jobs.pages.create.page import CreatePage, create_page
from jobs.pages.create.page_urls import PageUrls
from studio.common.translatable import translated
from studio.files import file_store
from studio.media import MediaError
from studio.teams.access import TeamRequest, takes_files, team_page
from studio.teams.permissions import Permission

PAGES = ("portrait", "dance", "template")


@takes_files
@team_page(read=Permission.MAKE)
def portrait(request: TeamRequest) -> HttpResponse:
    return _page(request, "portrait")


@takes_files
@team_page(read=Permission.MAKE)
def dance(request: TeamRequest) -> HttpResponse:
    return _page(request, "dance")


@takes_files
@team_page(read=Permission.MAKE)
def template(request: TeamRequest) -> HttpResponse:
    return _page(request, "template")


@takes_files
@team_page(read=Permission.MAKE)
def price(request: TeamRequest) -> HttpResponse:
    """The form and the price again, after any change. Without a script the page itself."""
    page = page_of(request)
    draft = draft_of(request, page)
    return shown_again(request, draft, page)


@takes_files
@team_page(read=Permission.MAKE)
def check(request: TeamRequest) -> HttpResponse:
    """POST asks the service about the draft's picture (again, when there was no answer). GET is the
    poll: 204 until there is an answer."""
    page = page_of(request)
    draft = draft_of(request, page)
    if request.method == "POST":
        return shown_again(request, draft, page, have_checked(request, draft))
    known = draft.known_check()
    if known is not None and known.state in (known.State.WAITING, known.State.ASKING):
        return HttpResponse(status=204)
    return shown_again(request, draft, page)


def _page(request: TeamRequest, page: str) -> HttpResponse:
    draft = draft_of(request, page)
    if request.method != "POST":
        return _whole(request, create_page(draft, request.user, page))
    arrived = _take_uploads(request, draft)
    do = request.POST.get("do")
    if do in sets.CLICKS and not arrived:
        return _click(request, draft, page, do)
    errors = have_checked(request, draft) if do == "check" and not arrived else []
    if errors or any(name.startswith(UPLOAD) for name in draft.problems):
        return _whole(request, create_page(draft, request.user, page), errors, status=422)
    return redirect(PageUrls.of(draft, page).draft)


def _click(request: TeamRequest, draft: Draft, page: str, do: str) -> HttpResponse:
    """The click that costs, once: the same key and draft again is the same job."""
    review = review_draft(draft, request.user)
    # Not the budget, which the click itself tests: a second one finds the job of the first.
    errors = [draft.unread or review.blocked or _repriced(request, review, do)]
    if not errors[0]:
        given = consent.give(draft.ticked, request.user)
        try:
            made = sets.make(
                review.planned.order,
                do,
                review.parts if do == "split" else (),
                draft.source,
                review.planned.plan,
            )
        except MediaError as error:
            errors = [translated(error.sentence)]
        except Refused as refused:
            errors = [translated(sentence) for sentence in refused.sentences]
        except NeedsApproval as needs:
            pending = asking.ask(needs, request.POST, do)
            if pending is not None:
                return _made(request, draft, page, pending)
            errors = [translated(needs.sentence)]
        except (budget.OverBudget, prices.NoPrice) as error:
            errors = [translated(error.sentence)]
        else:
            return _made(request, draft, page, made)
        consent.take_back(given, request.user)
        review = review_draft(draft, request.user, review.planned)
    shown = create_page(draft, request.user, page, review)
    return (
        fragment(request, shown, errors)
        if request.htmx
        else _whole(request, shown, errors, status=422)
    )


def _made(
    request: TeamRequest, draft: Draft, page: str, made: Job | JobSet | PendingOrder
) -> HttpResponse:
    """With a script the page again, planned anew with a key for the next click: what is under way
    now may change its price. Without, what was made."""
    confirmation = Confirmation.of(made)
    if request.htmx:
        draft.key = uuid.uuid4().hex
        return fragment(request, create_page(draft, request.user, page), confirmation=confirmation)
    messages.success(request, confirmation.sentence)
    return redirect(confirmation.url)


def _repriced(request: TeamRequest, review: DraftReview, do: str) -> str:
    """That the click would cost more than its button showed; "" when it does not."""
    return translated(
        confirmed_price.changed(
            confirmed_price.sent_along(request.POST),
            do,
            review.prices.get(do, 0),
            request.team.currency,
        )
    )


def page_of(request: TeamRequest) -> str:
    page = (request.POST if request.method == "POST" else request.GET).get("page", "portrait")
    if page not in PAGES:
        raise Http404("There is no such create page.")
    return page


def draft_of(request: TeamRequest, page: str) -> Draft:
    """The draft that the address or the submitted form holds; 404 for a model that this page does
    not make."""
    data = request.POST if request.method == "POST" else request.GET
    models = models_of(page)
    name = data.get("model") or models[0].name
    spec = next((model for model in models if model.name == name), None)
    if spec is None:
        raise Http404("This page does not make videos with that model.")
    return DraftForm(data, spec=spec, team=request.team, person=request.user).draft


def _take_uploads(request: TeamRequest, draft: Draft) -> bool:
    """Store files that came with the form (the way without a script). True when any came, good or
    bad."""
    arrived = False
    for file in file_fields(draft.spec):
        sent = request.FILES.get(UPLOAD + file.name)
        if sent is None:
            continue
        arrived = True
        try:
            asset, _new = file_store.keep_upload(sent, team=request.team, owner=request.user)
        except MediaError as error:
            draft.problems[UPLOAD + file.name] = [translated(error.sentence)]
            continue
        if asset.kind == file.kind:
            draft.problems[file.name] = [
                translated(problem.sentence) for problem in file.limits.problems(asset.facts)
            ]
            draft.put(file.name, asset)
        else:
            draft.problems[UPLOAD + file.name] = [
                translated(file.limits.problems(asset.facts)[0].sentence)
            ]
    return arrived


def have_checked(request: TeamRequest, draft: Draft) -> list[str]:
    """Have the draft's picture checked; the sentences why not, empty when it is known or under
    way."""
    picture = draft.picture
    if picture is None:
        return [_("Choose a picture first.")] if draft.spec.check else []
    try:
        known = draft.known_check()
        if known is not None and known.state in (known.State.UNCERTAIN, known.State.FAILED):
            checks.ask_again(known, request.user)
            return []
        account = account_of(draft)
        if account is None:
            return [_("There is no Model Studio connection yet. Add one with its API key first.")]
        checks.ask(
            asset=picture,
            model=draft.spec.check,
            chosen=draft.check_choices,
            account=account,
            by=request.user,
        )
    except Refused as refused:
        return [translated(sentence) for sentence in refused.sentences]
    except (budget.OverBudget, prices.NoPrice) as error:
        return [translated(error.sentence)]
    return []


def shown_again(
    request: TeamRequest,
    draft: Draft,
    page: str,
    errors: Sequence[str] = (),
    confirmation: Confirmation | None = None,
) -> HttpResponse:
    """The page of `draft` after a request that changed something of it: its parts for a script,
    else the way to its address, with what there is to say as messages."""
    if request.htmx:
        return fragment(request, create_page(draft, request.user, page), errors, confirmation)
    if confirmation is not None:
        messages.success(request, confirmation.sentence)
    for sentence in errors:
        messages.error(request, sentence)
    return redirect(PageUrls.of(draft, page).draft)


def _context(request: TeamRequest, shown: CreatePage, errors: Sequence[str]) -> dict[str, Any]:
    return shown.context() | {
        "presets": presets.lines(shown.draft, shown.urls.page, request.membership),
        "errors": errors,
        "upload_max": settings.UPLOAD_MAX_BYTES,
        "nav": "jobs",
    }


def _whole(
    request: TeamRequest, shown: CreatePage, errors: Sequence[str] = (), status: int = 200
) -> HttpResponse:
    context = _context(request, shown, errors)
    return render(request, f"jobs/create/{shown.page}.html", context, status=status)


def fragment(
    request: TeamRequest,
    shown: CreatePage,
    errors: Sequence[str] = (),
    confirmation: Confirmation | None = None,
) -> HttpResponse:
    """The parts of the page that a script swaps, with the address of the draft."""
    context = _context(request, shown, errors) | {"confirmation": confirmation}
    response = render(request, "jobs/create/parts/swap.html", context)
    response["HX-Replace-Url"] = shown.urls.draft
    return response
