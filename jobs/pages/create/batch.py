"""The batch: every chosen picture with every chosen speech, as a matrix of videos. The panels of
its page, each built once from the draft."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.billing import budget, confirmed_price
from jobs.catalogue import entries
from jobs.catalogue.create_pages import models_of
from jobs.engine import eta
from jobs.orders import rest
from jobs.pages import asking, labels
from jobs.pages.budget_summary import BudgetSummary, no_room
from jobs.pages.create import presets
from jobs.pages.create.batch_check import BatchCheck
from jobs.pages.create.batch_consent import BatchConsent
from jobs.pages.create.batch_draft import BatchDraft
from jobs.pages.create.batch_review import BatchReview, review_batch
from jobs.pages.create.batch_table import BatchTable, BatchVideo
from jobs.pages.create.choices_panel import Choice, choice_of
from jobs.pages.create.draft_fields import form_value
from jobs.pages.create.file_slots import facts_line, file_url
from studio.common import formats
from studio.common.translatable import translated
from studio.models import Asset

SHOWN = 60  # files of the library that are offered


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """A picture or a speech to tick. `unfit`: it cannot be chosen, for what `facts` says."""

    id: str
    asset: Asset
    on: bool
    unfit: bool
    facts: str
    thumb_url: str


@dataclass(frozen=True, slots=True)
class BatchPrice:
    """`total` of all videos that are chosen and fit, "" without any; `make_label` of the button,
    `times` when the last of them is ready, as far as anybody can tell."""

    total: str
    make_label: str
    times: str
    budget: BudgetSummary
    left_after: str


@dataclass(frozen=True, slots=True)
class BatchPage:
    """All that the page shows; the templates find each field under its name.

    `page_url` is the page without a draft, `draft_url` with all that is chosen. `library` by the
    name of the form's field. `presets`: (name, the same matrix with its choices). `why_not`: why
    nothing can be made now, "" when it can. `confirmed_prices`: what the buttons show, as the form
    sends it along with a click; `asks` as of a create page. `part`: how many have room in the
    limits when not all have, and what becomes of the others.
    """

    draft: BatchDraft
    spec: entries.Model
    models: list[entries.Model]
    page_url: str
    draft_url: str
    library: dict[str, list[LibraryFile]]
    choices: list[Choice]
    presets: list[tuple[str, str]]
    table: BatchTable
    check: BatchCheck
    consent: BatchConsent
    price: BatchPrice
    why_not: str
    confirmed_prices: str
    asks: str
    approval: str
    part: str

    def context(self) -> dict[str, Any]:
        """The panels by their names, for a template."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def batch_page(draft: BatchDraft, review: BatchReview | None = None) -> BatchPage:
    """The page of `draft`; `review` where the request has worked it out already."""
    review = review or review_batch(draft)
    asks = asking.asking_buttons(draft.team, draft.user, {"make": review.micros})
    part = _part(draft, review)
    no = "" if asks or part else no_room(draft.team, draft.user, review.micros)
    return BatchPage(
        draft=draft,
        spec=draft.spec,
        models=models_of("portrait"),
        page_url=_url(draft),
        draft_url=address_of(draft, review),
        library=_library(draft),
        choices=[choice_of(p, draft.chosen[p.name]) for p in draft.spec.choices()],
        presets=_presets(draft, review),
        table=review.table,
        check=review.check,
        consent=review.consent,
        price=_price(draft, review),
        why_not=review.blocked or no,
        confirmed_prices=confirmed_price.form_value(
            ({"make": review.micros} if review.videos else {})
            | ({"check": review.check.micros} if review.check.micros else {})
        ),
        asks=asks,
        approval=asking.note(draft.team, asks, "make", review.micros),
        part=part,
    )


def _part(draft: BatchDraft, review: BatchReview) -> str:
    """“12 of 20 videos start now for $1.10; the other 8 ($0.74) are held.” and by what; "" when all
    have room in the limits, or none."""
    each = [one.micros for one in review.videos]
    fitting = rest.fitting(each, budget.room(draft.team, draft.user))
    if not fitting or len(fitting) == len(each):
        return ""
    now = sum(each[number] for number in fitting)
    why = rest.why(draft.team, draft.user, review.micros)
    words = {
        "n": len(fitting),
        "all": len(each),
        "now": formats.money_of(now, draft.team.currency),
        "others": len(each) - len(fitting),
        "rest": formats.money_of(review.micros - now, draft.team.currency),
    }
    said = _(
        "%(n)s of %(all)s start now for %(now)s. The other %(others)s (%(rest)s) are held: nothing "
        "is reserved for them, and you go on with them on the page of the batch."
    )
    return f"{said % words} {translated(why) if why else ''}".strip()


def _url(draft: BatchDraft) -> str:
    return reverse("jobs:batch", args=[draft.team.slug])


def address_of(draft: BatchDraft, review: BatchReview, chosen: dict[str, Any] | None = None) -> str:
    """The page with all that is chosen in it; `chosen` in place of the draft's choices."""
    chosen = draft.chosen if chosen is None else chosen
    pairs = [
        ("model", draft.spec.name),
        *(("picture", asset.public_id) for asset in draft.pictures),
        *(("speech", asset.public_id) for asset in draft.speeches),
        *(
            (p.name, form_value(chosen[p.name]))
            for p in draft.spec.choices()
            if chosen[p.name] != p.usual(draft.team.default_shape)
        ),
        *(("off", name) for name in sorted(draft.left_out & review.table.cells)),
        *(("consent", one.value) for one in review.consent.questions if one.ticked),
    ]
    if review.consent.besides:
        pairs.append(("consent", review.consent.besides))
    if draft.title:
        pairs.append(("title", draft.title))
    return f"{_url(draft)}?{urlencode(pairs)}"


def _presets(draft: BatchDraft, review: BatchReview) -> list[tuple[str, str]]:
    mine = draft.team.presets.filter(model=draft.spec.name)
    return [
        (preset.name, address_of(draft, review, presets.choices_of(preset, draft.spec)))
        for preset in mine
    ]


def _library(draft: BatchDraft) -> dict[str, list[LibraryFile]]:
    """Pictures and speeches to choose from: those chosen, then the newest."""
    found = {}
    sides = (("picture", "image", draft.pictures), ("speech", "audio", draft.speeches))
    for name, kind, chosen in sides:
        taken = {asset.pk for asset in chosen}
        newest = draft.team.assets.filter(kind=kind)[:SHOWN]
        rest = [asset for asset in newest if asset.pk not in taken]
        found[name] = [
            _library_file(draft, name, asset, asset.pk in taken) for asset in [*chosen, *rest]
        ]
    return found


def _library_file(draft: BatchDraft, name: str, asset: Asset, on: bool) -> LibraryFile:
    problem = draft.problem(asset)
    return LibraryFile(
        f"{name}-{asset.public_id}",
        asset,
        on,
        bool(problem) and not on,
        problem or facts_line(asset),
        file_url(draft.team, asset, "thumb") if asset.thumb else "",
    )


def _price(draft: BatchDraft, review: BatchReview) -> BatchPrice:
    n, budget = len(review.videos), BudgetSummary.of(draft.team, draft.user)
    return BatchPrice(
        formats.money_of(review.micros, draft.team.currency) if n else "",
        ngettext("Make %(n)s video", "Make %(n)s videos", n) % {"n": n} if n else _("Make videos"),
        _times(draft, review.videos),
        budget,
        budget.left_after(review.micros),
    )


def _times(draft: BatchDraft, videos: list[BatchVideo]) -> str:
    if draft.account is None or not videos:
        return ""
    variant = draft.spec.variant_of(draft.chosen)
    lengths = [(variant, draft.milliseconds(video.speech)) for video in videos]
    places = eta.next_places(draft.account, draft.spec.name, lengths, draft.user)
    ready = labels.ready_words(max(places, key=lambda place: place.position))
    return _("the last one %(ready)s") % {"ready": ready} if ready else ""
