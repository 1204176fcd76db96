"""Many at once: pictures × speeches as one page, one confirmation, one set."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from jobs.billing import budget, confirmed_price, prices
from jobs.catalogue.create_pages import models_of
from jobs.common.errors import Refused
from jobs.models import JobSet
from jobs.orders import create_set
from jobs.pages.create.confirmation import set_words
from jobs.pages.create.matrix import SIDE, Batch
from studio.common.translatable import quoted, translated
from studio.files import file_store
from studio.media import MediaError
from studio.models.people import Role
from studio.teams.access import TeamRequest, team_page


@team_page(read=Role.CREATOR)
def batch(request: TeamRequest) -> HttpResponse:
    """GET shows the matrix of the address. POST with `do`: "make" makes the set, "check" has the
    unknown pictures checked, "upload" takes files."""
    given = _given(request)
    if request.method != "POST":
        return _page(request, given)
    do, errors = request.POST.get("do"), []
    if do == "upload":
        errors = _uploaded(request, given)
    elif do == "check":
        changed = confirmed_price.changed(
            request.POST.get(confirmed_price.FIELD, ""),
            "check",
            given.check_micros,
            given.team.currency,
            exact=True,
        )
        errors = [translated(changed)] if changed else given.have_checked()
        given = _given(request)
    elif do == "make":
        try:
            return _made(request, given)
        except MediaError as error:
            errors = [translated(error.sentence)]
        except Refused as refused:
            errors = [translated(sentence) for sentence in refused.sentences]
        except (budget.OverBudget, prices.NoPrice) as error:
            errors = [translated(error.sentence)]
    if errors:
        return _page(request, given, errors, status=200 if request.htmx else 422)
    return _page(request, given) if request.htmx else redirect(given.address)


def _given(request: TeamRequest) -> Batch:
    """The form that was sent, or the address, which the upload's form leaves as it is."""
    data = request.POST if "model" in request.POST else request.GET
    models = models_of("portrait")
    spec = next(
        (model for model in models if model.name == data.get("model", models[0].name)), None
    )
    if spec is None:
        raise Http404("Films of a picture and a speech are not made with that model.")
    return Batch(request.team, request.user, spec, data)


def _made(request: TeamRequest, given: Batch) -> HttpResponse:
    # Another price is another number of films: a check may have ended since the button was drawn.
    changed = confirmed_price.changed(
        request.POST.get(confirmed_price.FIELD, ""),
        "make",
        given.micros,
        given.team.currency,
        exact=True,
    )
    if given.blocked or changed:
        raise Refused(quoted(given.blocked) or changed)
    given.give(request.user)
    title = given.title or _("%(n)s × %(m)s with %(model)s") % {
        "n": len(given.pictures),
        "m": len(given.speeches),
        "model": translated(given.spec.label),
    }
    made = create_set.create_set(
        [wish.trimmed() for wish in given.wishes],
        kind=JobSet.Kind.BATCH,
        title=title,
        key=given.key,
    )
    messages.success(request, set_words(made))
    return redirect(made)


def _uploaded(request: TeamRequest, given: Batch) -> list[str]:
    """Keep the files that came and choose them; the sentences about those that could not be
    kept."""
    sentences = []
    for sent in request.FILES.getlist("files")[: 2 * SIDE]:
        try:
            asset, _new = file_store.keep(
                sent, team=request.team, owner=request.user, name=sent.name or ""
            )
        except MediaError as error:
            sentences.append(f"{sent.name}: {error}")
            continue
        side = {"image": given.pictures, "audio": given.speeches}.get(asset.kind)
        if side is None:
            sentences.append(
                _("%(name)s is a video. Choose pictures and sound.") % {"name": sent.name}
            )
        elif asset in side:
            continue
        elif len(side) >= SIDE:
            sentences.append(
                _("%(name)s is in the library, but at most %(n)s are chosen at once.")
                % {"name": sent.name, "n": SIDE}
            )
        else:
            side.append(asset)
    return sentences


def _page(
    request: TeamRequest, given: Batch, errors: list[str] | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "nav": "jobs",
        "batch": given,
        "errors": errors or [],
        "upload_max": settings.UPLOAD_MAX_BYTES,
    }
    if not request.htmx:
        return render(request, "jobs/create/matrix.html", context, status=status)
    response = render(request, "jobs/create/parts/matrix_swap.html", context)
    response["HX-Replace-Url"] = given.address
    return response
