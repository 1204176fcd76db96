"""The create pages: talking portrait, dancing character, dance template. One view for all, driven
by the catalogue.

Everything but the last click works on a draft in the address; a script only saves reloads. POST is
asked with `do`: a word of `sets.CLICKS` makes a job or a set of them, "check" asks the service
about the picture, anything else takes uploads and shows the page again. With a script the click
leaves the page as it is, with a key for the next one; without, it leads to what was made.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from jobs.billing import budget, confirmed_price, prices
from jobs.catalogue import entries
from jobs.catalogue.create_pages import models_of
from jobs.common.errors import Refused
from jobs.engine import checks
from jobs.orders import consent, sets
from jobs.orders.trim import Trim
from jobs.pages.create import presets
from jobs.pages.create.confirmation import Toast
from jobs.pages.create.draft import UPLOAD, Draft, DraftForm, file_fields
from jobs.pages.create.page import Desk
from studio.common.translatable import translated
from studio.files import file_store
from studio.media import MediaError
from studio.models.people import Role
from studio.teams.access import TeamRequest, team_page

PAGES = ("portrait", "dance", "template")


@team_page(read=Role.CREATOR)
def portrait(request: TeamRequest) -> HttpResponse:
    return _page(request, "portrait")


@team_page(read=Role.CREATOR)
def dance(request: TeamRequest) -> HttpResponse:
    return _page(request, "dance")


@team_page(read=Role.CREATOR)
def template(request: TeamRequest) -> HttpResponse:
    return _page(request, "template")


@team_page(read=Role.CREATOR)
def price(request: TeamRequest) -> HttpResponse:
    """The form and the till again, after any change. Without a script the page itself."""
    page = page_of(request)
    desk = Desk(draft_of(request, page), request.user, page=page)
    return fragment(request, desk) if request.htmx else redirect(desk.address)


@team_page(read=Role.CREATOR)
def check(request: TeamRequest) -> HttpResponse:
    """POST asks the service about the draft's picture (again, when there was no answer). GET is the
    poll: 204 until there is a verdict."""
    page = page_of(request)
    draft = draft_of(request, page)
    if request.method == "POST":
        errors = have_checked(request, draft)
        desk = Desk(draft, request.user, page=page)
        if request.htmx:
            return fragment(request, desk, errors)
        for sentence in errors:
            messages.error(request, sentence)
        return redirect(desk.address)
    desk = Desk(draft, request.user, page=page)
    if desk.check is not None and desk.check.waits:
        return HttpResponse(status=204)
    return fragment(request, desk) if request.htmx else redirect(desk.address)


def _page(request: TeamRequest, page: str) -> HttpResponse:
    draft = draft_of(request, page)
    if request.method != "POST":
        return _whole(request, Desk(draft, request.user, page=page))
    arrived = _take_uploads(request, draft)
    do = request.POST.get("do")
    if do in sets.CLICKS and not arrived:
        return _click(request, draft, page, do)
    errors = have_checked(request, draft) if do == "check" and not arrived else []
    desk = Desk(draft, request.user, page=page)
    if errors or any(name.startswith(UPLOAD) for name in draft.problems):
        return _whole(request, desk, errors, status=422)
    return redirect(desk.address)


def _click(request: TeamRequest, draft: Draft, page: str, do: str) -> HttpResponse:
    """The click that costs, once: the same key and draft again is the same job."""
    desk = Desk(draft, request.user, page=page)
    # Not the budget, which the click itself tests: a second one finds the job of the first.
    errors = [draft.unread or desk.blocked or _repriced(request, desk, do)]
    if not errors[0]:
        given = consent.give(draft.ticked, request.user)
        try:
            made = sets.make(
                draft.wish(request.user), do, parts_of(desk) if do == "split" else (), draft.source
            )
        except MediaError as error:
            errors = [translated(error.sentence)]
        except Refused as refused:
            errors = [translated(sentence) for sentence in refused.sentences]
        except (budget.OverBudget, prices.NoPrice) as error:
            errors = [translated(error.sentence)]
        else:
            toast = Toast.of(made)
            if request.htmx:
                draft.key = uuid.uuid4().hex
                return fragment(request, Desk(draft, request.user, page=page), toast=toast)
            messages.success(request, toast.sentence)
            return redirect(made)
        consent.take_back(given, request.user)
        desk = Desk(draft, request.user, page=page)
    return (
        fragment(request, desk, errors)
        if request.htmx
        else _whole(request, desk, errors, status=422)
    )


def _repriced(request: TeamRequest, desk: Desk, do: str) -> str:
    """That the click would cost more than its button said; "" when it does not."""
    return translated(
        confirmed_price.changed(
            request.POST.get(confirmed_price.FIELD, ""),
            do,
            desk.offers.prices.get(do, 0),
            desk.team.currency,
        )
    )


def parts_of(desk: Desk) -> list[Trim]:
    """The parts of the draft's speech when it is too long for one film."""
    return [part.kept for part in desk.sound.split] if desk.sound is not None else []


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
        raise Http404("This page does not make films with that model.")
    return DraftForm(data, spec=spec, team=request.team).draft


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
            asset, _new = file_store.keep(
                sent, team=request.team, owner=request.user, name=sent.name or ""
            )
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
        account = Desk(draft, request.user, page="").account
        if account is None:
            return [_("There is no account yet. Add one with its API key first.")]
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


def _context(request: TeamRequest, desk: Desk, errors: list[str]) -> dict[str, Any]:
    return {
        "presets": presets.lines(desk.draft, desk.url, request.membership),
        "desk": desk,
        "draft": desk.draft,
        "spec": desk.spec,
        "errors": errors,
        "nav": "jobs",
        "is_dance": desk.spec.kind is entries.Kind.VIDEO and desk.sound is None,
    }


def _whole(
    request: TeamRequest, desk: Desk, errors: list[str] | None = None, status: int = 200
) -> HttpResponse:
    return render(
        request,
        f"jobs/create/{desk.page}.html",
        _context(request, desk, errors or []),
        status=status,
    )


def fragment(
    request: TeamRequest, desk: Desk, errors: list[str] | None = None, toast: Toast | None = None
) -> HttpResponse:
    response = render(
        request,
        "jobs/create/parts/swap.html",
        _context(request, desk, errors or []) | {"toast": toast},
    )
    response["HX-Replace-Url"] = desk.address
    return response
