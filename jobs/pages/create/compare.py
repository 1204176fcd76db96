"""A job as the beginning of another one: what differs between a draft and the job it began as, and
between a job and that one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from jobs.catalogue import entries
from jobs.models import Job, Template
from jobs.models.job import video_of
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import TEMPLATE_VIDEO
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models import Asset


@dataclass(frozen=True, slots=True)
class Change:
    """“Shape: 1:1 head → 3:4 half body”."""

    label: str
    before: str
    after: str


def was_chosen(draft: Draft, parameter: entries.Parameter) -> str:
    """What the job that the draft began as had chosen, in words; "" when it is the same, or the
    draft began as none."""
    source = draft.source
    if source is None or source.model != draft.spec.name:
        return ""
    before = source.parameters.get(parameter.name, parameter.default)
    return _word(parameter, before) if before != draft.chosen[parameter.name] else ""


def was_file(draft: Draft, name: str) -> str:
    """The file that the job had where the draft has another one, or another part of it; "" when it
    is the same."""
    source = draft.source
    if source is None or source.model != draft.spec.name:
        return ""
    if name == TEMPLATE_VIDEO:
        same = (
            draft.template == source.template
            if source.template is not None
            else draft.template is None
        )
        return "" if same or source.template is None else _template_name(source.template)
    before = next(
        (row.asset for row in source.inputs.select_related("asset") if row.name == name), None
    )
    after, parts = draft.asset(name), draft.trims.get(name)
    if before is None or (before == after and (parts is None or parts.everything)):
        return ""
    return _named(before)


def changes(job: Job) -> list[Change]:
    """What `job` has other than the job it was made again from, in the order of the declaration; of
    two models, the model alone."""
    source = job.again_of
    if source is None or source.deleted:
        return []
    if source.model != job.model:
        return [Change(_("Model"), translated(source.spec.label), translated(job.spec.label))]
    found = []
    before, after = _files(source), _files(job)
    for given in job.spec.inputs:
        if (
            before.get(given.name) != after.get(given.name)
            and given.name in before
            and given.name in after
        ):
            found.append(
                Change(
                    translated(given.label), _named(before[given.name]), _named(after[given.name])
                )
            )
        elif given.kind == "template" and _moves(source) != _moves(job):
            found.append(Change(translated(given.label), _moves(source), _moves(job)))
    for parameter in job.spec.choices():
        old, new = (one.parameters.get(parameter.name, parameter.default) for one in (source, job))
        heeded = parameter.only_when is None or parameter.only_when[1] in (
            source.parameters.get(parameter.only_when[0]),
            job.parameters.get(parameter.only_when[0]),
        )
        if old != new and heeded:
            found.append(
                Change(translated(parameter.label), _word(parameter, old), _word(parameter, new))
            )
    return found


def _files(job: Job) -> dict[str, Asset]:
    return {row.name: row.asset for row in job.inputs.select_related("asset")}


def _moves(job: Job) -> str:
    """The name of the moves: of the template, or of the video that one is being made from."""
    if job.template is not None:
        return _template_name(job.template)
    video = video_of(job.needs) if job.needs is not None else None
    return str(video.name) if video is not None else ""


def _template_name(template: Template) -> str:
    return _("a deleted template") if template.deleted else str(template.name)


def _named(asset: Asset) -> str:
    return f"{asset.name} ({length(asset.seconds)})" if asset.milliseconds else str(asset.name)


def _word(parameter: entries.Parameter, value: Any) -> str:
    return next(
        (translated(label) for known, label, _help in parameter.words if known == value), str(value)
    )
