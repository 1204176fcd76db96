"""The retirement of a model: what the vendor announced of its end, the models that it names as
successors, and what making the same there costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.catalogue import entries
from jobs.catalogue.create_pages import dance_of, page_of
from jobs.common.states import Code
from jobs.models import Account, Job
from jobs.models.job import video_of
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import TEMPLATE, TEMPLATE_VIDEO, form_value
from jobs.pages.create.draft_form import DraftForm
from jobs.pages.create.successor_draft import SuccessorDraft
from studio.common import formats
from studio.common.translatable import translated
from studio.models.people import Team

BEIJING = timedelta(hours=8)  # the vendor's days begin there


def successors_of(spec: entries.Model) -> list[entries.Model]:
    """The models that take the place of `spec` and have a create page. For a template model those
    of the dances that it is made for."""
    names = spec.successors
    dances = dance_of(spec) if spec.kind is entries.Kind.TEMPLATE else None
    if not names and dances is not None:
        names = dances.successors
    found = [entries.MODELS[name] for name in names if name in entries.MODELS]
    return [model for model in found if page_of(model)]


def in_order(models: Iterable[entries.Model]) -> list[entries.Model]:
    """`models` for a menu: those whose day has passed come last."""
    now = timezone.now()
    return sorted(models, key=lambda model: model.retired(now))


@dataclass(frozen=True, slots=True)
class Successor:
    """A model to go on with, in words: the same made there, its price, what is different and
    what is lost."""

    label: str
    model: str
    url: str
    price: str
    total: str
    notes: list[str]
    lost: str


@dataclass(frozen=True, slots=True)
class Ending:
    """What the vendor announced about a model, and the ways on for one draft. `over`: its day has
    passed, or the service has it no more."""

    sentence: str
    over: bool
    ways: list[Successor]


def translate(draft: Draft, to: entries.Model) -> dict[str, str]:
    """The fields of `to`'s create page that make the same as `draft`: files by their kind, sounds
    as long as it takes, choices it knows."""
    return SuccessorDraft(
        draft, to, draft.template.account if draft.template is not None else draft.account
    ).fields


def ending(
    draft: Draft, account: Account | None, here: int | None, *, gone: bool = False
) -> Ending | None:
    """What is to be said about the end of the draft's model; None for a model that stays.

    `here` is what the draft costs as it is, in micros; `gone`: the service has answered that it has
    no such model.
    """
    spec = draft.spec
    if spec.retires_at is None and not gone:
        return None
    now = timezone.now()
    ways = [
        _successor(SuccessorDraft(draft, model, account), here) for model in successors_of(spec)
    ]
    return Ending(_sentence(spec, now, gone, bool(ways)), gone or spec.retired(now), ways)


def _successor(way: SuccessorDraft, here: int | None) -> Successor:
    return Successor(
        way.label,
        translated(way.spec.label),
        way.url,
        way.price(here),
        way.total,
        way.notes,
        ", ".join(way.lost),
    )


def _sentence(spec: entries.Model, now: datetime, gone: bool, ways: bool) -> str:
    ends = spec.retires_at
    day = formats.written((ends + BEIJING).date(), "day year") if ends is not None else ""
    values = {"model": translated(spec.label), "day": day}
    if gone and day:
        return (
            _("The service has no %(model)s any more; Alibaba had announced its end for %(day)s.")
            % values
        )
    if gone:
        return _("The service answers that it has no %(model)s any more.") % values
    if spec.retired(now):
        sentence = (
            _("The day that Alibaba announced as the end of %(model)s, %(day)s, has passed.")
            % values
        )
    else:
        sentence = _("Alibaba announced that %(model)s ends on %(day)s.") % values
    return (
        sentence
        + " "
        + _("If the service refuses it, the job says so and costs nothing.")
        + ("" if ways else " " + _("No successor is named."))
    )


def of_job(job: Job, team: Team) -> Ending | None:
    """The ways on for what `job` made, failed to make or waits to make with a model that is gone;
    None when its model stays, or its files are not here."""
    gone = job.code == Code.MODEL_GONE or job.lane.health == Account.Health.GONE
    ended = job.terminal or job.code == Code.MODEL_GONE
    if (
        not ended
        or job.adopted
        or not page_of(job.spec)
        or (job.spec.retires_at is None and not gone)
    ):
        return None
    draft = draft_of(job, team)
    return ending(draft, job.account, job.quote_micros or None, gone=gone)


def draft_of(job: Job, team: Team) -> Draft:
    """What the person had chosen for `job`, as its create page would read it now."""
    fields = {row.name: row.asset.public_id for row in job.inputs.select_related("asset")}
    fields |= {name: form_value(value) for name, value in job.parameters.items()} | {
        "title": job.title,
        "account": job.account.public_id,
    }
    if job.spec.makes and job.template is not None:
        fields[TEMPLATE] = job.template.public_id
    elif job.spec.makes and job.needs is not None:
        video = video_of(job.needs)
        fields[TEMPLATE_VIDEO] = video.public_id if video is not None else ""
    return DraftForm(fields, spec=job.spec, team=team).draft
