"""The batch: pictures × speeches as one page, one confirmation, one set."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from jobs.billing import budget, confirmed_price, prices
from jobs.catalogue.create_pages import models_of
from jobs.common.errors import Refused
from jobs.models import JobSet
from jobs.orders.approval import NeedsApproval
from jobs.orders.create_batch import create_batch
from jobs.pages import asking
from jobs.pages.create.batch import address_of, batch_page
from jobs.pages.create.batch_check import check_pictures
from jobs.pages.create.batch_draft import SIDE, BatchDraft, batch_draft
from jobs.pages.create.batch_review import BatchReview, orders_of, review_batch
from jobs.pages.create.confirmation import Confirmation, set_words
from studio.common.translatable import Sentence, quoted, translated
from studio.files import file_store
from studio.media import MediaError
from studio.teams.access import TeamRequest, takes_files, team_page
from studio.teams.permissions import Permission


@takes_files
@team_page(read=Permission.MAKE)
def batch(request: TeamRequest) -> HttpResponse:
    """GET shows the matrix of the address. POST with `do`: "make" makes the set, "check" has the
    unknown pictures checked, "upload" takes files."""
    draft = _draft(request)
    review: BatchReview | None = None
    if request.method != "POST":
        return _page(request, draft)
    do, errors = request.POST.get("do"), []
    if do == "upload":
        errors = _uploaded(request, draft)
    elif do == "check":
        errors = _checked(request, draft)
    elif do == "make":
        review = review_batch(draft)
        try:
            return _made(request, draft, review)
        except MediaError as error:
            errors = [translated(error.sentence)]
        except Refused as refused:
            errors = [translated(sentence) for sentence in refused.sentences]
        except NeedsApproval as needs:
            pending = asking.ask(needs, request.POST, do)
            if pending is not None:
                confirmation = Confirmation.of(pending)
                messages.success(request, confirmation.sentence)
                return redirect(confirmation.url)
            errors = [translated(needs.sentence)]
        except (budget.OverBudget, prices.NoPrice) as error:
            errors = [translated(error.sentence)]
    if errors:
        return _page(request, draft, review, errors, status=200 if request.htmx else 422)
    if request.htmx:
        return _page(request, draft)
    return redirect(address_of(draft, review_batch(draft)))


def _draft(request: TeamRequest) -> BatchDraft:
    """The form that was sent, or the address, which the upload's form leaves as it is."""
    data = request.POST if "model" in request.POST else request.GET
    models = models_of("portrait")
    spec = next(
        (model for model in models if model.name == data.get("model", models[0].name)), None
    )
    if spec is None:
        raise Http404("Videos of a picture and a speech are not made with that model.")
    return batch_draft(request.team, request.user, spec, data)


def _changed(request: TeamRequest, do: str, micros: int) -> Sentence:
    """That the price is another one than the button showed; "" when it is the same. Another price
    is another number of videos: a check may have ended since the button was drawn."""
    confirmed = confirmed_price.sent_along(request.POST)
    return confirmed_price.changed(confirmed, do, micros, request.team.currency, exact=True)


def _checked(request: TeamRequest, draft: BatchDraft) -> list[str]:
    """Have the unknown pictures checked; the sentences why not."""
    review = review_batch(draft)
    changed = _changed(request, "check", review.check.micros)
    return [translated(changed)] if changed else check_pictures(draft, review.table)


def _made(request: TeamRequest, draft: BatchDraft, review: BatchReview) -> HttpResponse:
    """The set of all videos, once: the same key and videos again are the same set."""
    changed = _changed(request, "make", review.micros)
    if review.blocked or changed:
        raise Refused(quoted(review.blocked) or changed)
    review.consent.give(request.user)
    title = draft.title or _("%(n)s × %(m)s with %(model)s") % {
        "n": len(draft.pictures),
        "m": len(draft.speeches),
        "model": translated(draft.spec.label),
    }
    orders = [order.trimmed() for order in orders_of(draft, review.videos)]
    made = create_batch(orders, kind=JobSet.Kind.BATCH, title=title, key=draft.key, partly=True)
    messages.success(request, set_words(made))
    return redirect(made)


def _uploaded(request: TeamRequest, draft: BatchDraft) -> list[str]:
    """Keep the files that came and choose them; the sentences about those that could not be
    kept."""
    sentences = []
    for sent in request.FILES.getlist("files")[: 2 * SIDE]:
        try:
            asset, _new = file_store.keep_upload(sent, team=request.team, owner=request.user)
        except MediaError as error:
            sentences.append(f"{sent.name}: {error}")
            continue
        side = {"image": draft.pictures, "audio": draft.speeches}.get(asset.kind)
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
    request: TeamRequest,
    draft: BatchDraft,
    review: BatchReview | None = None,
    errors: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    page = batch_page(draft, review)
    context = page.context() | {
        "nav": "jobs",
        "errors": errors,
        "upload_max": settings.UPLOAD_MAX_BYTES,
    }
    if not request.htmx:
        return render(request, "jobs/create/batch.html", context, status=status)
    response = render(request, "jobs/create/parts/batch_swap.html", context)
    response["HX-Replace-Url"] = page.draft_url
    return response
